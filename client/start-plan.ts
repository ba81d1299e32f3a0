import type { Client } from '@temporalio/client';
import pc from 'picocolors';
import { errorMessage } from '../common/errors.js';
import type { TableSpec } from '../config/spec.js';
import type { ColumnFate } from '../warehouse/column-fates.js';
import { planReloadUpdate } from '../workflows/messages.js';
import type { Difference } from './diff.js';
import { sendUpdate } from './send-update.js';

/**
 * What becomes of the columns that another config changes, by what Hive has now; or why that is not known. A worker looks at Hive: the
 * person's machine may not reach it.
 */
export async function reloadFates(
  client: Client,
  running: TableSpec,
  next: TableSpec,
): Promise<{ columns?: ColumnFate[]; remark?: string }> {
  const touched = (spec: TableSpec): string =>
    JSON.stringify([spec.columns, spec.timestamps, spec.rawColumn, spec.mode]);
  if (touched(running) === touched(next)) return {};
  try {
    const fates = await sendUpdate(client, next.name, planReloadUpdate, { spec: next });
    return { columns: relevant(fates, running) };
  } catch (error) {
    return { remark: `what becomes of its columns in Hive is not known: ${rootMessage(error)}` };
  }
}

/** The words of the worker; what is around them says only that something failed. */
function rootMessage(error: unknown): string {
  let root = error;
  while (root instanceof Error && root.cause instanceof Error) root = root.cause;
  return errorMessage(root);
}

/** A column that only Hive has matters if the config had it until now. */
export function relevant(fates: readonly ColumnFate[], running: TableSpec): ColumnFate[] {
  const had = new Set([...running.columns.map(({ name }) => name), running.rawColumn]);
  return fates.filter(({ fate, column }) => fate !== 'left' || had.has(column));
}

/** Every difference, and under those of a column what becomes of it. */
export function changeLines(changes: readonly Difference[], columns: readonly ColumnFate[]): string[] {
  const shown = new Set<string>();
  const fateOf = (column: string | undefined): string[] => {
    const found = columns.find((each) => each.column === column);
    if (!found || shown.has(found.column)) return [];
    shown.add(found.column);
    return [`  ${colored(found)}`];
  };
  const lines = changes.flatMap(({ path, before, after }) => [
    `${path}: ${pc.red(text(before))} -> ${pc.green(text(after))}`,
    ...fateOf(/^columns\.([^.]+)/.exec(path)?.[1]),
  ]);
  // Columns that change with another field, such as the type of all instants.
  const others = columns.filter(({ column }) => !shown.has(column));
  return [...lines, ...others.map((each) => `column ${each.column}: ${colored(each)}`)];
}

const NAMED = 5;

/** Of tables that run and that no worker answers for. */
export function notKept(tables: readonly string[]): string {
  const names = tables.length > NAMED ? '' : ` ${tables.join(' ')}`;
  return (
    'Tables that are not asked what they run by are told nothing: a changed config is not kept for later. ' +
    `Once a worker runs: tributary start${names}`
  );
}

function colored({ fate, text: words }: ColumnFate): string {
  return fate === 'refused' ? pc.red(words) : fate === 'stays' ? pc.yellow(words) : words;
}

function text(value: unknown): string {
  return JSON.stringify(value) ?? 'none';
}
