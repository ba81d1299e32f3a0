import { isGrpcServiceError, type Client } from '@temporalio/client';
import type { StuckActivity } from './stuck.js';
import { progressSignal } from '../workflows/messages.js';
import { OLD_REPORT_MS } from '../workflows/table-status.js';

type HistoryPage = Awaited<ReturnType<Client['workflowService']['getWorkflowExecutionHistoryReverse']>>;
type HistoryEvent = Pick<
  NonNullable<NonNullable<HistoryPage['history']>['events']>[number],
  'eventTime' | 'workflowExecutionSignaledEventAttributes'
>;

const NOT_FOUND = 5;
/** Enough to hold a report between the other things that happen to a table in minutes. */
const EVENTS = 40;

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
export function isStale({ seenMs }: { seenMs: number | null }, workers: boolean, nowMs: number): boolean {
  if (!workers) return true;
  return seenMs !== null && nowMs - seenMs > OLD_REPORT_MS;
}

/** What is known of how far a table is behind. */
export interface LagKnown {
  lagRecords: number | null;
  lagSeconds: number | null;
  lagUnknown?: { code: string; message: string } | null;
}

/**
 * The same without numbers that cannot be those of now: nobody has told them for minutes, or looking at the topic fails. A last 0
 * would look like a table that keeps up.
 */
export function withoutOldLag<T extends LagKnown>(
  lag: T,
  { stale, seenMs, stuck }: { stale: boolean; seenMs: number | null; stuck: StuckActivity[] },
): T {
  if (lag.lagRecords === null) return lag;
  const blind = stuck.find(({ activity }) => activity === 'planBatch');
  if (!stale && !blind) return lag;
  const lagUnknown = blind
    ? { code: blind.code, message: blind.message }
    : {
        code: 'Stale',
        message: `nothing was heard ${seenMs === null ? 'yet' : `since ${new Date(seenMs).toISOString()}`}`,
      };
  return { ...lag, lagRecords: null, lagSeconds: null, lagUnknown };
}
