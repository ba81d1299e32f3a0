import { lit, type Duck } from '../warehouse/duckdb.js';
import type { ConnectField } from './formats/debezium-values.js';
import { membersOf } from './formats/members.js';

/** Rows that are read alike: by one Connect schema, and with the same members of their ENUM and SET columns. */
export interface RowShape {
  /** SQL condition on the rows; undefined: all of them. */
  where: string | undefined;
  fields: ConnectField[] | undefined;
  /** Types of ENUM and SET columns by their names in the log, where the log tells their members. */
  members: Record<string, string>;
}

/** Rows of which nothing of the kind is known. */
export const ALL_ROWS: RowShape = { where: undefined, fields: undefined, members: {} };

/** Begins the members of an ENUM or SET in a type's text. */
const MEMBERS = lit("('");

/** The shapes that the rows have; a split in which one changes is read in parts. */
export async function rowShapes(duck: Duck, rows: string): Promise<RowShape[]> {
  const told = `CASE WHEN contains(types::VARCHAR, ${MEMBERS}) THEN types::VARCHAR END`;
  const found = await duck.rows<{ fields: string | null; told: string | null }>(
    `SELECT DISTINCT fields, ${told} AS told FROM ${rows} ORDER BY ALL`,
  );
  const is = (column: string, text: string | null) =>
    text === null ? `${column} IS NULL` : `${column} = ${lit(text)}`;
  return found.map((shape) => ({
    where:
      found.length === 1 ? undefined : `${is('fields', shape.fields)} AND ${is(`(${told})`, shape.told)}`,
    fields: shape.fields === null ? undefined : (JSON.parse(shape.fields) as ConnectField[]),
    members: memberTypes(shape.told),
  }));
}

/** ENUM and SET types with their members among source types in JSON. */
export function memberTypes(types: string | null | undefined): Record<string, string> {
  const all = Object.entries(JSON.parse(types ?? '{}') as Record<string, unknown>);
  return Object.fromEntries(
    all.filter(
      (entry): entry is [string, string] =>
        typeof entry[1] === 'string' && (membersOf(entry[1])?.members.length ?? 0) > 0,
    ),
  );
}

/** True if some record may tell members of ENUM and SET columns: Canal does, TiCDC if it is told to be compatible with it. */
export async function tellsMembers(duck: Duck, lines: string): Promise<boolean> {
  const [row] = await duck.rows<{ found: boolean }>(
    `SELECT EXISTS (SELECT 1 FROM ${lines} WHERE contains(value, ${MEMBERS})) AS found`,
  );
  return row!.found;
}
