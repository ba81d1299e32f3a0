import { setMaxListeners } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { activityInfo, cancellationSignal, heartbeat } from '@temporalio/activity';
import { TributaryError } from '../common/errors.js';

const HEARTBEAT_EVERY_MS = 3_000;
/** Left between an attempt's last touch of shared state and the moment when Temporal may start the next one. */
const MARGIN_MS = 20_000;

export interface Attempt {
  signal: AbortSignal;
  /** Instant after which this attempt must not touch shared state any more: a later attempt may be at work. */
  deadlineMs: number;
  /** Names this attempt and no other. */
  id: string;
}

/**
 * Runs an activity's body with heartbeats by the clock, whatever it waits for. The signal also fires when the
 * deadline passes: an attempt that Temporal has given up must not go on beside its successor.
 */
export async function attempt<T>(body: (attempt: Attempt) => Promise<T>): Promise<T> {
  const info = activityInfo();
  const deadlineMs = Date.now() + info.startToCloseTimeoutMs - MARGIN_MS;
  const controller = new AbortController();
  // Many requests of one attempt wait on the same signal; that is no leak.
  setMaxListeners(0, controller.signal);
  const cancelled = cancellationSignal();
  const onCancel = (): void => controller.abort(cancelled.reason);
  if (cancelled.aborted) onCancel();
  else cancelled.addEventListener('abort', onCancel, { once: true });
  const beat = setInterval(() => heartbeat(), HEARTBEAT_EVERY_MS);
  const late = setTimeout(
    () =>
      controller.abort(
        new TributaryError({
          code: 'ActivityDeadlinePassed',
          message: `${info.activityType} ran into its own deadline and stopped, so that the next attempt is alone.`,
          retryable: true,
        }),
      ),
    Math.max(0, deadlineMs - Date.now()),
  );
  try {
    return await body({
      signal: controller.signal,
      deadlineMs,
      id: `${(info.workflowExecution?.runId ?? 'standalone').slice(0, 8)}-${info.activityId}-${info.attempt}`,
    });
  } finally {
    clearInterval(beat);
    clearTimeout(late);
    cancelled.removeEventListener('abort', onCancel);
  }
}

/** A local directory that goes away with the attempt, however it ends. */
export async function withScratch<T>(
  root: string,
  name: string,
  body: (dir: string) => Promise<T>,
): Promise<T> {
  await mkdir(root, { recursive: true });
  const dir = await mkdtemp(join(root, `${name}-`));
  try {
    return await body(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
