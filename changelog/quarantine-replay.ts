import { stat } from 'node:fs/promises';
import { join } from 'node:path';

import { contentHash } from '../common/hash.js';
import { TributaryError } from '../common/errors.js';
import type { RecordBlock } from '../kafka/types.js';
import { Duck, HIVE_PARQUET_METADATA, lit, type DuckOptions } from '../warehouse/duckdb.js';
import { landSplit } from './land-split.js';
import { countRows, quarantineTable, QUARANTINE_COLUMNS } from './quarantine.js';
import { rowsWithReaders, whereSql, type QuarantineFilter } from './quarantine-read.js';
import type { LandedFile, LandingTable } from './types.js';

/** Records are read back in pages of about so many bytes. */
const PAGE_BYTES = 8 << 20;

export interface ReplayRequest extends ReplayInput {
  table: LandingTable;
}

/** What a replay reads, whoever gets its rows. */
export interface ReplayInput {
  kafka: string;
  topic: string;
  batch: string;
  filter: QuarantineFilter;
  /** Files of each quarantine partition, on the local disk. */
  partitions: { files: string[] }[];
  /** Local directory private to this attempt. */
  workDir: string;
  limits: Omit<DuckOptions, 'tempDirectory'>;
}

export interface ReplayResult {
  /** Records that were tried. */
  tried: number;
  /** Records that became rows, each counted once. */
  landed: number;
  /** Why the others did not: reason code -> records. `no_rows`: the table gets no row of it. */
  reasons: Record<string, number>;
  /** Rows for the changelog. */
  files: LandedFile[];
  newColumns: Record<string, Record<string, string>>;
  /** For each partition of the request: rows that leave it, and the file with those that stay (none if all leave). */
  left: { rows: number; kept?: { localPath: string; name: string; bytes: number } }[];
}

/**
 * Lands quarantined records again by a table's present spec, into local files. A record leaves the quarantine if and only if
 * rows of it are in the new changelog files; all others stay as they are.
 * @throws TributaryError as landSplit does
 */
export async function replayQuarantine(request: ReplayRequest): Promise<ReplayResult> {
  const { workDir, table } = request;
  const duck = await Duck.open({
    ...request.limits,
    threads: 1,
    tempDirectory: join(workDir, 'duckdb-replay'),
  });
  try {
    const all = request.partitions.flatMap(({ files }) => files);
    const tried = await pick(duck, all, request);
    const stem = `${request.batch}-${await hashOfPicked(duck, table)}`;
    const landed = await landSplit({
      ...{ kafka: request.kafka, topic: request.topic, batch: request.batch, ranges: [], tables: [table] },
      ...{ fileStem: stem, workDir: join(workDir, 'land'), blocks: pickedBlocks(duck), ...request.limits },
    });
    const own = quarantineTable(table.spec.name);
    const files = landed.files.filter((file) => file.table !== own);
    await createGone(duck);
    const count = await markGone(duck, files);
    const reasons = { ...landed.quarantineReasons[own] };
    const silent = tried - count - Object.values(reasons).reduce((sum, n) => sum + n, 0);
    if (silent > 0) reasons['no_rows'] = silent;
    const left = await leftBehind(duck, request, QUARANTINE_COLUMNS, stem);
    return { tried, landed: count, reasons, files, newColumns: landed.newColumns, left };
  } finally {
    duck.close();
  }
}

/**
 * One row a record that fits the filter. A topic that was made anew may have two records of one position: the older one is
 * taken, the other waits for the next replay.
 */
export async function pick(duck: Duck, files: string[], request: ReplayInput): Promise<number> {
  const own = `kafka_topic = ${lit(request.topic)}`;
  const source =
    files.length === 0
      ? '(SELECT NULL::INTEGER AS p, NULL::BIGINT AS o, NULL::BIGINT AS ts, NULL::VARCHAR AS b, NULL::BLOB AS k, NULL::BLOB AS v, NULL::VARCHAR AS readers, 0 AS size, 1 AS nth WHERE false)'
      : `(SELECT kafka_partition AS p, kafka_offset AS o, kafka_timestamp AS ts, ingest_batch AS b, record_key AS k, record_value AS v, read_for AS readers, ` +
        `coalesce(octet_length(record_key), 0) + coalesce(octet_length(record_value), 0) + 64 AS size, ` +
        `row_number() OVER (PARTITION BY kafka_partition, kafka_offset ORDER BY ingest_batch, read_for, reason, detail) AS nth ` +
        `FROM ${rowsWithReaders(files)} WHERE ${own} AND ${whereSql(request.filter)})`;
  await duck.run(
    `CREATE TEMP TABLE picked AS SELECT p, o, ts, b, k, v, readers, ` +
      `(sum(size) OVER (ORDER BY p, o) // ${PAGE_BYTES})::BIGINT AS page FROM ${source} WHERE nth = 1`,
  );
  return countRows(duck, 'picked');
}

/** Same records, same rules, same names. */
export async function hashOfPicked(duck: Duck, rules: unknown, where = 'true'): Promise<string> {
  const [row] = await duck.rows<{ h: string }>(
    `SELECT coalesce(md5(string_agg(p || ':' || o || ':' || b, ',' ORDER BY p, o)), '') AS h FROM picked WHERE ${where}`,
  );
  return contentHash([row!.h, rules], 12);
}

