import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Connection } from 'mysql2/promise';
import { tsoBefore } from '../../sources/tidb.js';
import type { Catalog, PartitionValues } from '../../warehouse/catalog.js';
import { Duck, lit } from '../../warehouse/duckdb.js';
import type { Row, ShopTable } from './records.js';

/** Rows as texts, by the key's text. */
export type Rows = Map<string, string>;

/** A snapshot of the shop's table, as a reader of the warehouse sees it. */
export interface Warehouse {
  rows(table: string, columns: SnapshotText[], key: string[], partition: PartitionValues): Promise<Rows>;
  close(): Promise<void>;
}

export interface SnapshotText {
  name: string;
  timestamp: boolean;
}

/** What Hive answers. */
export function hiveWarehouse(catalog: Catalog, database: string): Warehouse {
  return {
    rows: async (table, columns, key, partition) => {
      const texts = columns.map(({ name, timestamp }) =>
        timestamp
          ? `date_format(${name}, 'yyyy-MM-dd HH:mm:ss.SSS') AS ${name}`
          : `CAST(${name} AS STRING) AS ${name}`,
      );
      const where = Object.entries(partition).map(([name, value]) => `${name} = ${lit(value)}`);
      const found = await catalog.query(
        `SELECT ${texts.join(', ')} FROM ${database}.${table} WHERE ${where.join(' AND ')}`,
      );
      return byKey(found, columns, key);
    },
    close: () => Promise.resolve(),
  };
}

/** What the files say, where there is no Hive. */
export async function fileWarehouse(catalog: Catalog): Promise<Warehouse> {
  const dir = await mkdtemp(join(tmpdir(), 'tributary-mirror-'));
  const duck = await Duck.open({ threads: 2, memoryLimitMb: 1024, tempDirectory: dir });
  return {
    rows: async (table, columns, key, partition) => {
      const location = await catalog.partitionLocation(table, partition);
      const texts = columns.map(({ name, timestamp }) =>
        timestamp
          ? `strftime(${name}, '%Y-%m-%d %H:%M:%S.%g') AS ${name}`
          : `CAST(${name} AS VARCHAR) AS ${name}`,
      );
      const files = lit(`${fileURLToPath(location!)}/[!_]*.parquet`);
      const found = await duck.rows<Row>(
        `SELECT ${texts.join(', ')} FROM read_parquet(${files}, hive_partitioning = false)`,
      );
      return byKey(found, columns, key);
    },
    close: async () => {
      duck.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** The source's table as of the last TSO before an instant. */
export async function tidbRows(sql: Connection, table: ShopTable, boundaryMs: number): Promise<Rows> {
  await sql.query(`SET @@tidb_snapshot = '${tsoBefore(boundaryMs)}'`);
  try {
    const texts = table.columns.map(({ name }) => `CAST(${name} AS CHAR) AS ${name}`);
    const [found] = await sql.query(`SELECT ${texts.join(', ')} FROM ${table.name}`);
    return byKey(found as Row[], snapshotTexts(table), table.key);
  } finally {
    await sql.query(`SET @@tidb_snapshot = ''`);
  }
}

export const snapshotTexts = (table: ShopTable): SnapshotText[] =>
  table.columns.map(({ name, type }) => ({ name, timestamp: type.startsWith('datetime') }));

/** Keys whose rows differ, in words. */
export function differences(source: Rows, mirror: Rows): string[] {
  const all = new Set([...source.keys(), ...mirror.keys()]);
  return [...all].flatMap((key) => {
    const [there, here] = [source.get(key), mirror.get(key)];
    return there === here ? [] : [`${key}: source ${there ?? 'has none'}, mirror ${here ?? 'has none'}`];
  });
}

function byKey(found: Row[], columns: SnapshotText[], key: string[]): Rows {
  const rows: Rows = new Map();
  for (const row of found) {
    const text = key.map((name) => row[name]).join('/');
    if (rows.has(text)) throw new Error(`the key ${text} is there twice`);
    rows.set(text, JSON.stringify(columns.map(({ name }) => row[name])));
  }
  return rows;
}
