import type { Duck } from '../warehouse/duckdb.js';
import { duckPath } from './json-path.js';
import { sourceTypeToHive } from './types-map.js';
import { hasSourceColumns, type LandingTable } from './types.js';

/** What the rows of a table show of its columns. */
export interface SeenColumns {
  /** Source names exactly as the log writes them. */
  names: string[];
  /** Key columns as the log names them; empty if it does not. */
  key: string[];
}

/**
 * Reads the columns that the rows have, from their few distinct shapes where the format gives those, and the key if `withKey`: the
 * table has none of its own.
 */
export async function seenColumns(duck: Duck, rows: string, withKey: boolean): Promise<SeenColumns> {
  const names = await duck.rows<{ name: string }>(
    `SELECT DISTINCT unnest(json_keys(shape)) AS name FROM (SELECT DISTINCT shape FROM ${rows} WHERE shape IS NOT NULL) ` +
      `UNION SELECT DISTINCT unnest(json_keys("row")) FROM ${rows} WHERE shape IS NULL AND "row" IS NOT NULL ORDER BY name`,
  );
  const keys = withKey
    ? await duck.rows<{ keys: string }>(
        `SELECT DISTINCT keys FROM ${rows} WHERE keys IS NOT NULL AND keys NOT IN ('[]', 'null') ORDER BY keys`,
      )
    : [];
  const key = keys.flatMap((row) => JSON.parse(row.keys) as string[]);
  return { names: names.map(({ name }) => name), key: [...new Set(key)] };
}

/** For each column of the table the name that the log uses: the path itself, or one that differs in case only. */
export function sourceNames(table: LandingTable, seen: SeenColumns): string[] {
  const exact = new Set(seen.names);
  const lower = new Map(seen.names.map((name) => [name.toLowerCase(), name]));
  return table.columns.map(({ path }) => (exact.has(path) ? path : (lower.get(path.toLowerCase()) ?? path)));
}

/** A record, and the source table that it changes. */
export interface ChangePlace {
  p: string;
  o: string;
  db: string;
  tbl: string;
}

/** Source types (column -> type) that the log tells at a place; empty if it tells none. */
export type TypesAt = (place: ChangePlace) => Promise<Record<string, string | undefined>>;

/** Source columns that the table does not have yet, with their Hive types. */
export async function newColumns(
  duck: Duck,
  table: LandingTable,
  seen: SeenColumns,
  rows: string,
  typesAt: TypesAt,
): Promise<Record<string, string>> {
  // A table that ignores what is new has to learn its first columns too.
  if (table.spec.schemaChange === 'ignore' && hasSourceColumns(table)) return {};
  const known = new Set(table.columns.map(({ path }) => path.toLowerCase()));
  const unknown = seen.names.filter((name) => !known.has(name.toLowerCase()));
  const found: Record<string, string> = {};
  let types: Record<string, string | undefined> = {};
  for (const name of unknown) {
    const member = duckPath([name]);
    const kind = `json_type("row", ${member})`;
    const [row] = await duck.rows<{ last: ChangePlace | null; kind: string | null }>(
      `SELECT max_by({'p': p, 'o': o, 'db': db, 'tbl': tbl}, (p, o)) AS last, max(${kind}) FILTER (${kind} <> 'NULL') AS kind ` +
        `FROM ${rows} WHERE ${kind} IS NOT NULL`,
    );
    if (row!.last === null) continue;
    if (types[name] === undefined) types = await typesAt(row!.last);
    const sourceType = types[name];
    found[name] = sourceType === undefined ? jsonTypeToHive(row!.kind) : sourceTypeToHive(sourceType);
  }
  return found;
}

/** Where the log does not say the type, only whole numbers and truth values are told from their JSON; the rest is kept as text. */
function jsonTypeToHive(json: string | null): string {
  if (json === 'UBIGINT' || json === 'BIGINT') return 'bigint';
  if (json === 'BOOLEAN') return 'boolean';
  return 'string';
}
