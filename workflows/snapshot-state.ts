import type { DueSnapshots, SnapshotDone, SnapshotState } from './snapshot-types.js';
import type { Fault } from './ingest-types.js';
import type { TableProgress } from './table-types.js';

/** The decisions about a table's snapshots, as pure functions of its state. */

export function newSnapshotState(): SnapshotState {
  return {
    last: null,
    lastMs: null,
    nextMs: null,
    remake: null,
    running: null,
    outdatedFromMs: null,
    retiredThroughMs: null,
    fault: null,
  };
}

/** What decides whether there may be something to make, beside the snapshots' own state. */
export interface Readiness {
  /** All changes before this instant have landed; null while nothing is known. */
  completeThroughMs: number | null;
  rows: number;
  /** `completeThroughMs` and `rows` when it was last asked what is owed; null: not yet. */
  asked: { completeThroughMs: number; rows: number } | null;
  hasBase: boolean;
}

/** Whether it is worth asking which snapshots are owed: a boundary has passed, or the table had nothing to begin from. */
export function worthAsking(state: SnapshotState, now: Readiness): boolean {
  if (now.completeThroughMs === null) return false;
  if (state.remake !== null && state.lastMs !== null) return true;
  if (state.nextMs !== null) return now.completeThroughMs >= state.nextMs;
  if (now.rows === 0 && !now.hasBase) return false;
  return now.asked === null || now.rows !== now.asked.rows;
}

/** State after an answer to what is owed. */
export function applyDue(state: SnapshotState, answer: DueSnapshots): SnapshotState {
  const { lastMs, nextMs, due } = answer;
  const remade = state.remake !== null && !due.some(({ again }) => again);
  return { ...state, lastMs, nextMs, ...(remade && { remake: null }) };
}

/** State after a snapshot was published. */
export function applyPublished(state: SnapshotState, done: SnapshotDone, again: boolean): SnapshotState {
  const newest = done.boundaryMs >= (state.lastMs ?? -Infinity);
  return settled({
    ...state,
    fault: null,
    ...(newest && { last: done, lastMs: done.boundaryMs }),
    ...(again && state.remake && { remake: { ...state.remake, doneMs: done.boundaryMs } }),
  });
}

/**
 * Whether what was answered to be owed still is, after `made` was published. A change that came while it was being made, from before
 * it, begins the making anew at an earlier boundary; going on would take the later ones for done.
 */
export function goesOn(state: SnapshotState, made: DueSnapshots['due'][number]): boolean {
  return !made.again || state.remake?.doneMs === made.boundary.ms;
}

/** State after a snapshot could not be made; `fault` is null if it was given up on a person's word. */
export function applyFailed(state: SnapshotState, fault: Fault | null): SnapshotState {
  return settled({ ...state, fault: fault ?? state.fault });
}

/** Nothing is being made any more: what came meanwhile counts now. */
function settled(state: SnapshotState): SnapshotState {
  const { outdatedFromMs } = state;
  const idle: SnapshotState = { ...state, running: null, outdatedFromMs: null };
  return outdatedFromMs === null ? idle : outdate(idle, outdatedFromMs);
}

/**
 * Snapshots of boundaries after `fromMs` show the table without changes that have come since: they are to be made anew. One that
 * is being made anew already begins again if it has passed that instant.
 */
export function outdate(state: SnapshotState, fromMs: number): SnapshotState {
  const { remake, running } = state;
  if (running !== null) {
    // What is being made has fixed its inputs and may lack the change; whether it does shows when it is done.
    return { ...state, outdatedFromMs: Math.min(state.outdatedFromMs ?? Infinity, fromMs) };
  }
  if (remake === null) return { ...state, remake: { fromMs, doneMs: null } };
  const doneMs = remake.doneMs !== null && fromMs < remake.doneMs ? null : remake.doneMs;
  return { ...state, remake: { fromMs: Math.min(remake.fromMs, fromMs), doneMs } };
}

/** What a report of the topic means for the snapshots. `next`: the policy leaves late changes to the next snapshot. */
export function lateChanges(
  state: SnapshotState,
  progress: Pick<TableProgress, 'lateFromMs'>,
  policy: 'rebuild' | 'next',
): SnapshotState {
  if (progress.lateFromMs === undefined || policy === 'next') return state;
  const newestMs = Math.max(state.lastMs ?? -Infinity, state.running?.ms ?? -Infinity);
  if (progress.lateFromMs >= newestMs) return state;
  return outdate(state, progress.lateFromMs);
}
