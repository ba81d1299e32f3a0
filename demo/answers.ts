import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Catalog } from '../warehouse/catalog.js';
import { Duck, lit } from '../warehouse/duckdb.js';

/** What a reader of the warehouse sees of the demo's table. */
export interface Answers {
  /** `dt/hh` -> rows, and the parameters that say whether the partition is complete. */
  partitions: Map<string, { rows: number; complete: boolean; revision: number }>;
  rows: number;
  distinct: number;
  reasons: Map<string, number>;
  /** Partition -> smallest and largest offset and the number of offsets, over rows and quarantine together. */
  offsets: { partition: number; first: number; last: number; count: number }[];
}

type Row = Record<string, string | null>;
type Ask = (sql: string) => Promise<Row[]>;

const BY_PARTITION = `SELECT dt AS dt, hh AS hh, CAST(count(*) AS STRING) AS n FROM @rows GROUP BY dt, hh`;
const TOTALS = `SELECT CAST(count(*) AS STRING) AS n, CAST(count(DISTINCT kafka_partition, kafka_offset) AS STRING) AS d FROM @rows`;
const REASONS = `SELECT reason AS reason, CAST(count(*) AS STRING) AS n FROM @bad GROUP BY reason`;
const OFFSETS =
  `SELECT CAST(kafka_partition AS STRING) AS p, CAST(min(kafka_offset) AS STRING) AS lo, CAST(max(kafka_offset) AS STRING) AS hi, ` +
  `CAST(count(*) AS STRING) AS n FROM (SELECT kafka_partition, kafka_offset FROM @rows UNION ALL SELECT kafka_partition, kafka_offset FROM @bad) a ` +
  `GROUP BY kafka_partition`;

/** Asks Hive. */
export async function askHive(catalog: Catalog, database: string, table: string): Promise<Answers> {
  const named = (sql: string): string =>
    sql.replaceAll('@rows', `${database}.${table}`).replaceAll('@bad', `${database}.${table}_quarantine`);
  return collect(catalog, table, (sql) => catalog.query(named(sql)), TOTALS);
}

/** Asks the files themselves, where there is no Hive: the same questions, through DuckDB. */
export async function askFiles(catalog: Catalog, table: string): Promise<Answers> {
  const dir = await mkdtemp(join(tmpdir(), 'tributary-demo-'));
  const duck = await Duck.open({ threads: 2, memoryLimitMb: 1024, tempDirectory: dir });
  const [rows, bad] = await Promise.all([
    currentFiles(catalog, table),
    currentFiles(catalog, `${table}_quarantine`),
  ]);
  try {
    return await collect(
      catalog,
      table,
      (sql) => duck.rows<Row>(sql.replaceAll('@rows', rows).replaceAll('@bad', bad)),
      TOTALS.replace('DISTINCT kafka_partition, kafka_offset', 'DISTINCT (kafka_partition, kafka_offset)'),
    );
  } finally {
    duck.close();
    await rm(dir, { recursive: true, force: true });
  }
}

/** The files of each partition's current directory, as a query engine would read them through the catalog. */
async function currentFiles(catalog: Catalog, table: string): Promise<string> {
  const selects: string[] = [];
  for (const values of await catalog.listPartitions(table)) {
    const location = await catalog.partitionLocation(table, values);
    const columns = Object.entries(values).map(([column, value]) => `${lit(value)} AS ${column}`);
    const files = `${fileURLToPath(location!)}/*.parquet`;
    selects.push(
      `SELECT *, ${columns.join(', ')} FROM read_parquet(${lit(files)}, hive_partitioning = false)`,
    );
  }
  return `(${selects.join(' UNION ALL BY NAME ')})`;
}

async function collect(catalog: Catalog, table: string, ask: Ask, totalsSql: string): Promise<Answers> {
  const partitions: Answers['partitions'] = new Map();
  for (const { dt, hh, n } of await ask(BY_PARTITION)) {
    const parameters = await catalog.partitionParameters(table, { dt: dt!, hh: hh! });
    partitions.set(`${dt!}/${hh!}`, {
      rows: Number(n),
      complete: parameters['tributary.complete'] === 'true',
      revision: Number(parameters['tributary.revision'] ?? 0),
    });
  }
  const [totals] = await ask(totalsSql);
  const reasons = new Map((await ask(REASONS)).map(({ reason, n }) => [reason!, Number(n)]));
  const offsets = (await ask(OFFSETS)).map(({ p, lo, hi, n }) => ({
    partition: Number(p),
    first: Number(lo),
    last: Number(hi),
    count: Number(n),
  }));
  return { partitions, rows: Number(totals!['n']), distinct: Number(totals!['d']), reasons, offsets };
}
