import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NoneCatalog } from '../../warehouse/catalog-none.js';
import { Duck, lit } from '../../warehouse/duckdb.js';
import { FileStorage } from '../../warehouse/storage-file.js';
import type { Installation } from './support.js';

/** What a reader sees of a table of an installation without Hive: the files of each partition's current directory. */
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
      `SELECT *${columns.join('')} FROM read_parquet(${lit(`${location}/*.parquet`)}, hive_partitioning = false)`,
    );
  }
  if (parts.length === 0) return [];
  const dir = await mkdtemp(join(tmpdir(), 'tributary-rows-'));
  const duck = await Duck.open({ threads: 1, memoryLimitMb: 1024, tempDirectory: dir });
  try {
    return await duck.rows<T>(`SELECT ${select} FROM (${parts.join(' UNION ALL BY NAME ')}) AS rows`);
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
