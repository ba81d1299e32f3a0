import { lit } from '../warehouse/duckdb.js';

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
