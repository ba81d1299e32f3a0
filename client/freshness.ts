import { isGrpcServiceError, type Client } from '@temporalio/client';
import { progressSignal } from '../workflows/messages.js';

type HistoryPage = Awaited<ReturnType<Client['workflowService']['getWorkflowExecutionHistoryReverse']>>;
type HistoryEvent = Pick<
  NonNullable<NonNullable<HistoryPage['history']>['events']>[number],
  'eventTime' | 'workflowExecutionSignaledEventAttributes'
>;

const NOT_FOUND = 5;
/** Enough to hold a report between the other things that happen to a table in minutes. */
const EVENTS = 40;
/** A topic tells its tables at least every minute how it stands, unless a batch takes longer. */
const STALE_MS = 180_000;

/**
 * When a table last heard of its topic: its numbers are as old as that. Asks the server alone, no worker. Where the newest events
 * tell of no report, it is at most the time of the oldest of them. Null if the table does not run.
 */
export async function lastHeard(client: Client, workflowId: string): Promise<number | null> {
  try {
    const { history } = await client.workflowService.getWorkflowExecutionHistoryReverse({
      namespace: client.options.namespace,
      execution: { workflowId },
      maximumPageSize: EVENTS,
    });
    return heardIn(history?.events ?? []);
  } catch (error) {
    if (isGrpcServiceError(error) && (error.code as number) === NOT_FOUND) return null;
    throw error;
  }
}

/** The same of events, newest first. */
export function heardIn(events: readonly HistoryEvent[]): number | null {
  const report = events.find(
    (event) => event.workflowExecutionSignaledEventAttributes?.signalName === progressSignal.name,
  );
  const { eventTime } = report ?? events.at(-1) ?? {};
  return eventTime?.seconds ? Number(eventTime.seconds) * 1_000 : null;
}

/**
 * Whether numbers that a table heard then can still be taken for those of now.
 * @param workers whether any worker asks for work: without one nothing is told any more
 */
export function isStale(
  { phase, seenMs }: { phase: string; seenMs: number | null },
  workers: boolean,
  nowMs: number,
): boolean {
  if (!workers) return true;
  // Topics that nobody reads tell nothing, and nothing changes about a table that is held.
  if (phase === 'paused' || seenMs === null) return false;
  return nowMs - seenMs > STALE_MS;
}
