import type { Client } from '@temporalio/client';
import { ifRunning } from './temporal.js';

/** An activity that keeps failing and is tried again: what the workflow itself does not know of. */
export interface StuckActivity {
  workflowId: string;
  activity: string;
  attempt: number;
  code: string;
  message: string;
  nextAttemptMs: number | null;
}

/** Activities of a workflow that have failed at least once and are not done. Asks the server alone, no worker. */
export async function stuckActivities(client: Client, workflowId: string): Promise<StuckActivity[]> {
  const description = await ifRunning(() => client.workflow.getHandle(workflowId).describe());
  const pending = description?.raw.pendingActivities ?? [];
  return pending
    .filter((activity) => activity.lastFailure)
    .map((activity) => ({
      workflowId,
      activity: activity.activityType?.name ?? 'activity',
      attempt: activity.attempt ?? 1,
      code: activity.lastFailure?.applicationFailureInfo?.type ?? activity.lastFailure?.source ?? 'Failure',
      message: activity.lastFailure?.message ?? '',
      nextAttemptMs: activity.scheduledTime?.seconds ? Number(activity.scheduledTime.seconds) * 1000 : null,
    }));
}
