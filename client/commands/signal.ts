import type { SignalDefinition } from '@temporalio/client';
import pc from 'picocolors';
import { TributaryError } from '../../common/errors.js';
import { pauseSignal, resumeSignal, stopSignal } from '../../workflows/messages.js';
import { tableWorkflowId } from '../../workflows/names.js';
import { print, printJson } from '../output.js';
import { openSession, temporalTarget } from '../session.js';
import { ifRunning, withTemporal } from '../temporal.js';

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

/**
 * Signals each table. Names need not be in the config: a table that was removed from it can still be stopped.
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
    const results: { table: string; outcome: string }[] = [];
    for (const table of tables) {
      const handle = client.workflow.getHandle(tableWorkflowId(table));
      const sent = await ifRunning(async () => {
        await handle.signal<A>(signal, ...args);
        return true;
      });
      results.push({ table, outcome: sent ? verb : 'not running' });
    }
    return results;
  });
  if (options.json) printJson(outcomes);
  else for (const { table, outcome } of outcomes) print(`${pc.bold(table)}  ${outcome}`);
  const missing = outcomes.filter(({ outcome }) => outcome === 'not running').map(({ table }) => table);
  if (missing.length > 0) {
    throw new TributaryError({
      code: 'TableNotRunning',
      message: `Not running: ${missing.join(', ')}. Start with: tributary start ${missing.join(' ')}`,
      attributes: { tables: missing },
    });
  }
}
