import { lit, type Duck } from '../warehouse/duckdb.js';
import type { RecordBlock } from '../kafka/types.js';
import { parquetScan } from '../warehouse/snapshot/parquet.js';

/** Records that Kafka has, as runs of offsets: `[partition, from, to)`. */
export type Runs = [partition: number, from: number, to: number][];

/** Names of batches, which sort as they were committed. */
const BATCH = 'b[0-9]{9,}';

/** Passes blocks on and notes which offsets are records. */
export async function* noteRuns(blocks: AsyncIterable<RecordBlock>, runs: Runs): AsyncGenerator<RecordBlock> {
  for await (const block of blocks) {
    for (let i = 0; i < block.count; i++) {
      const offset = block.offsets[i]!;
      const last = runs.at(-1);
      if (last && last[0] === block.partition && last[2] === offset) last[2] = offset + 1;
      else runs.push([block.partition, offset, offset + 1]);
    }
    yield block;
  }
}

export type OffsetFault =
  /** Neither row nor quarantined. */
  | 'missing'
  /** More rows than the record has, or rows and quarantined too. */
  | 'twice'
  /** Fewer rows than the record has. */
  | 'fewer'
  /** Rows of an offset that is no record of the log. */
  | 'stray';

export interface OffsetFinding {
  kind: OffsetFault;
  partition: number;
  offset: number;
  rows: number;
  /** Rows that the record has as it reads now. */
  expected: number;
  quarantined: boolean;
}

export interface OffsetsReport {
  /** Records of the log in the ranges. */
  records: number;
  /** Of these: with rows in the table, and in the quarantine. */
  landed: number;
  quarantined: number;
  /** Records that have nothing for the table: of others, or without a change. */
  without: number;
  faults: Record<OffsetFault, number>;
  findings: OffsetFinding[];
}

/** Local files of the warehouse. */
export interface HeldFiles {
  own: string[];
  /** These also have rows of a topic of the same name that was deleted; their offsets mean other records. */
  mixed: string[];
}

export interface OffsetsRequest {
  runs: Runs;
  /** Ranges that are compared. */
  ranges: { partition: number; from: number; to: number }[];
  /** Local files: rows and quarantined records as the log reads now; the same as the warehouse has them. */
  expectedRows: string[];
  expectedQuarantine: string[];
  rows: HeldFiles;
  quarantine: HeldFiles;
  /** The last batch of the deleted topic, where files are mixed. */
  lastForeign: string | null;
  /** Findings to list. */
  limit: number;
}

/**
 * Compares what a table holds of some offsets with what the log has there: each record once as rows or once in the quarantine.
 * A quarantined record that would be a row by now is right where it is, and so is a row that would be quarantined.
 */
