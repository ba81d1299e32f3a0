import type { Duck } from '../warehouse/duckdb.js';
import { widened, widensInKind } from '../warehouse/widening.js';
import { newColumns, type ChangePlace, type SeenColumns, type TypesAt } from './change-columns.js';
import type { LogShape, SeenChanges } from './schema-change.js';
import { isUnsized, sourceTypeToHive } from './types-map.js';
import type { LandingTable } from './types.js';

export interface SeenRequest {
  table: LandingTable;
  seen: SeenColumns;
  /** Names in the log of the table's columns, in order. */
  sourceNames: string[];
  /** SQL of the table's canonical rows. */
  rows: string;
  /** The last row that says what the log's columns are; null for a table that does not follow them. */
  last: ChangePlace | null;
  typesAt: TypesAt;
  /** For each column of the table a change with a value that does not fit, or null. */
  misfits: (ChangePlace | null)[];
}

/**
 * What the rows of a split tell of their table's columns. Types are looked up where a value does not fit, and at the last row where
 * the column's own type came from the log: that costs a record, not a pass over all of them.
 */
export async function seenChanges(duck: Duck, request: SeenRequest): Promise<SeenChanges> {
  const { table, seen, rows, last, typesAt } = request;
  const added = await newColumns(duck, table, seen, rows, typesAt);
  if (isDocuments(table)) return { added, retyped: {} };
  const told = last === null ? {} : await typesAt(last);
  const retyped = await retypedColumns(request, told);
  if (table.spec.schemaChange !== 'fail' || last === null) return { added, retyped };
  const shape = await shapeAt(duck, rows, last, hiveTypes(told));
  const known = table.logShape;
  const same = known !== undefined && JSON.stringify(sorted(known)) === JSON.stringify(sorted(shape));
  return { added, retyped, ...(same ? {} : { shape }) };
}

/**
 * Columns that need another type, with the type that the log asks for. A declared type is a person's own choice: it grows in its
 * kind when a value needs that, and what does not fit otherwise is quarantined.
 */
async function retypedColumns(
  request: SeenRequest,
  told: Record<string, string | undefined>,
): Promise<SeenChanges['retyped']> {
  const { table, sourceNames, typesAt, misfits } = request;
  const learnt = isLearnt(table);
  const retyped: SeenChanges['retyped'] = {};
  for (const [i, column] of table.columns.entries()) {
    const source = sourceNames[i]!;
    const place = misfits[i];
    const type = told[source];
    let wanted =
      learnt && type !== undefined && !isUnsized(type, column.type) ? sourceTypeToHive(type) : undefined;
    if (place) {
      const there = hiveTypes(await typesAt(place))[source];
      // Where the log says no type the column's own was a guess from the first values.
      wanted = there ?? (learnt ? 'string' : undefined);
    }
    if (wanted === undefined) continue;
    const wider = widened(column.type, wanted);
    if (wider === column.type) continue;
    if (learnt ? wider !== undefined || place : wider !== undefined && widensInKind(column.type, wider)) {
      retyped[column.name] = wanted;
    }
  }
  return retyped;
}

/** True if the table's columns came from its log or its source, so that they follow it. */
export function isLearnt({ spec }: LandingTable): boolean {
  return spec.columns.length === 0;
}

/** True if a table has to know what its log says of columns, even where all values fit. */
export function followsLog(table: LandingTable): boolean {
  return isLearnt(table) || table.spec.schemaChange === 'fail';
}

/** Where the last row with all columns is. */
export async function lastWholeRow(duck: Duck, rows: string): Promise<ChangePlace | null> {
  const [row] = await duck.rows<{ last: ChangePlace | null }>(
    `SELECT max_by({'p': p, 'o': o, 'db': db, 'tbl': tbl}, (p, o)) FILTER (op IN ('i', 'u') AND reason IS NULL) AS last FROM ${rows}`,
  );
  return row!.last;
}

async function shapeAt(duck: Duck, rows: string, { p, o }: ChangePlace, types: LogShape): Promise<LogShape> {
  const members = await duck.rows<{ name: string }>(
    `SELECT key AS name FROM (SELECT "row" FROM ${rows} WHERE p = ${p} AND o = ${o} LIMIT 1) r, json_each(r."row") ORDER BY name`,
  );
  return Object.fromEntries(members.map(({ name }) => [name, types[name] ?? '']));
}

function hiveTypes(types: Record<string, string | undefined>): LogShape {
  const known = Object.entries(types).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(known.map(([name, type]) => [name, sourceTypeToHive(type)]));
}

function sorted(shape: LogShape): [string, string][] {
  return Object.entries(shape).sort(([a], [b]) => (a < b ? -1 : 1));
}

function isDocuments({ columns }: LandingTable): boolean {
  return columns.some(({ path }) => path === 'doc' || path === 'doc_id');
}
