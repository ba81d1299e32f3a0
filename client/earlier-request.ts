import type { Client } from '@temporalio/client';
import { TributaryError } from '../common/errors.js';
import { startedWith } from '../common/started-with.js';
import { formatInstant } from '../common/zone.js';
import { ifRunning } from './temporal.js';

/** A request that was made under an id before, as Temporal keeps it. */
export interface Earlier<Q, R> {
  request: Q;
  /** Temporal's word for how it stands: RUNNING, COMPLETED, TERMINATED, … */
  status: string;
  startedMs: number;
  endedMs: number | null;
  /** Of one that ended by itself. */
  result: R | null;
}

/** What people read about a request and its repetition. */
interface Words<Q> {
  /** `verification v1 of orders` */
  what: string;
  /** Its arguments, as on the command line. */
  argumentsOf: (request: Q) => string;
  /** The table's. */
  zone: string;
  /** The command goes on to wait for the end. */
  waits: boolean;
}

/**
 * The request that a workflow was started with, and what became of it; undefined if Temporal knows of none. Asks the server alone: no worker
 * has to answer.
 */
export async function earlierRequest<Q, R>(
  client: Client,
  workflowId: string,
): Promise<Earlier<Q, R> | undefined> {
  const handle = client.workflow.getHandle(workflowId);
  const description = await ifRunning(() => handle.describe());
  if (!description) return undefined;
  const { runId } = description;
  const input = await startedWith<{ request: Q }>(client, { workflowId, runId });
  const status = description.status.name;
  return {
    request: input.request,
    status,
    startedMs: description.startTime.getTime(),
    endedMs: description.closeTime?.getTime() ?? null,
    result: status === 'COMPLETED' ? ((await handle.result()) as R) : null,
  };
}

/** A result as JSON; one that was there before says of when it is. */
export function withTimes<R extends object>(result: R, earlier: Earlier<unknown, unknown> | undefined) {
  if (!earlier) return result;
  const { startedMs, endedMs } = earlier;
  return { ...result, earlier: { startedMs, endedMs } };
}

/** Of an id that the table remembers and Temporal does not. */
export function forgotten(what: string, id: string): TributaryError {
  return new TributaryError({
    code: 'RequestIdTaken',
    message: `The ${what} was asked for longer ago than Temporal keeps results. To do it now take another id.`,
    attributes: { id },
  });
}

/**
 * What to tell a person who uses an id again. Pure.
 * @param asked null: no arguments were given with the id, so whatever it was is meant
 * @throws TributaryError RequestIdTaken if it was used for something else, or has no result that answers the request
 */
export function repeated<Q extends { id: string }, R extends { outcome: string }>(
  earlier: Earlier<Q, R>,
  asked: Q | null,
  { what, argumentsOf, zone, waits }: Words<Q>,
): string {
  const { request, result, status } = earlier;
  const taken = (message: string): TributaryError =>
    new TributaryError({ code: 'RequestIdTaken', message, attributes: { id: request.id } });
  const clock = (ms: number): string => formatInstant(Math.floor(ms / 1_000) * 1_000, zone);
  const started = clock(earlier.startedMs);
  const ended = earlier.endedMs === null ? '' : clock(earlier.endedMs);
  const before = argumentsOf(request);
  if (asked !== null && argumentsOf(asked) !== before) {
    throw taken(
      `The ${what} was asked for at ${started} with other arguments: ${before}; now with: ${argumentsOf(asked)}. Take another id.`,
    );
  }
  if (status === 'RUNNING') {
    return `the ${what} was asked for at ${started} and runs${waits ? '; this waits for it' : ''}`;
  }
  if (result?.outcome === 'cancelled' || status === 'CANCELLED' || status === 'CANCELED') {
    throw taken(`The ${what} was cancelled at ${ended}. To do it now take another id.`);
  }
  if (result === null) {
    throw taken(
      `The ${what} was ended by hand or failed (${status.toLowerCase()}) at ${ended} and has no result. To do it now take another id.`,
    );
  }
  const failed = result.outcome === 'failed' ? '. It failed: to do it now take another id' : '';
  return `a request of this id was done at ${ended}; this is its result, and nothing was done now${failed}`;
}
