import type { TableSpec } from '../config/spec.js';
import { ingestWorkflowId } from './names.js';
import { rowsPerSecond } from './pace.js';
import { searchAttributes } from './search-attributes.js';
import type { Fault } from './ingest-types.js';
import type { TableMemo, TableState, TableStatus } from './table-types.js';

/** What a table shows of itself: pure, so that list and page cannot say different things of one state. */

/** Tables hear of their topic about every minute: what was told longer ago than this says nothing of now. */
export const OLD_REPORT_MS = 180_000;

/** What holds the table up, its topic, its bootstrap or its snapshots. */
export function faultNow(state: TableState): Fault | null {
  return state.fault ?? state.progress?.fault ?? state.bootstrap?.fault ?? state.snapshots?.fault ?? null;
}

/** A batch that was under way when a person paused the table still lands; only then is it paused. */
export function shownPhase(state: TableState): string {
  if (faultNow(state)) return 'waiting';
  const pausing = state.paused && state.progress !== null && state.progress.phase !== 'paused';
  return pausing ? 'pausing' : state.phase;
}

export function attributesOf(spec: TableSpec, state: TableState) {
  const { progress } = state;
  return [
    { key: searchAttributes.table, value: spec.name },
    { key: searchAttributes.mode, value: spec.mode },
    { key: searchAttributes.source, value: `${spec.kafka}/${spec.topic}` },
    { key: searchAttributes.phase, value: shownPhase(state) },
    { key: searchAttributes.paused, value: state.paused },
    { key: searchAttributes.lastComplete, value: progress?.lastCompletePartition ?? null },
    // Only where there is one: histories of tables without snapshots stay as they were.
    ...(state.snapshots?.last
      ? [{ key: searchAttributes.lastSnapshot, value: state.snapshots.last.name }]
      : []),
    { key: searchAttributes.lagSeconds, value: progress?.lagSeconds ?? null },
    { key: searchAttributes.lagRecords, value: progress?.lagRecords ?? null },
  ];
}

/** @param shows runs that began before there was a pace, or an instant of the last report, show none */
export function memoOf(state: TableState, shows: { paced: boolean; heard: boolean }): TableMemo {
  const { progress } = state;
  return {
    rows: progress?.rows ?? null,
    quarantined: progress?.quarantined ?? null,
    completeThroughMs: progress?.completeThroughMs ?? null,
    fault: faultNow(state),
    ...(state.snapshots?.last && { lastSnapshot: state.snapshots.last }),
    reading: progress?.phase ?? null,
    pause: state.pause ?? null,
    ...(shows.paced && { rowsPerSecond: rowsPerSecond(state.pace ?? []) }),
    ...(shows.heard && { heardMs: state.heardMs ?? null }),
    // Temporal keeps what a memo does not name.
    lagUnknown: progress?.lagUnknown ?? null,
  };
}

/** @param now what only the workflow knows: whether its pin is of an older spec, and whether it is on its way to its end */
export function statusOf(
  spec: TableSpec,
  state: TableState,
  now: { stale: boolean; stopping: boolean },
): TableStatus {
  return {
    table: spec.name,
    mode: spec.mode,
    source: `${spec.kafka}/${spec.topic}`,
    format: spec.format,
    phase: state.phase,
    shownPhase: shownPhase(state),
    paused: state.paused,
    pause: state.pause ?? null,
    configPending: now.stale && state.pin !== null,
    reads: state.reads ?? null,
    verified: state.verified ?? null,
    pin: state.pin,
    ingestWorkflowId: ingestWorkflowId(spec.kafka, spec.topic),
    progress: state.progress,
    base: state.base ?? null,
    bootstrap: state.bootstrap ?? null,
    snapshots: state.snapshots ?? null,
    fault: faultNow(state),
    backfill: state.backfill ?? null,
    stopping: now.stopping,
  };
}
