import { widened } from '../warehouse/widening.js';
import { hasSourceColumns, type LandingColumn, type LandingTable } from './types.js';

/** Decisions about a table whose source changes while it is read; pure. */

/** Columns as a log shows them, by their names at the source, with the Hive type that each asks for; '' where the log does not say. */
export type LogShape = Record<string, string>;

/** What a batch has seen of a table that its pin does not know. */
export interface SeenChanges {
  /** Source column -> Hive type. */
  added: Record<string, string>;
  /** Hive column -> Hive type that the log asks for, where the column's own does not hold it. */
  retyped: Record<string, string>;
  /** The log's columns, for a table that is to stop when they change. */
  shape?: LogShape;
}

export type SchemaDecision = { next: LandingTable } | { refused: string };

/** What becomes of a table, by its policy `schema_change`: the table as it goes on, or why it cannot. */
export function decide(table: LandingTable, seen: SeenChanges): SchemaDecision {
  const { schemaChange: policy, name, columns: declared } = table.spec;
  const known = new Set(table.columns.map((column) => column.name));
  const added = Object.entries(seen.added)
    .map(([path, type]): LandingColumn => ({ name: hiveName(table, path), type, path }))
    .filter((column) => !known.has(column.name));
  if (policy === 'fail' && table.logShape) {
    const changes = seen.shape ? shapeChanges(table.logShape, seen.shape) : [];
    return changes.length > 0 ? { refused: refusal(name, changes) } : { next: table };
  }
  const columns = table.columns.map((column) => ({ ...column }));
  for (const column of columns) {
    const wanted = seen.retyped[column.name];
    if (wanted === undefined) continue;
    const type = widened(column.type, wanted);
    if (type === undefined) {
      return {
        refused:
          `Column ${column.name} of table ${name} is ${column.type}, and the log has made it ${wanted}: Hive would misread the files ` +
          `written so far. Land the column anew under another name (rename: { ${column.path}: new_name }), or declare the ` +
          `columns that you want, then: tributary start ${name}`,
      };
    }
    column.type = type;
  }
  // A table that is to stop takes what its log has when it starts, one that ignores changes what it had in the beginning.
  const takes =
    policy === 'evolve' ||
    (declared.length === 0 && (policy === 'fail' || (policy === 'ignore' && !hasSourceColumns(table))));
  const next: LandingTable = { ...table, columns: [...columns, ...(takes ? added : [])] };
  if (policy === 'fail' && seen.shape) next.logShape = seen.shape;
  return { next };
}

function refusal(name: string, changes: string[]): string {
  return (
    `The log of table ${name} has changed: ${changes.join('; ')}. Its schema_change is 'fail', so it waits before the change. ` +
    `To go on, change the config (columns, rename, schema_change) or leave it as it is to accept the change, then: tributary start ${name}`
  );
}

function hiveName(table: LandingTable, source: string): string {
  return table.spec.rename[source] ?? source.toLowerCase();
}

/** What is different in a log, in words for a person; empty if nothing is. */
export function shapeChanges(before: LogShape, now: LogShape): string[] {
  const found: string[] = [];
  for (const [name, type] of Object.entries(now)) {
    const old = before[name];
    if (old === undefined) found.push(`column ${name}${type === '' ? '' : ` (${type})`} is new`);
    else if (old !== type && old !== '' && type !== '') {
      found.push(`column ${name} was ${old} and is ${type}`);
    }
  }
  for (const name of Object.keys(before)) if (!(name in now)) found.push(`column ${name} is gone`);
  return found.sort();
}
