import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NoneCatalog } from '../../warehouse/catalog-none.js';
import { Duck, lit } from '../../warehouse/duckdb.js';
import { FileStorage } from '../../warehouse/storage-file.js';
import type { Installation } from './support.js';

/** What a reader sees of a table of an installation without Hive: the files of each partition's current directory that are not hidden. */
export async function readRows<T = Record<string, string>>(
  installation: Installation,
  table: string,
  select: string,
): Promise<T[]> {
  const catalog = new NoneCatalog(new FileStorage(join(installation.dir, 'data')));
  const parts: string[] = [];
  for (const values of await catalog.listPartitions(table)) {
    const location = fileURLToPath((await catalog.partitionLocation(table, values))!);
    const columns = Object.entries(values).map(([column, value]) => `, ${lit(value)} AS ${column}`);
    parts.push(
      `SELECT *${columns.join('')} FROM read_parquet(${lit(`${location}/[!_]*.parquet`)}, hive_partitioning = false)`,
    );
  }
  return parts.length === 0 ? [] : query<T>(parts.join(' UNION ALL BY NAME '), select);
}

/** Rows of Parquet files on the local disk; `select` may end in an ORDER BY over `rows`. */
export function readFilesOf<T = Record<string, string>>(paths: string[], select: string): Promise<T[]> {
  if (paths.length === 0) return Promise.resolve([]);
  const files = paths.map((path) => lit(path)).join(', ');
  return query<T>(`SELECT * FROM read_parquet([${files}], union_by_name = true)`, select);
}

async function query<T>(from: string, select: string): Promise<T[]> {
  const [columns, order = ''] = select.split(/(?= ORDER BY )/);
  const dir = await mkdtemp(join(tmpdir(), 'tributary-rows-'));
  const duck = await Duck.open({ threads: 1, memoryLimitMb: 1024, tempDirectory: dir });
  try {
    return await duck.rows<T>(`SELECT ${columns!} FROM (${from}) AS rows${order}`);
  } finally {
    duck.close();
    await rm(dir, { recursive: true, force: true });
  }
}

export interface Totals {
  rows: number;
  distinct: number;
}

/** Rows and distinct Kafka positions: equal when nothing landed twice. */
export async function totals(installation: Installation, table: string): Promise<Totals> {
  const [row] = await readRows<{ n: string; d: string }>(
    installation,
    table,
    'count(*)::VARCHAR AS n, count(DISTINCT (kafka_partition, kafka_offset))::VARCHAR AS d',
  );
  return { rows: Number(row?.n ?? 0), distinct: Number(row?.d ?? 0) };
}
