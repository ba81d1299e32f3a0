import type { Client } from '@temporalio/client';
import { differingSections, type ConnectionPrints } from '../config/fingerprint.js';

const WORKFLOW_TASKS = 1;
/** A worker asks for work at least every minute. */
const SILENT_MS = 90_000;
/** At one a second. */
const STARTING_LOOKS = 6;

export interface LiveWorker {
  identity: string;
  /** When it last asked for work. */
  seenMs: number;
}

/** Workers that have asked for work on the task queue lately; one that has ended is among them for up to 90 seconds. */
export async function liveWorkers(client: Client, taskQueue: string): Promise<LiveWorker[]> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name: taskQueue },
    taskQueueType: WORKFLOW_TASKS,
  });
  return (pollers ?? [])
    .map(({ identity, lastAccessTime }) => ({
      identity: identity ?? '',
      seenMs: Number(lastAccessTime?.seconds ?? 0) * 1000,
    }))
    .filter(({ seenMs }) => Date.now() - seenMs < SILENT_MS);
}

/** Whether any worker has asked for work on the task queue lately. */
export async function workersAlive(client: Client, taskQueue: string): Promise<boolean> {
  return (await liveWorkers(client, taskQueue)).length > 0;
}

/** The same, for those who may have started a worker a moment ago: it needs some seconds to come up. */
export async function workersComing(client: Client, taskQueue: string): Promise<boolean> {
  for (let look = 0; look < STARTING_LOOKS; look++) {
    if (await workersAlive(client, taskQueue)) return true;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
  return false;
}

/** What to tell a person when no worker is there. */
export function workerMissing(taskQueue: string): string {
  return `no worker asks for work on task queue ${taskQueue}, so nothing happens until one does; start one: tributary worker`;
}

/** The same for a request that Temporal has taken and keeps: it is not lost, and asking again is not needed. */
export function handedInOnly(taskQueue: string): string {
  return (
    `handed in; no worker asks for work on task queue ${taskQueue} to carry it out. ` +
    'It is carried out as soon as one does; start one: tributary worker'
  );
}

/** What to tell a person whose file has other connections than workers run with; undefined if all have the same, or do not tell. */
export function otherConnections(
  workers: LiveWorker[],
  prints: ConnectionPrints,
  nowMs = Date.now(),
): string | undefined {
  const others = workers
    .map((worker) => ({ ...worker, sections: differingSections(worker.identity, prints) }))
    .filter(({ sections }) => sections.length > 0);
  if (others.length === 0) return undefined;
  const named = others.map(
    ({ identity, seenMs, sections }) =>
      `${identity.replace(/ .*$/, '')} (${sections.join(', ')}; last heard ${Math.max(0, Math.round((nowMs - seenMs) / 1000))} s ago)`,
  );
  return (
    `workers run with other connections than this file says: ${named.join(', ')}. They are read when a worker starts, not by start: ` +
    'restart the workers with this file. (One that was restarted just now is still listed for a minute.)'
  );
}
