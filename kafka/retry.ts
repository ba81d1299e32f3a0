import { setTimeout as delay } from 'node:timers/promises';
import { TributaryError } from '../common/errors.js';
import type { ClusterOptions } from './client.js';
import { kafkaRefused, kafkaUnavailable } from './errors.js';
import { KafkaCodeError } from './protocol/error-codes.js';

export interface RetryPolicy {
  /** First pause; each later one is twice as long. */
  baseMs: number;
  /** Longest pause. */
  maxMs: number;
  /** How long to go on after the first failure before giving up with KafkaUnavailable. */
  forMs: number;
  /** Who is asked, for the message of giving up. */
  cluster?: Pick<ClusterOptions, 'name' | 'brokers'>;
}

/** A broker's restart takes some ten seconds; more than that is for the caller's own retry to bridge. */
export const DEFAULT_RETRY: RetryPolicy = { baseMs: 100, maxMs: 2_000, forMs: 45_000 };

/** Errors of kafkajs that trying again does not cure. */
const REFUSALS = new Set(['KafkaJSSASLAuthenticationError', 'KafkaJSServerDoesNotSupportApiKey']);

/**
 * Calls `attempt` until it succeeds, fails for good, is cancelled, or has failed for too long. Errors of this project
 * are answers and pass through.
 * @param onFailure is told of each failure that will be tried again: the place to forget what may be stale
 */
export async function withRetry<T>(
  what: string,
  policy: RetryPolicy,
  signal: AbortSignal | undefined,
  attempt: () => Promise<T>,
  onFailure: () => void = () => undefined,
): Promise<T> {
  let failingSince: number | undefined;
  for (let pause = policy.baseMs; ; pause = Math.min(pause * 2, policy.maxMs)) {
    signal?.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof TributaryError || isDefect(error)) throw error;
      if (isRefusal(error)) throw kafkaRefused(what, error);
      failingSince ??= Date.now();
      if (Date.now() - failingSince + pause > policy.forMs)
        throw kafkaUnavailable(what, error, policy.cluster);
      onFailure();
    }
    await pauseFor(pause, signal);
  }
}

/** Sleeps, and ends with the signal's reason if it is aborted meanwhile. */
export async function pauseFor(ms: number, signal: AbortSignal | undefined): Promise<void> {
  // Not unref'd: a caller that waits for Kafka must not fall out of the event loop.
  await delay(ms, undefined, signal === undefined ? {} : { signal }).catch((error: unknown) => {
    signal?.throwIfAborted();
    throw error;
  });
}

/** Waits for a promise, or for the signal. The loser goes on, and its failure is nobody's business any more. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  promise.catch(() => undefined);
  signal.throwIfAborted();
  let onAbort: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => {
      // The reason is the caller's own and is handed back as it is, as throwIfAborted does.
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function isRefusal(error: unknown): boolean {
  if (error instanceof KafkaCodeError) return error.refusal;
  return error instanceof Error && REFUSALS.has(error.name);
}

function isDefect(error: unknown): boolean {
  return error instanceof TypeError || error instanceof ReferenceError;
}
