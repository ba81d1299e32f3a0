import { activityInfo, getClient } from '@temporalio/activity';
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { baseName, CONTROL, STAGING, unquoteSegment } from '../warehouse/layout.js';
import {
  mayGo,
  runsNeededByCommits,
  untouchedSince,
  type Leftover,
  type RunState,
} from '../warehouse/leftovers.js';
import type { Storage } from '../warehouse/storage.js';
import { backfillWorkflowId, verifyWorkflowId } from '../workflows/names.js';
import type { ActivityContext } from './context.js';

/** Longer than any activity may live, so that no zombie of the run still writes. */
const CLOSED_MS = 86_400_000;
/** Of a run that the server does not know: its history was lost, or it ended before the namespace's retention. */
const UNKNOWN_MS = 7 * 86_400_000;
const ASKED_AT_A_TIME = 50;
const RUN_ID = /^[0-9a-f-]{36}$/;
/** The server's list of workflows is behind by about this much. */
const OWN_RUN_SEEN_MS = 10_000;
const LOOK_EVERY_MS = 1_000;

/**
 * Removes what ended runs should have removed and could not: staging of workflows that were terminated or whose history was lost,
 * notes of backfills and verifications that were. Answers the paths.
 */
export async function sweepLeftovers(
  { storage, graceMs }: Pick<ActivityContext, 'storage' | 'graceMs'>,
  nowMs: number,
  signal: AbortSignal,
): Promise<string[]> {
  const age = { closedMs: Math.max(graceMs, CLOSED_MS), unknownMs: Math.max(graceMs, UNKNOWN_MS) };
  const client = getClient();
  const removed: string[] = [];
  const remove = async (gone: Leftover[]): Promise<void> => {
    for (const { path } of gone) {
      await storage.remove(path, signal);
      removed.push(path);
    }
  };
  const staged = await untouchedSince(storage, STAGING, nowMs - age.closedMs, signal);
  if (staged.length > 0) {
    const states = await runStates(
      client,
      staged.map(({ name }) => name),
      signal,
    );
    const gone = staged.filter((each) => mayGo(states.get(each.name) ?? 'running', each, nowMs, age));
    const needed = gone.length === 0 ? new Set<string>() : await runsNeededByCommits(storage, signal);
    await remove(gone.filter(({ name }) => !needed.has(name)));
  }
  for (const { note, workflowId } of await notes(storage, nowMs - age.closedMs, signal)) {
    // The server knows of a workflow by its name without fail: what it does not know is over.
    if ((await stateOf(client, workflowId)) !== 'running') await remove([note]);
  }
  return removed;
}

/** Plans of backfills and verifications that were not removed at their end. */
async function notes(
  storage: Storage,
  beforeMs: number,
  signal: AbortSignal,
): Promise<{ note: Leftover; workflowId: string }[]> {
  const found: { note: Leftover; workflowId: string }[] = [];
  const kinds = [
    { root: `${CONTROL}/backfill`, idOf: backfillWorkflowId },
    { root: `${CONTROL}/verify`, idOf: verifyWorkflowId },
  ];
  for (const { root, idOf } of kinds) {
    for (const directory of await storage.list(root, signal)) {
      const table = unquoteSegment(baseName(directory.path));
      for (const note of await untouchedSince(storage, directory.path, beforeMs, signal)) {
        found.push({ note, workflowId: idOf(table, note.name.replace(/\.json$/, '')) });
      }
    }
  }
  return found;
}

async function stateOf(client: Client, workflowId: string): Promise<RunState> {
  try {
    const { status } = await client.workflow.getHandle(workflowId).describe();
    return status.name === 'RUNNING' ? 'running' : 'closed';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return 'unknown';
    throw error;
  }
}

/**
 * What the server says of runs. It finds a run by its list of workflows alone, which may be behind or have been lost by itself: as
 * long as it does not show the run that asks here, nothing is said of those that it does not show.
 */
async function runStates(
  client: Client,
  runs: string[],
  signal: AbortSignal,
): Promise<Map<string, RunState>> {
  const states = new Map<string, RunState>();
  const asked = runs.filter((run) => RUN_ID.test(run));
  for (let i = 0; i < asked.length; i += ASKED_AT_A_TIME) {
    for (const [run, state] of await listed(client, asked.slice(i, i + ASKED_AT_A_TIME))) {
      states.set(run, state);
    }
  }
  if (runs.some((run) => !states.has(run)) && (await ownRunIsListed(client, signal))) {
    for (const run of runs) if (!states.has(run)) states.set(run, 'unknown');
  }
  return states;
}

async function ownRunIsListed(client: Client, signal: AbortSignal): Promise<boolean> {
  const own = activityInfo().workflowExecution?.runId;
  if (own === undefined) return false;
  for (let waited = 0; waited < OWN_RUN_SEEN_MS; waited += LOOK_EVERY_MS) {
    if ((await listed(client, [own])).has(own)) return true;
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  return false;
}

async function listed(client: Client, runs: string[]): Promise<Map<string, RunState>> {
  const states = new Map<string, RunState>();
  const query = `RunId IN (${runs.map((run) => `'${run}'`).join(', ')})`;
  for await (const { runId, status } of client.workflow.list({ query })) {
    states.set(runId, status.name === 'RUNNING' ? 'running' : 'closed');
  }
  return states;
}
