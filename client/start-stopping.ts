import type { Client } from '@temporalio/client';
import { TributaryError } from '../common/errors.js';
import type { TableSpec } from '../config/spec.js';
import { reloadSignal, statusQuery } from '../workflows/messages.js';
import { tableWorkflowId } from '../workflows/names.js';
import type { IngestSettings } from '../workflows/ingest-types.js';
import { ask, ifRunning } from './temporal.js';

const LOOK_EVERY_MS = 500;
const PATIENCE_MS = 60_000;

/** Whether a table that runs is on its way to its end. */
async function isStopping(client: Client, table: string): Promise<boolean> {
  const state = await ifRunning(() => ask(client, tableWorkflowId(table), statusQuery));
  return state?.stopping ?? false;
}

/**
 * Tells a table that is being stopped to go on, by the config of now. Which of the two words comes first is decided in the
 * table: `lives` if it took this one in time, `ended` if it must be started anew.
 * @throws TributaryError StopUnderway if it is neither after a minute
 */
export async function reviveTable(
  client: Client,
  spec: TableSpec,
  settings: IngestSettings,
): Promise<'lives' | 'ended'> {
  const handle = client.workflow.getHandle(tableWorkflowId(spec.name));
  await ifRunning(() => handle.signal(reloadSignal, { spec, settings }));
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const description = await ifRunning(() => handle.describe());
    if (description?.status.name !== 'RUNNING') return 'ended';
    if (!(await isStopping(client, spec.name))) return 'lives';
    if (Date.now() > deadline) break;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  throw new TributaryError({
    code: 'StopUnderway',
    message:
      `${spec.name} is still being stopped, and was told to go on. tributary status ${spec.name} says what holds it up; ` +
      `once it has ended: tributary start ${spec.name}`,
    attributes: { table: spec.name },
    retryable: true,
  });
}
