import { ActivityFailure, ApplicationFailure, ChildWorkflowFailure } from '@temporalio/workflow';
import type { Fault } from './types.js';

/** What a person should know of a failed activity: its code and its words, and since when the same thing fails. */
export function faultOf(error: unknown, previous: Fault | null, nowMs: number): Fault {
  let cause = error;
  while ((cause instanceof ChildWorkflowFailure || cause instanceof ActivityFailure) && cause.cause)
    cause = cause.cause;
  const code = cause instanceof ApplicationFailure ? (cause.type ?? 'Unexpected') : 'Unexpected';
  const message = cause instanceof Error ? cause.message : String(cause);
  return { code, message, sinceMs: previous?.code === code ? previous.sinceMs : nowMs };
}
