import type { Client } from '@temporalio/client';
import type { TableSpec } from '../config/spec.js';
import { specQuery } from '../workflows/messages.js';
import { tableWorkflowId } from '../workflows/names.js';
import { configDifferences } from './diff.js';
import { ask } from './temporal.js';

const SHOWN = 3;

/** Fields in which a table's file is not what the table runs by. */
export async function driftOf(client: Client, spec: TableSpec): Promise<string[]> {
  const running = await ask(client, tableWorkflowId(spec.name), specQuery);
  return configDifferences({ spec: running.spec }, { spec }).map(({ path }) => path);
}

/**
 * What to tell a person whose file says something else than what the table runs by; undefined if both say the same. Work on what has
 * landed follows what runs, and would have to be done again after a forgotten `start`.
 */
export async function driftWarning(client: Client, spec: TableSpec): Promise<string | undefined> {
  const paths = await driftOf(client, spec);
  if (paths.length === 0) return undefined;
  const more = paths.length > SHOWN ? ` and ${paths.length - SHOWN} more` : '';
  return (
    `the file is not what ${spec.name} runs by (${paths.slice(0, SHOWN).join(', ')}${more}), and this goes by what runs; ` +
    `to apply the file first: tributary start ${spec.name}`
  );
}
