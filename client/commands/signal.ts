import type { Client, SignalDefinition } from '@temporalio/client';
import pc from 'picocolors';
import { TributaryError } from '../../common/errors.js';
import { pauseSignal, resumeSignal, stopSignal } from '../../workflows/messages.js';
import type { TableSpec } from '../../config/spec.js';
import { backfillWorkflowId, tableOfReread, tableWorkflowId } from '../../workflows/names.js';
import { note, print, printJson } from '../output.js';
import { fromInfo } from '../overview.js';
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
  signalTables(tables, options, resumeSignal, [{ acceptLoss: options.acceptLoss ?? false }], 'resuming', {
    ...(options.acceptLoss && { before: tellOfNoLoss }),
  });

/** Stopping keeps positions and data: a later `start` goes on where the table was. */
export const stop = (tables: string[], options: Options): Promise<void> =>
  signalTables(tables, options, stopSignal, [], 'stopping', { ends: true, before: tellOfBackfills });

/** What else a signal means. */
interface Meaning {
  /** It asks for the end, which a table that does not run has come to already. */
  ends?: boolean;
  /** Tells, before it is sent, what it will do to these tables beside the obvious. */
  before?: (client: Client, tables: string[]) => Promise<void>;
}

const NOT_RUNNING = 'not running';
/** It neither runs nor is in the config. */
const UNKNOWN = 'unknown';

interface Signalled {
  table: string;
  outcome: string;
  /** When it ended, of one that is stopped already. */
  endedMs?: number;
  /** Why the signal reached nobody, and what to do. */
  error?: string;
  message?: string;
  /** Temporal keeps the request, and nobody is there to carry it out. */
  workerMissing?: true;
}

/**
 * Signals each table, and says so where nobody is there to hear it. Names need not be in the config: a table that was removed from
 * it can still be stopped.
 * @throws TributaryError TableNotRunning or TableUnknown, after all others were signalled
 */
async function signalTables<A extends unknown[]>(
  named: string[],
  options: Options,
  signal: SignalDefinition<A>,
  args: A,
  verb: string,
  { ends = false, before }: Meaning = {},
): Promise<void> {
  const tables = [...new Set(named)];
  const { runtime, specs } = await openSession(options.config);
  const target = await temporalTarget(runtime.temporal);
  const outcomes = await withTemporal(target, async (client) => {
    await before?.(client, tables);
    const results: (Signalled & { taskQueue?: string })[] = [];
    for (const table of tables) {
      const handle = client.workflow.getHandle(tableWorkflowId(table));
      const taskQueue = await ifRunning(async () => {
        await handle.signal<A>(signal, ...args);
        return (await handle.describe()).taskQueue;
      });
      if (taskQueue !== undefined) results.push({ table, outcome: verb, taskQueue });
      else if (ends) results.push({ table, ...(await endOf(client, table, specs)) });
      else results.push({ table, ...notThere(specs, table) });
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
      // The error below has more to say of it.
      if (outcome === UNKNOWN) continue;
      const words = workerMissing ? `${outcome}: handed in, not carried out yet` : outcome;
      print(`${pc.bold(table)}  ${words}${endedMs === undefined ? '' : ` (${ago(endedMs)})`}`);
    }
  const which = (wanted: string): string[] =>
    outcomes.filter(({ outcome }) => outcome === wanted).map(({ table }) => table);
  const missing = which(NOT_RUNNING);
  if (options.json) {
    // An error that is thrown would be a second document.
    if (outcomes.some(({ error }) => error !== undefined)) process.exitCode = 1;
    return;
  }
  const [unknown, ...others] = which(UNKNOWN).map((name) => tableUnknown(name, specs));
  for (const { code, message } of unknown ? others : []) note(`${pc.red(code)}: ${message}`);
  if (unknown) throw unknown;
  if (missing.length > 0) throw notRunning(missing);
}

/** Of a table that a signal does not reach. */
function notThere(specs: TableSpec[], table: string): Omit<Signalled, 'table'> {
  const known = specs.some(({ name }) => name === table);
  const { code: error, message } = known ? notRunning([table]) : tableUnknown(table, specs);
  return { outcome: known ? NOT_RUNNING : UNKNOWN, error, message };
}

function notRunning(tables: string[]): TributaryError {
  return new TributaryError({
    code: 'TableNotRunning',
    message: `Not running: ${tables.join(', ')}. Start with: tributary start ${tables.join(' ')}`,
    attributes: { tables },
  });
}

/** How a table that does not run came to its end. One that neither ran nor is in the config is a mistake of the person's. */
async function endOf(client: Client, table: string, specs: TableSpec[]): Promise<Omit<Signalled, 'table'>> {
  const found = await ifRunning(() => client.workflow.getHandle(tableWorkflowId(table)).describe());
  if (!found) {
    const missing = notThere(specs, table);
    return missing.outcome === UNKNOWN ? missing : { outcome: 'was not started' };
  }
  const { name } = found.status;
  const how = name === 'COMPLETED' ? 'stopped already' : `ended already: ${name.toLowerCase()}`;
  return { outcome: how, ...(found.closeTime && { endedMs: found.closeTime.getTime() }) };
}

/** A stopped table writes nothing, so that its backfill ends with it. */
async function tellOfBackfills(client: Client, tables: string[]): Promise<void> {
  const query = `WorkflowType = 'backfill' AND ExecutionStatus = 'Running'`;
  for await (const { workflowId } of client.workflow.list({ query })) {
    const table = tableOfReread(workflowId);
    if (table === undefined || !tables.includes(table)) continue;
    const state = await ifRunning(() => client.workflow.getHandle(tableWorkflowId(table)).describe());
    const id = workflowId.slice(backfillWorkflowId(table, '').length);
    const what =
      state?.status.name === 'RUNNING'
        ? `is cancelled with ${table}; each of its partitions is then old or new`
        : `runs, though ${table} does not, and goes on. To end it: tributary backfill ${table} --cancel --id ${id}`;
    note(`${pc.yellow('BackfillRuns')}: ${workflowId} ${what}`);
  }
}

const LOSSES: ReadonlySet<string | undefined> = new Set(['OffsetsLost', 'TopicRecreated']);

/** Whoever accepts a loss believes that there is one. */
async function tellOfNoLoss(client: Client, tables: string[]): Promise<void> {
  for (const table of tables) {
    const info = await ifRunning(() => client.workflow.getHandle(tableWorkflowId(table)).describe());
    if (info?.status.name !== 'RUNNING') continue;
    const { fault, lagUnknown } = fromInfo(info);
    if (LOSSES.has(fault?.code) || LOSSES.has(lagUnknown?.code)) continue;
    note(
      `${pc.yellow('NoLossKnown')}: ${table} does not wait for a lost log. What Kafka has lost by now is accepted, which is nothing unless it ` +
        `happened a moment ago; a later loss is not. tributary status ${table} shows what was accepted`,
    );
  }
}
