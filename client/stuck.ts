import type { Client } from '@temporalio/client';
import { mapParallel } from '../warehouse/parallel.js';
import { tableOfReread } from '../workflows/names.js';
import { seconds } from './output.js';
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
  /** When it was asked for; null where the newest events of the workflow do not tell. */
  sinceMs: number | null;
  /** Null while it is being tried. */
  nextAttemptMs: number | null;
}

/** How attempts end whose worker is being stopped: by `planBatch`'s own words, and by those of Temporal's SDK after the grace time. */
const HANDED_OVER = new Set(['WorkerStopping', 'WorkerShutdown']);

/** Number of temporal.api.enums.v1.PendingActivityState: an attempt is under way. */
const STARTED = 2;
/** Attempts that went silent one after the other before that is more than a restart of Temporal, or of one worker. */
const SILENT_ATTEMPTS = 3;
/** An attempt is taken up within moments where a worker is. */
const TAKEN_UP_MS = 10_000;
const EVENTS = 200;
/** Requests to Temporal at a time. */
const AT_ONCE = 16;
/** What ends sooner than this need not be looked into. */
const SETTLE_MS = 10_000;

/**
 * Activities of a workflow that have failed at least once and are not done. Asks the server alone, no worker. An activity that moves
 * to another worker because its own is being stopped has not failed.
 */
export async function stuckActivities(client: Client, workflowId: string): Promise<StuckActivity[]> {
  const description = await ifRunning(() => client.workflow.getHandle(workflowId).describe());
  const stuck = stuckOf(workflowId, description?.raw.pendingActivities ?? [], Date.now());
  if (stuck.length === 0) return [];
  const asked = await ifRunning(() => askedFor(client, workflowId));
  return stuck.map(({ activityId, ...one }) => ({ ...one, sinceMs: asked?.get(activityId) ?? null }));
}

/** The same of all snapshots, bootstraps, backfills and verifications that run, by the table that they belong to. */
export async function stuckRereads(client: Client, taskQueue: string): Promise<Map<string, StuckActivity[]>> {
  const before = new Date(Date.now() - SETTLE_MS).toISOString();
  const query =
    `WorkflowType IN ('snapshot', 'bootstrap', 'backfill', 'verify') AND ExecutionStatus = 'Running' ` +
    `AND TaskQueue = '${taskQueue}' AND StartTime < '${before}'`;
  const ids: string[] = [];
  for await (const { workflowId } of client.workflow.list({ query })) ids.push(workflowId);
  const byTable = new Map<string, StuckActivity[]>();
  for (const stuck of await mapParallel(ids, AT_ONCE, (id) => stuckActivities(client, id))) {
    for (const one of stuck) {
      const table = tableOfReread(one.workflowId)!;
      byTable.set(table, [...(byTable.get(table) ?? []), one]);
    }
  }
  return byTable;
}

/**
 * What of a workflow's pending activities keeps failing. One whose worker went silent is being done again by another, as after
 * every restart of Temporal: that is no fault before it repeats, or while nobody takes it up.
 */
export function stuckOf(
  workflowId: string,
  pending: PendingActivity[],
  nowMs: number,
): (Omit<StuckActivity, 'sinceMs'> & { activityId: string })[] {
  return pending
    .filter((activity) => keepsFailing(activity, nowMs))
    .map((activity) => ({
      workflowId,
      activityId: activity.activityId ?? '',
      activity: activity.activityType?.name ?? 'activity',
      attempt: activity.attempt ?? 1,
      ...reasonOf(activity.lastFailure!),
      nextAttemptMs: isTried(activity) ? null : scheduledMs(activity),
    }));
}

function keepsFailing(activity: PendingActivity, nowMs: number): boolean {
  const { lastFailure, attempt } = activity;
  if (!lastFailure || HANDED_OVER.has(lastFailure.applicationFailureInfo?.type ?? '')) return false;
  if (!lastFailure.timeoutFailureInfo || (attempt ?? 1) > SILENT_ATTEMPTS) return true;
  const next = scheduledMs(activity);
  return !isTried(activity) && next !== null && nowMs - next > TAKEN_UP_MS;
}

const isTried = ({ state }: PendingActivity): boolean => Number(state) === STARTED;

function scheduledMs({ scheduledTime }: PendingActivity): number | null {
  return scheduledTime?.seconds ? Number(scheduledTime.seconds) * 1_000 : null;
}

/** When the newest activities of a workflow were asked for, by their ids. */
async function askedFor(client: Client, workflowId: string): Promise<Map<string, number>> {
  const { history } = await client.workflowService.getWorkflowExecutionHistoryReverse({
    namespace: client.options.namespace,
    execution: { workflowId },
    maximumPageSize: EVENTS,
  });
  const asked = new Map<string, number>();
  for (const { eventTime, activityTaskScheduledEventAttributes: scheduled } of history?.events ?? []) {
    if (scheduled?.activityId && eventTime?.seconds) {
      asked.set(scheduled.activityId, Number(eventTime.seconds) * 1_000);
    }
  }
  return asked;
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

/** `mergeSnapshot of snapshot/orders/dt=2026-03-01, attempt 7, for 12m, next try in 40s`. */
export function stuckText(stuck: StuckActivity, nowMs: number): string {
  const { workflowId, activity, attempt, sinceMs, nextAttemptMs } = stuck;
  const lasts = (ms: number): string => seconds(Math.max(0, Math.round(ms / 1_000)));
  const next =
    nextAttemptMs === null
      ? 'being tried now'
      : nextAttemptMs <= nowMs
        ? 'next try is due'
        : `next try in ${lasts(nextAttemptMs - nowMs)}`;
  return [
    `${activity} of ${workflowId}`,
    `attempt ${attempt}`,
    ...(sinceMs === null ? [] : [`for ${lasts(nowMs - sinceMs)}`]),
    next,
  ].join(', ');
}
