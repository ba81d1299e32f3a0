import type { Client } from '@temporalio/client';

/** Ends what an earlier run of a demo has left running. */
export async function endEarlierRun(client: Client): Promise<void> {
  for await (const { workflowId, taskQueue } of client.workflow.list({
    query: `ExecutionStatus = 'Running'`,
  })) {
    if (!taskQueue.startsWith('demo-')) continue;
    // A child ends with its parent, maybe before its turn here.
    await client.workflow
      .getHandle(workflowId)
      .terminate('a new run of the demo')
      .catch(() => undefined);
  }
}
