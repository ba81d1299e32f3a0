import { formatTraits } from './formats.js';
import { compilePattern, isPattern } from './pattern.js';
import type { TableConfig } from './schema.js';

/** True if the table mirrors a MongoDB collection. */
export function isDocuments(table: TableConfig): boolean {
  const documents = formatTraits(table.from.format)?.documents ?? false;
  if (documents !== 'maybe') return documents;
  return table.bootstrap?.kind === 'mongodb' || table.from.match?.collection !== undefined;
}

/** True if the columns of the table's source have names, not JSON paths. */
export function isRelationalMirror(table: TableConfig): boolean {
  return table.mode === 'mirror' && !isDocuments(table);
}

/** Where a column comes from, as its config says or leaves unsaid: a source column's name in relational mirrors, else a JSON path. */
export function columnPath(table: TableConfig, { name, path }: TableConfig['columns'][number]): string {
  return path ?? (isRelationalMirror(table) ? name : `$.${name}`);
}

/** What a bootstrap reads: `database.table`, and the anchored pattern of the tables' names if they are shards. */
export function sourceTableOf(table: TableConfig): { table: string; pattern?: string } | undefined {
  const { bootstrap } = table;
  const { match } = table.from;
  let database = match?.database;
  let name = match?.table ?? match?.collection;
  const written =
    bootstrap?.kind === 'mongodb' ? (bootstrap.collection ?? bootstrap.table) : bootstrap?.table;
  if (written !== undefined) {
    const dot = written.indexOf('.');
    database = written.slice(0, dot);
    name = written.slice(dot + 1);
  }
  if (database === undefined || name === undefined || isPattern(database)) return undefined;
  if (!isPattern(name)) return { table: `${database}.${name}` };
  return { table: `${database}.${name}`, pattern: compilePattern(name) };
}
