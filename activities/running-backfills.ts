import { getClient } from '@temporalio/activity';
import { WorkflowNotFoundError } from '@temporalio/client';
import { startedWith } from '../common/started-with.js';
import type { BackfillEntry, BackfillInput } from '../workflows/backfill-types.js';
import { backfillWorkflowId } from '../workflows/names.js';
import type { ControlActivities } from './types.js';

/** A table's backfills that run, the newest first. */
export function runningBackfills(): ControlActivities['runningBackfills'] {
  return async ({ table }) => {
    const client = getClient();
    const query =
      `WorkflowType = 'backfill' AND ExecutionStatus = 'Running' ` +
      `AND WorkflowId STARTS_WITH '${backfillWorkflowId(table, '')}'`;
    const found: BackfillEntry[] = [];
    for await (const { workflowId, runId } of client.workflow.list({ query })) {
      try {
        const { request, state } = await startedWith<BackfillInput>(client, { workflowId, runId });
        const { id, fromMs, toMs } = request;
        const { status, startTime } = await client.workflow.getHandle(workflowId).describe();
        // The list is some seconds behind.
        if (status.name !== 'RUNNING') continue;
        found.push({ id, fromMs, toMs, startedMs: state?.startedMs ?? startTime.getTime() });
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError)) throw error;
      }
    }
    return found.sort((a, b) => b.startedMs - a.startedMs);
  };
}
