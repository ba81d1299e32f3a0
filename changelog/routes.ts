import { join } from 'node:path';

import { lit, type Duck } from '../warehouse/duckdb.js';
import { CHANGE_SOURCE_COLUMNS } from './change-source.js';
import { copyPartitioned, KEY_COLUMN, type CopiedFile } from './partitioned-copy.js';
import type { LandingTable } from './types.js';

/** Where `routeChanges` puts what no table gets. Tables are 0, 1, ... */
export const UNMATCHED = -1;
export const NO_ROWS = -2;
export const DDL = -3;
export const WATERMARK = -4;
export const BAD = -5;

/** Files of canonical changes by route. */
export type Routed = Map<number, CopiedFile[]>;

const PLAIN_NAME = /^[\w-]+$/;

/**
 * Splits canonical changes into one spool for each table, in one pass over the log however many tables it has: names are
 * looked up in a list of (database, table) pairs, and patterns are tried on each distinct pair once.
 */
export async function routeChanges(
  duck: Duck,
  changes: string,
  tables: LandingTable[],
  directory: string,
): Promise<Routed> {
  await fillRoutes(duck, changes, tables);
  const everything = tables.length === 1 && !tables[0]!.spec.match;
  const other = `CASE c.kind WHEN 'ddl' THEN ${DDL} WHEN 'watermark' THEN ${WATERMARK} WHEN 'none' THEN ${NO_ROWS} ELSE ${BAD} END`;
  const columns = CHANGE_SOURCE_COLUMNS.map((column) => `c.${column}`).join(', ');
  const query = everything
    ? `SELECT ${columns}, CASE WHEN c.kind = 'change' THEN 0 ELSE ${other} END AS ${KEY_COLUMN} FROM (${changes}) c`
    : `SELECT ${columns}, CASE WHEN c.kind = 'change' THEN coalesce(r.id, ${UNMATCHED}) ELSE ${other} END AS ${KEY_COLUMN} ` +
      `FROM (${changes}) c LEFT JOIN routes r ON c.db = r.db AND c.tbl = r.tbl AND c.kind = 'change'`;
  const routed: Routed = new Map();
  for (const file of await copyPartitioned(duck, query, join(directory), 'uncompressed')) {
    routed.set(file.key, [...(routed.get(file.key) ?? []), file]);
  }
  return routed;
}

async function fillRoutes(duck: Duck, changes: string, tables: LandingTable[]): Promise<void> {
  await duck.run('CREATE OR REPLACE TEMP TABLE routes (db VARCHAR, tbl VARCHAR, id INTEGER)');
  const literal: string[] = [];
  const patterns: string[] = [];
  for (const [id, { spec }] of tables.entries()) {
    const { database, table } = spec.match ?? {};
    if (
      database !== undefined &&
      table !== undefined &&
      PLAIN_NAME.test(database) &&
      PLAIN_NAME.test(table)
    ) {
      literal.push(`(${lit(database)}, ${lit(table)}, ${id})`);
    } else patterns.push(`(${lit(database ?? '.*')}, ${lit(table ?? '.*')}, ${id})`);
  }
  if (literal.length > 0) await duck.run(`INSERT INTO routes VALUES ${literal.join(', ')}`);
  if (patterns.length === 0 || (tables.length === 1 && !tables[0]!.spec.match)) return;
  await duck.run(
    `INSERT INTO routes SELECT n.db, n.tbl, m.id FROM (SELECT DISTINCT db, tbl FROM (${changes}) WHERE kind IN ('change', 'ddl')) n ` +
      `JOIN (VALUES ${patterns.join(', ')}) m(db, tbl, id) ON regexp_full_match(n.db, m.db) AND regexp_full_match(n.tbl, m.tbl) ORDER BY ALL`,
  );
}

/** SQL of a route's rows; undefined if it has none. */
export function routeRows(routed: Routed, route: number): string | undefined {
  const files = routed.get(route);
  if (!files) return undefined;
  return `read_parquet([${files.map((file) => lit(file.path)).join(', ')}], hive_partitioning = false)`;
}
