import { ActivityFailure, ApplicationFailure, ChildWorkflowFailure } from '@temporalio/workflow';
import type { Fault } from './ingest-types.js';

/** What a person should know of a failed activity: its code and its words, and since when the same thing fails. */
export function faultOf(error: unknown, previous: Fault | null, nowMs: number): Fault {
  let cause = error;
  while ((cause instanceof ChildWorkflowFailure || cause instanceof ActivityFailure) && cause.cause)
    cause = cause.cause;
  const code = cause instanceof ApplicationFailure ? (cause.type ?? 'Unexpected') : 'Unexpected';
  const message = cause instanceof Error ? cause.message : String(cause);
  return { code, message, sinceMs: previous?.code === code ? previous.sinceMs : nowMs };
}

/** The one table of a shared topic that an activity's failure is about (see `blame`); undefined if it is about all. */
export function blamedTable(error: unknown): string | undefined {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  const attributes = cause instanceof ApplicationFailure ? cause.details?.[0] : undefined;
  const member = (attributes as { member?: unknown } | null | undefined)?.member;
  return typeof member === 'string' ? member : undefined;
}
