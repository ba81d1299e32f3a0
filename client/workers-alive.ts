import type { Client } from '@temporalio/client';

const WORKFLOW_TASKS = 1;
/** A worker asks for work at least every minute. */
const SILENT_MS = 90_000;
/** At one a second. */
const STARTING_LOOKS = 6;

/** Whether any worker has asked for work on the task queue lately. */
export async function workersAlive(client: Client, taskQueue: string): Promise<boolean> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name: taskQueue },
    taskQueueType: WORKFLOW_TASKS,
  });
  return (pollers ?? []).some(
    ({ lastAccessTime }) => Date.now() - Number(lastAccessTime?.seconds ?? 0) * 1000 < SILENT_MS,
  );
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
