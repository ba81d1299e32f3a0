import type { TableSpec } from '../config/spec.js';
import { TributaryError } from '../common/errors.js';
import { isExact } from '../config/pattern.js';
import type { SchemaEvent } from '../warehouse/manifest.js';

/** A statement of the schema log. */
export interface SchemaStatement {
  kind: string;
  sql: string;
  /** Of its statement; null or '' where the log names none. */
  database: string | null;
  table: string | null;
}

/** What a split met, as a row of the schema log has it. */
export function statementOf({ kind, sql, sourceDatabase, sourceTable }: SchemaEvent): SchemaStatement {
  return { kind, sql, database: sourceDatabase ?? null, table: sourceTable ?? null };
}

/** Statements that remove every row, as the formats call them where they do not hand on the statement itself. */
const TABLE_KINDS = new Set(['truncate', 'erase', 'table-drop', 'drop']);
const DATABASE_KINDS = new Set(['database-drop', 'dropdatabase']);

/** A statement without the comments and the IF EXISTS in front of what it names. */
const STATEMENT = /^\s*(?:\/\*.*?\*\/\s*|--[^\n]*\n\s*|#[^\n]*\n\s*)*(truncate|drop)\s+(\w+)?/is;

/**
 * What a DDL statement empties: truncated and dropped tables and collections leave no deletes in any log, and a table that is made
 * again under the same name begins empty. Dropped indexes, views, columns and partitions empty no table.
 */
export function empties({ kind, sql }: Pick<SchemaStatement, 'kind' | 'sql'>): 'table' | 'database' | null {
  const [, verb, object = ''] = STATEMENT.exec(sql) ?? [];
  if (verb !== undefined) {
    if (verb.toLowerCase() === 'truncate') return 'table';
    if (/^table$/i.test(object)) return 'table';
    return /^(database|schema)$/i.test(object) ? 'database' : null;
  }
  const name = kind.toLowerCase();
  if (DATABASE_KINDS.has(name)) return 'database';
  return TABLE_KINDS.has(name) ? 'table' : null;
}

/** Whose rows of a mirror a statement removes: all, those of one source table, none, or such that nothing tells. */
export type Emptied =
  { rows: 'all' } | { rows: 'shard'; column: string; value: string } | { rows: 'unknown' };

/** @returns undefined where the statement does not concern the table */
export function emptied(spec: TableSpec, statement: SchemaStatement): Emptied | undefined {
  const what = empties(statement);
  if (what === null) return undefined;
  const { database, table, shardColumn } = spec.match ?? {};
  const names = (pattern: string | undefined, name: string | null) =>
    pattern === undefined || new RegExp(pattern).test(name ?? '');
  if (!names(database, statement.database)) return undefined;
  if (what === 'database') {
    // Without a pattern the topic is the table's own, whatever databases its log speaks of.
    if (database === undefined) return undefined;
    return isExact(database) ? { rows: 'all' } : { rows: 'unknown' };
  }
  if (!names(table, statement.table)) return undefined;
  if (database !== undefined && !isExact(database)) return { rows: 'unknown' };
  if (table === undefined || isExact(table)) return { rows: 'all' };
  if (shardColumn === undefined) return { rows: 'unknown' };
  return { rows: 'shard', column: shardColumn, value: statement.table ?? '' };
}

/** A mirror of several source tables, one of which was emptied, without a column that says which rows were its own. */
export function sourceEmptied(spec: TableSpec, { database, table, sql }: SchemaStatement): TributaryError {
  const source = [database, table].filter((name) => name).join('.');
  return new TributaryError({
    code: 'SourceEmptied',
    message:
      `${source} was emptied (${sql === '' ? 'truncated or dropped' : sql.slice(0, 120)}), and table ${spec.name} mirrors it together with others: nothing in its rows ` +
      `tells which were ${source}'s. The last snapshot is still in place. Bootstrap the table anew, or start it under another name ` +
      `with match.shard_column, which keeps each row's source table.`,
    attributes: { table: spec.name, source },
  });
}
