import { activeMembers } from './membership.js';
import { isDone, partitions } from './positions.js';
import { overLimit } from './quarantine-limit.js';
import type {
  CommitResult,
  Fault,
  IngestSettings,
  IngestState,
  Lane,
  Member,
  Plan,
  Positions,
} from './ingest-types.js';

/**
 * The decisions of a topic as pure functions of its state. The workflow applies them between batches only, so a plan
 * never meets a membership that changed under it.
 */

const DEFAULT_RECORD_BYTES = 512;

export function newIngestState(): IngestState {
  return {
    seq: 0,
    batch: 0,
    topicId: null,
    positions: {},
    members: {},
    target: null,
    freshAsOf: null,
    lagRecords: 0,
    meanRecordBytes: DEFAULT_RECORD_BYTES,
    fault: null,
    membershipChanged: false,
    rebase: false,
    finishedBatch: null,
    lastSweepMs: 0,
    lastReportMs: 0,
  };
}

/** The most demanding of each setting among the active members. */
export function topicSettings(state: IngestState): IngestSettings {
  const all = activeMembers(state).map((member) => member.settings);
  const pick = (
    f: (s: IngestSettings) => number,
    choose: (...n: number[]) => number,
    fallback: number,
  ): number => (all.length === 0 ? fallback : choose(...all.map(f)));
  return {
    flushMs: pick((s) => s.flushMs, Math.min, 30_000),
    maxRecords: pick((s) => s.maxRecords, Math.max, 500_000),
    splitBytes: pick((s) => s.splitBytes, Math.max, 128 << 20),
    parallelism: pick((s) => s.parallelism, Math.max, 2),
    compaction: {
      targetBytes: pick((s) => s.compaction.targetBytes, Math.max, 128 << 20),
      minFiles: pick((s) => s.compaction.minFiles, Math.min, 4),
    },
  };
}

/** Records of the first batch of tables without columns, and how much larger each one after it may be. */
const LEARNING_RECORDS = 2_000;
const LEARNING_GROWTH = 4;

/**
 * Records that the next batch may have. One that shows new columns is read and written again with them: a table that has none yet
 * learns them from a small batch, not from the largest there is.
 */
export function batchRecords(state: IngestState, settings: IngestSettings): number {
  const ages = activeMembers(state).flatMap(({ learnsSince }) =>
    learnsSince === undefined ? [] : [Math.max(0, state.batch - learnsSince)],
  );
  return Math.min(settings.maxRecords, ...ages.map((age) => LEARNING_RECORDS * LEARNING_GROWTH ** age));
}

/** Records that one split may hold, so that its bytes stay near the bound whatever the records' size. */
export function splitRecords(state: IngestState, settings: IngestSettings): number {
  const bySize = Math.floor(settings.splitBytes / Math.max(1, state.meanRecordBytes));
  const byParallelism = Math.ceil(settings.maxRecords / Math.max(1, settings.parallelism));
  return Math.max(1, Math.min(bySize, byParallelism));
}

/** The result of a commit before it is known: what moves is the positions alone. */
export function nothingCommitted(plan: Plan): CommitResult {
  return { positions: plan.to, rows: 0, bytes: 0, files: 0, tables: {} };
}

/** A plan that reads nothing and moves nothing. */
export function standingPlan(state: IngestState): Plan {
  const { topicId, positions, lagRecords } = state;
  const nothing = { splits: [], lanes: {}, laneFaults: {} };
  return {
    ...{ topicId, from: positions, to: positions, lagRecords },
    ...nothing,
    observed: { asOf: 0, ends: {} },
  };
}

/** State after `plan` has been committed. */
export function applyCommit(
  state: IngestState,
  plan: Plan,
  seq: number,
  result: CommitResult,
  read: { records: number; bytes: number },
  nowMs: number,
): IngestState {
  const members: Record<string, Member> = {};
  for (const [table, member] of Object.entries(state.members)) {
    members[table] = landed(member, result, { at: result.positions, freshAsOf: state.freshAsOf }, nowMs);
  }
  const mean =
    read.records === 0 ? state.meanRecordBytes : Math.max(16, Math.round(read.bytes / read.records));
  return {
    ...state,
    seq,
    positions: result.positions,
    topicId: plan.topicId,
    members,
    lagRecords: plan.lagRecords,
    meanRecordBytes: mean,
    fault: null,
    membershipChanged: false,
    rebase: false,
  };
}

