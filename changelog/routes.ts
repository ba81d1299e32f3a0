import { lit, type Duck } from '../warehouse/duckdb.js';
import { copiedRows, copyPartitioned, KEY_COLUMN, type CopiedFile } from './partitioned-copy.js';
import type { LandingTable } from './types.js';

/** Where `routeChanges` puts what no table gets. Tables are 0, 1, ... */
export const UNMATCHED = -1;
export const NO_ROWS = -2;
export const DDL = -3;
export const WATERMARK = -4;
export const BAD = -5;

/** Columns of the canonical relation that some split's tables do without; a column less is worth a tenth of the routing. */
export type SpareColumn = 'db' | 'tbl' | 'keys' | 'types' | 'raw' | 'patch' | 'fields';

/** Canonical changes in files, by route. */
export interface Routed {
  files: Map<number, CopiedFile[]>;
  kept: ReadonlySet<SpareColumn>;
}

const ALWAYS = ['p', 'o', 'kts', 'idx', 'op', 'cdc_ts', 'cdc_seq', 'event_us', '"row"', 'before', 'shape'];
const SPARE: SpareColumn[] = ['db', 'tbl', 'keys', 'types', 'raw', 'patch', 'fields'];

const PLAIN_NAME = /^[\w-]+$/;

/**
 * Splits canonical changes into one spool for each table, in one pass over the log however many tables it has: names are
 * looked up in a list of (database, table) pairs, and patterns are tried on each distinct pair once. What only few records
 * have (a reason, a statement, a watermark) is written as one JSON text.
 */
export async function routeChanges(
  duck: Duck,
  changes: string,
  tables: LandingTable[],
  directory: string,
  kept: ReadonlySet<SpareColumn>,
): Promise<Routed> {
  await fillRoutes(duck, changes, tables);
  const everything = tables.length === 1 && !tables[0]!.spec.match;
  const other = `CASE c.kind WHEN 'ddl' THEN ${DDL} WHEN 'watermark' THEN ${WATERMARK} WHEN 'none' THEN ${NO_ROWS} ELSE ${BAD} END`;
  const columns = [...ALWAYS, ...kept].map((column) => `c.${column}`);
  columns.push(
    `CASE WHEN c.kind <> 'change' OR c.reason IS NOT NULL THEN ` +
      `to_json({'db': c.db, 'tbl': c.tbl, 'reason': c.reason, 'sql': c.sql, 'mark': c.mark})::VARCHAR END AS note`,
  );
  const route = everything ? '0' : `coalesce(r.id, ${UNMATCHED})`;
  const join = everything ? '' : ` LEFT JOIN routes r ON c.db = r.db AND c.tbl = r.tbl AND c.kind = 'change'`;
  const query =
    `SELECT ${columns.join(', ')}, CASE WHEN c.kind = 'change' THEN ${route} ELSE ${other} END AS ${KEY_COLUMN} ` +
    `FROM (${changes}) c${join}`;
  const files: Routed['files'] = new Map();
  for (const file of await copyPartitioned(duck, query, directory, 'spool')) {
    files.set(file.key, [...(files.get(file.key) ?? []), file]);
  }
  return { files, kept };
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

/** SQL of a route's rows, with all columns of the canonical relation but `kind`; undefined if it has none. */
export function routeRows(routed: Routed, route: number): string | undefined {
  const files = routed.files.get(route);
  if (!files) return undefined;
  const noted = (name: string) => `json_extract_string(note, '$.${name}')`;
  const spare = SPARE.map((column) => {
    if (routed.kept.has(column)) return column;
    return column === 'db' || column === 'tbl'
      ? `${noted(column)} AS ${column}`
      : `NULL::VARCHAR AS ${column}`;
  });
  const columns = [
    ...ALWAYS,
    ...spare,
    `${noted('reason')} AS reason`,
    `${noted('sql')} AS sql`,
    `${noted('mark')}::BIGINT AS mark`,
  ];
  return `(SELECT ${columns.join(', ')} FROM ${copiedRows(files)})`;
}
