import { lit } from '../warehouse/duckdb.js';
import type { LandingTable } from './types.js';

/** Names in the log of the key columns; `names` are those of the rows' columns, `logKey` is the key that the log names. */
export function keyNames(table: LandingTable, names: string[], logKey: string[]): string[] {
  const { key, rename } = table.spec;
  const sourceOf = (hive: string) =>
    table.columns.find((column) => column.name === hive)?.path ??
    Object.keys(rename).find((source) => rename[source] === hive) ??
    hive;
  const there = new Set(names);
  const found = (key.length === 0 ? logKey : key.map(sourceOf)).map((wanted) =>
    there.has(wanted)
      ? wanted
      : (names.find((name) => name.toLowerCase() === wanted.toLowerCase()) ?? wanted),
  );
  return [...new Set(found)];
}

/**
 * The key columns that a change must have to land: all that the config declares, and for a mirror with snapshots those that the log
 * names, since a row without them has no identity to merge by. One that keeps its changelog only takes rows as they are.
 * @param key the key by the log's names
 * @param known the log's names of columns that the table or some row has
 */
export function neededKey({ spec }: LandingTable, key: string[], known: string[]): string[] {
  if (spec.key.length > 0) return key;
  if (spec.snapshot === undefined) return [];
  // A transform of Kafka Connect's may put a member into the message's key that no row ever has (__dbz__physicalTableIdentifier).
  if (!spec.format.startsWith('debezium')) return key;
  const columns = new Set(known.map((name) => name.toLowerCase()));
  return key.filter((name) => columns.has(name.toLowerCase()));
}

/**
 * SQL conditions, one a needed key column, that are true of a change whose row lacks it or has NULL there. Where the config declares no
 * key, only of a change whose own `keys` name the column: the log's rows may have keys of several shapes, or none.
 */
export function lacksKey({ table, needed }: { table: LandingTable; needed: readonly string[] }): string[] {
  return needed.map((name) => {
    const missing = `struct_extract(j, ${lit(name)}) IS NULL`;
    if (table.spec.key.length > 0) return missing;
    // Maxwell writes the names in a record's key in lower case, whatever they are in its row.
    const named = `json_contains(lower(keys), ${lit(JSON.stringify(name.toLowerCase()))})`;
    return `CASE WHEN ${missing} THEN ${named} ELSE false END`;
  });
}

/** SQL that is true if one of the key's members has another value in one struct than in the other; both must have it. */
export function keyDiffers(key: readonly string[], one: string, other: string): string {
  const conditions = key.map((name) => {
    const member = (struct: string) => `struct_extract(${struct}, ${lit(name)})`;
    return `coalesce(${member(one)} <> ${member(other)}, false)`;
  });
  return conditions.join(' OR ');
}

/** Changes in which an update that changes the key is the delete of the old key and the insert of the new one, in this order. */
export function splitKeyChanges(changes: string, key: readonly string[]): string {
  const structure = lit(JSON.stringify(Object.fromEntries(key.map((name) => [name, 'VARCHAR']))));
  const images =
    `SELECT *, from_json(before, ${structure}) AS b, ` +
    `from_json(CASE WHEN before IS NOT NULL THEN "row" END, ${structure}) AS k FROM ${changes}`;
  const moved = `op = 'u' AND before IS NOT NULL AND (${keyDiffers(key, 'b', 'k')})`;
  const marked = `SELECT * EXCLUDE (b, k), ${moved} AS moved FROM (${images})`;
  const image = '"MAP(VARCHAR, JSON)"';
  const old = `to_json(map_concat(from_json("row", '${image}'), from_json(before, '${image}')))::VARCHAR`;
  const halves = `SELECT *, unnest(CASE WHEN moved THEN ['d', 'i'] ELSE [op] END) AS half FROM (${marked})`;
  return (
    `SELECT * EXCLUDE (moved, half, op, "row", before, cdc_seq), half AS op, ` +
    `CASE WHEN moved AND half = 'd' THEN ${old} ELSE "row" END AS "row", ` +
    `CASE WHEN moved THEN NULL ELSE before END AS before, ` +
    `CASE WHEN NOT moved THEN cdc_seq WHEN half = 'd' THEN cdc_seq - 1 ELSE cdc_seq + 1 END AS cdc_seq FROM (${halves})`
  );
}
