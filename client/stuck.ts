import type { Client } from '@temporalio/client';
import { ifRunning } from './temporal.js';

type Description = Awaited<ReturnType<ReturnType<Client['workflow']['getHandle']>['describe']>>;
type PendingActivity = NonNullable<Description['raw']['pendingActivities']>[number];
type Failure = NonNullable<PendingActivity['lastFailure']>;

/** An activity that keeps failing and is tried again: what the workflow itself does not know of. */
export interface StuckActivity {
  workflowId: string;
  activity: string;
  attempt: number;
  code: string;
  message: string;
  nextAttemptMs: number | null;
}

/** How attempts end whose worker is being stopped: by `planBatch`'s own words, and by those of Temporal's SDK after the grace time. */
const HANDED_OVER = new Set(['WorkerStopping', 'WorkerShutdown']);

/**
 * Activities of a workflow that have failed at least once and are not done. Asks the server alone, no worker. An activity that moves
 * to another worker because its own is being stopped has not failed.
 */
export async function stuckActivities(client: Client, workflowId: string): Promise<StuckActivity[]> {
  const description = await ifRunning(() => client.workflow.getHandle(workflowId).describe());
  return stuckOf(workflowId, description?.raw.pendingActivities ?? []);
}

/** The same of what the server says is pending. */
export function stuckOf(workflowId: string, pending: PendingActivity[]): StuckActivity[] {
  return pending
    .filter(
      ({ lastFailure }) => lastFailure && !HANDED_OVER.has(lastFailure.applicationFailureInfo?.type ?? ''),
    )
    .map((activity) => ({
      workflowId,
      activity: activity.activityType?.name ?? 'activity',
      attempt: activity.attempt ?? 1,
      ...reasonOf(activity.lastFailure!),
      nextAttemptMs: activity.scheduledTime?.seconds ? Number(activity.scheduledTime.seconds) * 1000 : null,
    }));
}

/** A worker's own words, or what it means that the server stopped waiting for them. */
function reasonOf(failure: Failure): { code: string; message: string } {
  if (failure.timeoutFailureInfo) {
    return {
      code: 'WorkerSilent',
      message:
        'The worker that did this went silent: it ended, lost its connection, or was too busy to answer. ' +
        'Another attempt goes on from what is in storage.',
    };
  }
  return {
    code: failure.applicationFailureInfo?.type ?? failure.source ?? 'Failure',
    message: failure.message ?? '',
  };
}