/** A member after a commit: its counts, and whether its quarantine now holds it back where the topic stands. */
function landed(
  member: Member,
  result: CommitResult,
  topic: { at: Positions; freshAsOf: number | null },
  nowMs: number,
): Member {
  const counts = result.tables[member.table];
  if (!counts) return member;
  const next: Member = {
    ...member,
    rows: member.rows + counts.rows,
    quarantined: member.quarantined + counts.quarantined,
  };
  if (counts.minEventMs !== undefined && counts.minEventMs < (member.completeThroughMs ?? -Infinity)) {
    next.lateFromMs = Math.min(member.lateFromMs ?? Infinity, counts.minEventMs);
  }
  const fault = counts.fault ?? overLimit(next, counts);
  if (fault) next.fault = { ...fault, sinceMs: member.fault?.sinceMs ?? nowMs };
  if (fault && !counts.fault && member.status === 'active') {
    next.status = 'paused';
    next.pausedAt = { ...topic.at };
    next.pausedFreshAsOf = topic.freshAsOf;
  }
  return next;
}

/** State after a lane's part of `plan` has been committed. */
export function applyLaneCommit(
  state: IngestState,
  table: string,
  to: Positions,
  result: CommitResult,
  nowMs: number,
): IngestState {
  const member = state.members[table];
  const lane = member?.lanes[0];
  if (!member || !lane) return state;
  const read: Lane = { ...lane, seq: lane.seq + 1, positions: to };
  const lanes = isDone(read) ? member.lanes.slice(1) : [read, ...member.lanes.slice(1)];
  const next = {
    ...landed(member, result, { at: state.positions, freshAsOf: state.freshAsOf }, nowMs),
    lanes,
  };
  return { ...state, members: { ...state.members, [table]: next } };
}

/** Remembers an observation of Kafka's ends, and moves `freshAsOf` when the positions have passed the one remembered. */
export function observe(state: IngestState, observed: Plan['observed']): IngestState {
  const target = state.target ?? observed;
  const reached = (ends: Positions): boolean =>
    partitions(ends).every((p) => (state.positions[p] ?? 0) >= (ends[p] ?? 0));
  if (reached(observed.ends)) return { ...state, target: null, freshAsOf: observed.asOf };
  if (reached(target.ends)) return { ...state, target: observed, freshAsOf: target.asOf };
  return { ...state, target };
}

/** Marks lanes that cannot go on; only their own table is touched. */
export function applyLaneFaults(state: IngestState, faults: Plan['laneFaults'], nowMs: number): IngestState {
  let next = state;
  for (const [table, fault] of Object.entries(faults)) {
    next = setMemberFault(next, table, { ...fault, sinceMs: nowMs });
  }
  return next;
}

/** Late events that the tables know of by now need not be told again; later ones may have come meanwhile. */
export function lateEventsTold(
  state: IngestState,
  told: Record<string, { lateFromMs?: number }>,
): IngestState {
  const members = Object.entries(state.members).map(([table, member]): [string, Member] => {
    if (member.lateFromMs === undefined || member.lateFromMs !== told[table]?.lateFromMs)
      return [table, member];
    const { lateFromMs: _told, ...rest } = member;
    return [table, rest];
  });
  return { ...state, members: Object.fromEntries(members) };
}

export function setMemberFault(state: IngestState, table: string, fault: Fault): IngestState {
  const member = state.members[table];
  if (!member) return state;
  const sinceMs = member.fault?.sinceMs ?? fault.sinceMs;
  return { ...state, members: { ...state.members, [table]: { ...member, fault: { ...fault, sinceMs } } } };
}

/** The instant before which a member's partitions are complete; undefined while it does not know. */
export function completeThrough(state: IngestState, member: Member): number | undefined {
  if (member.status !== 'active' || member.lanes.length > 0 || state.freshAsOf === null) return undefined;
  return state.freshAsOf - member.latenessMs;
}