interface PickedRow {
  p: number;
  o: string;
  ts: string;
  k: string | null;
  v: string | null;
}

/** The picked records as the range reader gives them: partition by partition, in offset order. */
export async function* pickedBlocks(duck: Duck, where = 'true'): AsyncGenerator<RecordBlock> {
  const [last] = await duck.rows<{ page: string | null }>('SELECT max(page) AS page FROM picked');
  if (last?.page === null || last === undefined) return;
  for (let page = 0; page <= Number(last.page); page++) {
    const rows = await duck.rows<PickedRow>(
      `SELECT p, o, ts, base64(k) AS k, base64(v) AS v FROM picked WHERE page = ${page} AND ${where} ORDER BY p, o`,
    );
    for (let start = 0; start < rows.length;) {
      let end = start;
      while (end < rows.length && rows[end]!.p === rows[start]!.p) end += 1;
      yield blockOf(Number(rows[start]!.p), rows.slice(start, end));
      start = end;
    }
  }
}

function blockOf(partition: number, rows: PickedRow[]): RecordBlock {
  const count = rows.length;
  const parts: Buffer[] = [];
  let at = 0;
  const place = (text: string | null): [number, number] => {
    if (text === null) return [-1, -1];
    const bytes = Buffer.from(text, 'base64');
    parts.push(bytes);
    at += bytes.length;
    return [at - bytes.length, at];
  };
  const block = {
    partition,
    count,
    offsets: Float64Array.from(rows, ({ o }) => Number(o)),
    timestamps: Float64Array.from(rows, ({ ts }) => Number(ts)),
    keyStart: new Int32Array(count),
    keyEnd: new Int32Array(count),
    valueStart: new Int32Array(count),
    valueEnd: new Int32Array(count),
  };
  rows.forEach(({ k, v }, i) => {
    [block.keyStart[i], block.keyEnd[i]] = place(k);
    [block.valueStart[i], block.valueEnd[i]] = place(v);
  });
  return { ...block, bytes: Buffer.concat(parts) };
}

/** Makes the list of the records that leave. */
export async function createGone(duck: Duck): Promise<void> {
  await duck.run('CREATE TEMP TABLE gone AS SELECT p, o, b, readers FROM picked WHERE false');
}

/** Notes which of the picked records have rows in these files, those that are noted already left out; answers how many. */
export async function markGone(duck: Duck, files: LandedFile[], where = 'true'): Promise<number> {
  if (files.length === 0) return 0;
  const before = await countRows(duck, 'gone');
  await duck.run(
    `INSERT INTO gone SELECT p, o, b, readers FROM picked SEMI JOIN ` +
      `(SELECT kafka_partition, kafka_offset FROM ${recordsOf(files)}) l ON p = l.kafka_partition AND o = l.kafka_offset ` +
      `WHERE ${where} AND NOT EXISTS (SELECT 1 FROM gone g WHERE g.p = picked.p AND g.o = picked.o)`,
  );
  return (await countRows(duck, 'gone')) - before;
}

/** Rows of landed files, as SQL; all of them say from which record they are. */
export function recordsOf(files: LandedFile[]): string {
  return `read_parquet([${files.map(({ localPath }) => lit(localPath)).join(', ')}], hive_partitioning = false, union_by_name = true)`;
}

/** For each partition of the request: what leaves, and the file with what stays. */
export async function leftBehind(
  duck: Duck,
  { partitions, workDir }: ReplayInput,
  columns: readonly { name: string }[],
  stem: string,
): Promise<ReplayResult['left']> {
  const left: ReplayResult['left'] = [];
  for (const [index, { files }] of partitions.entries()) {
    left.push(await withoutGone(duck, files, columns, join(workDir, `kept-${index}.parquet`), stem));
  }
  return left;
}

async function withoutGone(
  duck: Duck,
  files: string[],
  columns: readonly { name: string }[],
  output: string,
  stem: string,
): Promise<ReplayResult['left'][number]> {
  if (files.length === 0) return { rows: 0 };
  const rows = rowsWithReaders(files);
  const kept =
    `(SELECT ${columns.map(({ name }) => `q.${name}`).join(', ')} FROM ${rows} q ANTI JOIN gone g ON q.kafka_partition = g.p ` +
    `AND q.kafka_offset = g.o AND q.ingest_batch = g.b AND q.read_for IS NOT DISTINCT FROM g.readers)`;
  const before = await countRows(duck, rows);
  const stay = await countRows(duck, kept);
  if (stay === before) return { rows: 0 };
  if (stay === 0) return { rows: before };
  await duck.run(
    `COPY (SELECT * FROM ${kept} ORDER BY kafka_partition, kafka_offset, reason, detail) TO ${lit(output)} ` +
      `(FORMAT parquet, COMPRESSION zstd, KV_METADATA ${HIVE_PARQUET_METADATA})`,
  );
  const written = await countRows(duck, `read_parquet(${lit(output)})`);
  if (written !== stay) {
    throw new TributaryError({
      code: 'QuarantineIncomplete',
      message: `${stay} records were to stay in the quarantine, ${written} were written. This is a defect of Tributary; nothing was committed.`,
      attributes: { stay, written },
    });
  }
  const { size } = await stat(output);
  return { rows: before - stay, kept: { localPath: output, name: `kept-${stem}.parquet`, bytes: size } };
}
