import { readFile } from 'node:fs/promises';
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { tableWorkflowId } from '../workflows/names.js';
import { say } from './screen.js';

/** Task queue of the run whose config is still there: each run has one of its own, and its config is all that is left of it. */
export async function earlierQueue(configFile: string): Promise<string | undefined> {
  const config = await readFile(configFile, 'utf8').catch(() => '');
  return /task_queue: (demo-\d+)/.exec(config)?.[1];
}

/** Task queue of a demo that runs a table of this name, though its config is gone. */
export async function queueOfTable(client: Client, table: string): Promise<string | undefined> {
  try {
    const { status, taskQueue } = await client.workflow.getHandle(tableWorkflowId(table)).describe();
    return status.name === 'RUNNING' && taskQueue.startsWith('demo-') ? taskQueue : undefined;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

/** Ends what an earlier run of the same demo in the same checkout has left running, and nobody else's. */
export async function endEarlierRun(client: Client, taskQueue: string | undefined): Promise<void> {
  if (taskQueue === undefined) return;
  let ended = 0;
  for await (const { workflowId } of client.workflow.list({
    query: `ExecutionStatus = 'Running' AND TaskQueue = '${taskQueue}'`,
  })) {
    // A child ends with its parent, maybe before its turn here.
    await client.workflow
      .getHandle(workflowId)
      .terminate('a new run of the demo')
      .then(() => (ended += 1))
      .catch(() => undefined);
  }
  if (ended > 0) say(`Ended ${ended} workflows of the run before (${taskQueue}).`);
}
