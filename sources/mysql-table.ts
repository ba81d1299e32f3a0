import { sourceError } from './errors.js';
import type { MysqlSession, TextRow } from './mysql-session.js';
import { mysqlString } from './mysql-sql.js';

export type MysqlServer = 'tidb' | 'mariadb' | 'mysql';

/** TiDB's own row number of tables without a clustered primary key. */
export const TIDB_ROWID = '_tidb_rowid';

export interface SourceColumn {
  name: string;
  /** As the server writes it: `bigint(20) unsigned`, `enum('a','b')`. */
  type: string;
  nullable: boolean;
}

export interface SourceTable {
  server: MysqlServer;
  database: string;
  table: string;
  columns: SourceColumn[];
  /** Columns of the primary key, else of a unique key without NULLs; empty if there is none. */
  key: string[];
  /** What the table is cut into chunks by: the key, else TiDB's row number; empty: it is read in one piece. */
  chunkBy: string[];
}

/** Takes `database.table` apart. */
export function splitTableName(name: string): { database: string; table: string } {
  const dot = name.indexOf('.');
  if (dot > 0 && dot < name.length - 1) return { database: name.slice(0, dot), table: name.slice(dot + 1) };
  throw sourceError('SourceRefused', `"${name}" is not a table of the source: write database.table.`);
}

/**
 * Columns and key of a table, as of the session's TSO.
 * @throws TributaryError SourceTableMissing
 */
export async function readSourceTable(session: MysqlSession, name: string): Promise<SourceTable> {
  const { database, table } = splitTableName(name);
  const what = `reading the columns of ${name}`;
  const at = `table_schema = ${mysqlString(database)} AND table_name = ${mysqlString(table)}`;
  const [version] = await session.rows('SELECT VERSION()', what);
  const columns = await session.rows(
    `SELECT column_name, column_type, is_nullable FROM information_schema.columns WHERE ${at} ORDER BY ordinal_position`,
    what,
  );
  if (columns.length === 0) {
    throw sourceError('SourceTableMissing', `The source has no table ${name}, or its user may not see it.`, {
      table: name,
    });
  }
  const indexes = await session.rows(
    `SELECT index_name, column_name, sub_part FROM information_schema.statistics WHERE ${at} AND non_unique = 0 ` +
      `ORDER BY index_name, seq_in_index`,
    what,
  );
  const server = serverOf(version?.[0] ?? '');
  const list = columns.map(([column, type, nullable]) => ({
    name: column!,
    type: type!,
    nullable: nullable !== 'NO',
  }));
  const key = chooseKey(indexes, list);
  const chunkBy = key.length > 0 ? key : await rowNumber(session, server, name);
  return { server, database, table, columns: list, key, chunkBy };
}

function serverOf(version: string): MysqlServer {
  if (/tidb/i.test(version)) return 'tidb';
  return /mariadb/i.test(version) ? 'mariadb' : 'mysql';
}

/**
 * The primary key, else the unique key with the fewest columns (then the first by name) that identifies every row: whole
 * columns, none of them NULL.
 */
export function chooseKey(indexes: readonly TextRow[], columns: readonly SourceColumn[]): string[] {
  const byName = new Map<string, { columns: string[]; good: boolean }>();
  for (const [index, column, part] of indexes) {
    const entry = byName.get(index!) ?? { columns: [], good: true };
    byName.set(index!, entry);
    const found = columns.find(({ name }) => name === column);
    entry.columns.push(column ?? '');
    entry.good &&= part === null && found !== undefined && !found.nullable;
  }
  const primary = byName.get('PRIMARY');
  if (primary) return primary.columns;
  const usable = [...byName].filter(([, { good }]) => good);
  usable.sort(([a, x], [b, y]) => x.columns.length - y.columns.length || (a < b ? -1 : 1));
  return usable[0]?.[1].columns ?? [];
}

async function rowNumber(session: MysqlSession, server: MysqlServer, name: string): Promise<string[]> {
  if (server !== 'tidb') return [];
  const { database, table } = splitTableName(name);
  const [row] = await session.rows(
    `SELECT tidb_pk_type FROM information_schema.tables WHERE table_schema = ${mysqlString(database)} ` +
      `AND table_name = ${mysqlString(table)} AND table_type = 'BASE TABLE'`,
    `looking for the row number of ${name}`,
  );
  return row?.[0] === 'NONCLUSTERED' ? [TIDB_ROWID] : [];
}
