import type { Client } from '@temporalio/client';
import { ingestOfSource, tableOfReread, tableWorkflowId } from '../workflows/names.js';
import { searchAttributes } from '../workflows/search-attributes.js';
import { note } from './output.js';
import { stuckActivities, stuckText } from './stuck.js';
import { ago } from './table-page.js';
import { ifRunning } from './temporal.js';
import { liveWorkers, workerMissing, workersAlive } from './workers-alive.js';

const LOOK_EVERY_MS = 5_000;

/** What a person may do meanwhile about a request that Temporal has. */
export const KEPT = 'The request is kept; you may leave this command (Ctrl-C)';
/** The same about a question: nobody else hears its answer. */
export const ASK_AGAIN = 'You may leave this command (Ctrl-C) and ask again; nothing is changed by it';

/** Why something does not go on, and what tells it from the reason before: a number of attempts does not. */
export interface Reason {
  key: string;
  text: string;
}

/** Waits for an answer; after some seconds it says on stderr what that waits for, and again whenever that changes. */
export async function telling<T>(
  answer: Promise<T>,
  why: () => Promise<Reason | undefined>,
  { everyMs = LOOK_EVERY_MS, say = note }: { everyMs?: number; say?: (line: string) => void } = {},
): Promise<T> {
  let told = '';
  let over = false;
  let timer: NodeJS.Timeout | undefined;
  const look = async (): Promise<void> => {
    // That it cannot be found out why is no reason to give up waiting.
    const reason = await why().catch(() => undefined);
    if (over) return;
    if (reason && reason.key !== told) say(reason.text);
    told = reason?.key ?? '';
    timer = setTimeout(() => void look(), everyMs);
  };
  timer = setTimeout(() => void look(), everyMs);
  try {
    return await answer;
  } finally {
    over = true;
    clearTimeout(timer);
  }
}

/**
 * What keeps a workflow from answering: activities of its own or of its table's topic that are retried, or no worker at all.
 * @param meanwhile what the person who waits may do
 */
export async function reasonToWait(
  client: Client,
  workflowId: string,
  meanwhile: string,
): Promise<Reason | undefined> {
  for (const id of [workflowId, ...(await topicOf(client, workflowId))]) {
    const [stuck] = await stuckActivities(client, id);
    if (!stuck) continue;
    const { code, message } = stuck;
    return {
      key: `${code} ${id} ${stuck.activity}`,
      text: `it waits: ${code} (${stuckText(stuck, Date.now())}): ${message}\n  ${meanwhile}`,
    };
  }
  const known = await ifRunning(() => client.workflow.getHandle(workflowId).describe());
  if (known?.status.name !== 'RUNNING' || (await workersAlive(client, known.taskQueue))) return undefined;
  return {
    key: 'WorkerMissing',
    text: `it waits: WorkerMissing: ${workerMissing(known.taskQueue)}\n  ${meanwhile}`,
  };
}

/** Of a request that no worker has taken up: a worker that has just died counts as one for some time. */
export async function unheard(client: Client, taskQueue: string, meanwhile: string): Promise<Reason> {
  const seen = (await liveWorkers(client, taskQueue)).map(({ seenMs }) => seenMs);
  const last = seen.length === 0 ? '' : `; the last one asked for work ${ago(Math.max(...seen))}`;
  return { key: 'unheard', text: `it waits: no worker has answered yet${last}\n  ${meanwhile}` };
}

/** The workflow that reads a table's topic: rebuilt partitions are switched by it. */
async function topicOf(client: Client, workflowId: string): Promise<string[]> {
  const table = tableOfReread(workflowId);
  if (table === undefined) return [];
  const info = await ifRunning(() => client.workflow.getHandle(tableWorkflowId(table)).describe());
  const topic = ingestOfSource(info?.typedSearchAttributes.get(searchAttributes.source) ?? '');
  return topic === undefined ? [] : [topic];
}
