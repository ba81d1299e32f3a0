import type { SignalDefinition } from '@temporalio/client';
import pc from 'picocolors';
import { TributaryError } from '../../common/errors.js';
import { pauseSignal, resumeSignal, stopSignal } from '../../workflows/messages.js';
import { tableWorkflowId } from '../../workflows/names.js';
import { note, print, printJson } from '../output.js';
import { openSession, temporalTarget } from '../session.js';
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
  signalTables(tables, options, stopSignal, [], 'stopping');

interface Signalled {
  table: string;
  outcome: string;
  /** Temporal keeps the request, and nobody is there to carry it out. */
  workerMissing?: true;
}

/**
 * Signals each table, and says so where nobody is there to hear it. Names need not be in the config: a table that was removed from
 * it can still be stopped.
 * @throws TributaryError TableNotRunning, after all others were signalled
 */
async function signalTables<A extends unknown[]>(
  tables: string[],
  options: Options,
  signal: SignalDefinition<A>,
  args: A,
  verb: string,
): Promise<void> {
  const { runtime } = await openSession(options.config);
  const target = await temporalTarget(runtime.temporal);
  const outcomes = await withTemporal(target, async (client) => {
    const results: (Signalled & { taskQueue?: string })[] = [];
    for (const table of tables) {
      const handle = client.workflow.getHandle(tableWorkflowId(table));
      const taskQueue = await ifRunning(async () => {
        await handle.signal<A>(signal, ...args);
        return (await handle.describe()).taskQueue;
      });
      results.push({
        table,
        ...(taskQueue === undefined ? { outcome: 'not running' } : { outcome: verb, taskQueue }),
      });
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
    for (const { table, outcome, workerMissing } of outcomes) {
      print(`${pc.bold(table)}  ${workerMissing ? `${outcome}: handed in, not carried out yet` : outcome}`);
    }
  const missing = outcomes.filter(({ outcome }) => outcome === 'not running').map(({ table }) => table);
  if (missing.length > 0) {
    throw new TributaryError({
      code: 'TableNotRunning',
      message: `Not running: ${missing.join(', ')}. Start with: tributary start ${missing.join(' ')}`,
      attributes: { tables: missing },
    });
  }
}
