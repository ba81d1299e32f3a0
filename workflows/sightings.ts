import type { IngestState, WriteResult } from './ingest-types.js';

type ByTable = Record<string, Record<string, string>>;

/** What the splits of a batch have seen of their tables' columns, put together. */
export interface Sightings {
  newColumns: ByTable;
  retyped: ByTable;
  shapes: ByTable;
  /** Pins of the tables that something was seen of. */
  pins: (state: IngestState) => Record<string, string>;
}

export function sightings(results: WriteResult[]): Sightings {
  const newColumns: ByTable = {};
  const retyped: ByTable = {};
  const shapes: ByTable = {};
  for (const result of results) {
    addAll(newColumns, result.newColumns);
    addAll(retyped, result.retyped ?? {});
    // A shape is whole: the later split's is the newer one.
    Object.assign(shapes, result.shapes);
  }
  const tables = [...new Set([newColumns, retyped, shapes].flatMap((found) => Object.keys(found)))];
  const pins = (state: IngestState) =>
    Object.fromEntries(
      tables.flatMap((table) => {
        const member = state.members[table];
        return member?.status === 'active' ? [[table, member.pin]] : [];
      }),
    );
  return { newColumns, retyped, shapes, pins };
}

function addAll(into: ByTable, found: ByTable): void {
  for (const [table, columns] of Object.entries(found)) into[table] = { ...into[table], ...columns };
}

/** What was seen of one table. */
export function pick(found: ByTable, table: string): ByTable {
  return { [table]: found[table] ?? {} };
}