export async function compareOffsets(duck: Duck, request: OffsetsRequest): Promise<OffsetsReport> {
  await fill(duck, 'runs', 'p INTEGER, f BIGINT, t BIGINT', request.runs);
  await fill(
    duck,
    'ranges',
    'p INTEGER, f BIGINT, t BIGINT',
    request.ranges.map(({ partition, from, to }) => [partition, from, to]),
  );
  const within = (keys: string): string =>
    `SELECT x.p, x.o, count(*) AS n, bool_or(x.unsure) AS unsure FROM (${keys}) x ` +
    `JOIN ranges g ON x.p = g.p AND x.o >= g.f AND x.o < g.t GROUP BY x.p, x.o`;
  const { lastForeign } = request;
  await duck.run(
    `CREATE OR REPLACE TEMP TABLE keys AS
     SELECT coalesce(e.p, eq.p, a.p, q.p) AS p, coalesce(e.o, eq.o, a.o, q.o) AS o,
       coalesce(e.n, 0) AS expected, eq.n IS NOT NULL AS unfit, coalesce(a.n, 0) AS landed, q.n IS NOT NULL AS quarantined,
       coalesce(a.unsure, false) OR coalesce(q.unsure, false) AS unsure
     FROM (${within(keysOf(request.expectedRows))}) e
     FULL JOIN (${within(keysOf(request.expectedQuarantine))}) eq ON eq.p = e.p AND eq.o = e.o
     FULL JOIN (${within(heldKeys(request.rows, lastForeign))}) a ON a.p = coalesce(e.p, eq.p) AND a.o = coalesce(e.o, eq.o)
     FULL JOIN (${within(heldKeys(request.quarantine, lastForeign))}) q ON q.p = coalesce(e.p, eq.p, a.p) AND q.o = coalesce(e.o, eq.o, a.o)`,
  );
  await duck.run(
    `CREATE OR REPLACE TEMP TABLE judged AS
     SELECT k.*, CASE
       WHEN unsure THEN NULL
       WHEN landed = 0 AND NOT quarantined THEN 'missing'
       WHEN r.p IS NULL OR k.o >= r.t THEN 'stray'
       WHEN landed > 0 AND quarantined THEN 'twice'
       WHEN expected > 0 AND landed > expected THEN 'twice'
       WHEN landed > 0 AND landed < expected THEN 'fewer'
     END AS fault
     FROM (SELECT * FROM keys ORDER BY p, o) k ASOF LEFT JOIN (SELECT p, f, t FROM runs) r ON k.p = r.p AND k.o >= r.f
     `,
  );
  const records = request.runs.reduce((sum, [, from, to]) => sum + to - from, 0);
  const [sums] = await duck.rows<{ landed: string; quarantined: string; known: string }>(
    `SELECT count(*) FILTER (landed > 0 AND fault IS DISTINCT FROM 'stray') AS landed,
       count(*) FILTER (quarantined AND landed = 0 AND fault IS NULL) AS quarantined,
       count(*) FILTER (fault IS DISTINCT FROM 'stray') AS known FROM judged`,
  );
  const faults: OffsetsReport['faults'] = { missing: 0, twice: 0, fewer: 0, stray: 0 };
  const counted = await duck.rows<{ fault: OffsetFault; n: string }>(
    'SELECT fault, count(*) AS n FROM judged WHERE fault IS NOT NULL GROUP BY fault',
  );
  for (const { fault, n } of counted) faults[fault] = Number(n);
  const found = await duck.rows<{
    fault: OffsetFault;
    p: number;
    o: string;
    landed: string;
    expected: string;
    quarantined: boolean;
  }>(
    `SELECT fault, p, o, landed, expected, quarantined FROM judged WHERE fault IS NOT NULL ORDER BY p, o LIMIT ${request.limit}`,
  );
  return {
    records,
    landed: Number(sums!.landed),
    quarantined: Number(sums!.quarantined),
    without: records - Number(sums!.known),
    faults,
    findings: found.map((row) => ({
      kind: row.fault,
      partition: Number(row.p),
      offset: Number(row.o),
      rows: Number(row.landed),
      expected: Number(row.expected),
      quarantined: row.quarantined,
    })),
  };
}

function keysOf(files: string[]): string {
  if (files.length === 0) return 'SELECT 0::INTEGER AS p, 0::BIGINT AS o, false AS unsure WHERE false';
  return `SELECT kafka_partition AS p, kafka_offset AS o, false AS unsure FROM ${parquetScan(files)}`;
}

/**
 * Rows of batches up to `lastForeign` are the deleted topic's. Those that a replay of the quarantine has landed have no place among
 * batches: of their offsets nothing is said.
 */
function heldKeys({ own, mixed }: HeldFiles, lastForeign: string | null): string {
  if (mixed.length === 0 || lastForeign === null) return keysOf([...own, ...mixed]);
  return (
    `${keysOf(own)} UNION ALL SELECT kafka_partition, kafka_offset, NOT regexp_full_match(ingest_batch, '${BATCH}') FROM ${parquetScan(mixed)} ` +
    `WHERE NOT regexp_full_match(ingest_batch, '${BATCH}') OR ingest_batch > ${lit(lastForeign)}`
  );
}

async function fill(duck: Duck, table: string, columns: string, rows: number[][]): Promise<void> {
  await duck.run(`CREATE OR REPLACE TEMP TABLE ${table} (${columns})`);
  for (let i = 0; i < rows.length; i += 5_000) {
    const values = rows.slice(i, i + 5_000).map((row) => `(${row.join(', ')})`);
    await duck.run(`INSERT INTO ${table} VALUES ${values.join(', ')}`);
  }
}
