import type { Client, SignalDefinition } from '@temporalio/client';
import pc from 'picocolors';
import { TributaryError } from '../../common/errors.js';
import { pauseSignal, resumeSignal, stopSignal } from '../../workflows/messages.js';
import type { TableSpec } from '../../config/spec.js';
import { tableWorkflowId } from '../../workflows/names.js';
import { note, print, printJson } from '../output.js';
import { openSession, tableUnknown, temporalTarget } from '../session.js';
import { ago } from '../table-page.js';
import { ifRunning, withTemporal } from '../temporal.js';
import { handedInOnly, workersComing } from '../workers-alive.js';

interface Options {
  config: string;
  json?: boolean;
}

export const pause = (tables: string[], options: Options & { reason?: string }): Promise<void> =>
  signalTables(
    tables,
    options,
    pauseSignal,
    [{ ...(options.reason !== undefined && { reason: options.reason }) }],
    'pausing',
  );

export const resume = (tables: string[], options: Options & { acceptLoss?: boolean }): Promise<void> =>
  signalTables(tables, options, resumeSignal, [{ acceptLoss: options.acceptLoss ?? false }], 'resuming');

/** Stopping keeps positions and data: a later `start` goes on where the table was. */
export const stop = (tables: string[], options: Options): Promise<void> =>
  signalTables(tables, options, stopSignal, [], 'stopping', true);

interface Signalled {
  table: string;
  outcome: string;
  /** When it ended, of one that is stopped already. */
  endedMs?: number;
  /** Temporal keeps the request, and nobody is there to carry it out. */
  workerMissing?: true;
}

/**
 * Signals each table, and says so where nobody is there to hear it. Names need not be in the config: a table that was removed from
 * it can still be stopped.
 * @param ends the signal asks for the end, which a table that does not run has come to already
 * @throws TributaryError TableNotRunning or TableUnknown, after all others were signalled
 */
async function signalTables<A extends unknown[]>(
  tables: string[],
  options: Options,
  signal: SignalDefinition<A>,
  args: A,
  verb: string,
  ends = false,
): Promise<void> {
  const { runtime, specs } = await openSession(options.config);
  const target = await temporalTarget(runtime.temporal);
  const outcomes = await withTemporal(target, async (client) => {
    const results: (Signalled & { taskQueue?: string })[] = [];
    for (const table of tables) {
      const handle = client.workflow.getHandle(tableWorkflowId(table));
      const taskQueue = await ifRunning(async () => {
        await handle.signal<A>(signal, ...args);
        return (await handle.describe()).taskQueue;
      });
      if (taskQueue !== undefined) results.push({ table, outcome: verb, taskQueue });
      else if (ends) results.push({ table, ...(await endOf(client, table, specs)) });
      else results.push({ table, outcome: 'not running' });
    }
    for (const taskQueue of new Set(results.flatMap((result) => result.taskQueue ?? []))) {
      if (await workersComing(client, taskQueue)) continue;
      for (const result of results) if (result.taskQueue === taskQueue) result.workerMissing = true;
      note(`${pc.yellow('WorkerMissing')}: ${handedInOnly(taskQueue)}`);
    }
    return results.map(({ taskQueue: _, ...result }): Signalled => result);
  });
  if (options.json) printJson(outcomes);
  else
    for (const { table, outcome, workerMissing, endedMs } of outcomes) {
      const words = workerMissing ? `${outcome}: handed in, not carried out yet` : outcome;
      print(`${pc.bold(table)}  ${words}${endedMs === undefined ? '' : ` (${ago(endedMs)})`}`);
    }
  const missing = outcomes.filter(({ outcome }) => outcome === 'not running').map(({ table }) => table);
  const unknown = missing.filter((name) => !specs.some((spec) => spec.name === name));
  if (unknown.length > 0) throw tableUnknown(unknown[0]!, specs);
  if (missing.length > 0) {
    throw new TributaryError({
      code: 'TableNotRunning',
      message: `Not running: ${missing.join(', ')}. Start with: tributary start ${missing.join(' ')}`,
      attributes: { tables: missing },
    });
  }
}

/** How a table that does not run came to its end. One that neither ran nor is in the config is a mistake of the person's. */
async function endOf(
  client: Client,
  table: string,
  specs: TableSpec[],
): Promise<Pick<Signalled, 'outcome' | 'endedMs'>> {
  const found = await ifRunning(() => client.workflow.getHandle(tableWorkflowId(table)).describe());
  if (!found) {
    return { outcome: specs.some(({ name }) => name === table) ? 'was not started' : 'not running' };
  }
  const { name } = found.status;
  const how = name === 'COMPLETED' ? 'stopped already' : `ended already: ${name.toLowerCase()}`;
  return { outcome: how, ...(found.closeTime && { endedMs: found.closeTime.getTime() }) };
}
