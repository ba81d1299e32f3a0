import type {
  CommitResult,
  Fault,
  IngestSettings,
  IngestState,
  JoinRequest,
  Lane,
  Member,
  Plan,
  Positions,
  RecoveredTopic,
  StoredMembers,
  TableProgress,
} from './types.js';

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

/** Takes up what storage knows: positions, and where tables that stopped or were catching up stand. */
export function restore(state: IngestState, stored: RecoveredTopic): IngestState {
  const members: Record<string, Member> = {};
  for (const [table, kept] of Object.entries(stored.members)) {
    members[table] = { ...dormantMember(table), ...kept, status: 'paused' };
    // A member that was active stands at the topic's positions until its table joins again.
    if (kept.status === 'active') members[table].pausedAt = stored.positions;
  }
  return {
    ...state,
    seq: stored.seq,
    batch: stored.seq,
    positions: stored.positions,
    topicId: stored.topicId,
    members,
  };
}

function dormantMember(table: string): Member {
  return {
    table,
    pin: '',
    settings: {
      flushMs: 30_000,
      maxRecords: 0,
      splitBytes: 0,
      parallelism: 0,
      compaction: { targetBytes: 0, minFiles: 2 },
    },
    latenessMs: 0,
    status: 'paused',
    lanes: [],
    rows: 0,
    quarantined: 0,
  };
}

/**
 * A table joins, comes back, or changes its pin. A table that the topic does not know reads everything before the
 * topic's positions alone, in a lane, and everything from there on with the others: no gap, no overlap, nobody waits.
 */
export function join(state: IngestState, request: JoinRequest): IngestState {
  const known = state.members[request.table];
  const member: Member = { ...(known ?? dormantMember(request.table)), ...request };
  if (known?.status === 'active') return withMember(state, member);
  return withMember(state, activate(member, state));
}

/** The table stops reading where it stands, with the others and in its lanes. */
export function pause(state: IngestState, table: string): IngestState {
  const member = state.members[table];
  if (!member || member.status === 'paused') return state;
  return withMember(state, { ...member, status: 'paused', pausedAt: { ...state.positions } });
}

/** The table reads on: what the topic read without it comes through a lane of its own. */
export function resume(state: IngestState, table: string): IngestState {
  const member = state.members[table];
  if (!member || member.status === 'active') return state;
  return withMember(state, activate(member, state));
}

function activate(member: Member, state: IngestState): Member {
  const { pausedAt, fault: _fault, ...rest } = member;
  const lane: Lane = {
    id: `${member.table}.${state.seq}`,
    seq: 0,
    positions: { ...pausedAt },
    until: { ...state.positions },
  };
  return { ...rest, status: 'active', lanes: isDone(lane) ? member.lanes : [...member.lanes, lane] };
}

function isDone({ positions, until }: Lane): boolean {
  return partitions(until).every((p) => (positions[p] ?? 0) >= (until[p] ?? 0));
}

function withMember(state: IngestState, member: Member): IngestState {
  return { ...state, members: { ...state.members, [member.table]: member }, membershipChanged: true };
}

/**
 * Gives up what Kafka has lost: positions below the log start, or of another topic of the same name, move to what is
 * there now. Only ever called on a person's word.
 */
export function acceptLoss(state: IngestState, starts: Positions, topicId: string | null): IngestState {
  const recreated = topicId !== null && state.topicId !== null && topicId !== state.topicId;
  const forward = (positions: Positions): Positions =>
    Object.fromEntries(
      partitions(starts).map((p) => [
        p,
        recreated ? starts[p]! : Math.max(positions[p] ?? starts[p]!, starts[p]!),
      ]),
    );
  const members = Object.fromEntries(
    Object.entries(state.members).map(([table, member]) => {
      const moved: Member = { ...member };
      if (member.pausedAt) moved.pausedAt = forward(member.pausedAt);
      moved.lanes = recreated
        ? []
        : member.lanes
            .map((lane) => ({ ...lane, id: `${lane.id}+`, seq: 0, positions: forward(lane.positions) }))
            .filter((lane) => !isDone(lane));
      delete moved.fault;
      return [table, moved];
    }),
  );
  return {
    ...state,
    positions: forward(state.positions),
    topicId: topicId ?? state.topicId,
    members,
    target: null,
    fault: null,
    membershipChanged: true,
    rebase: true,
  };
}

/** Members that read at the topic's positions. A table in a lane takes part in new data too. */
export function activeMembers(state: IngestState): Member[] {
  return Object.values(state.members).filter((member) => member.status === 'active');
}

/** Lanes that still have something to read. */
export function openLanes(state: IngestState): Record<string, Lane> {
  const lanes: Record<string, Lane> = {};
  for (const member of activeMembers(state)) {
    const lane = member.lanes[0];
    if (lane && !member.fault) lanes[member.table] = lane;
  }
  return lanes;
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
    const landed = result.tables[table];
    const next: Member = {
      ...member,
      rows: member.rows + (landed?.rows ?? 0),
      quarantined: member.quarantined + (landed?.quarantined ?? 0),
    };
    if (landed?.fault) next.fault = { ...landed.fault, sinceMs: member.fault?.sinceMs ?? nowMs };
    members[table] = next;
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

/** State after a lane's part of `plan` has been committed. */
export function applyLaneCommit(
  state: IngestState,
  table: string,
  to: Positions,
  result: CommitResult,
): IngestState {
  const member = state.members[table];
  const lane = member?.lanes[0];
  if (!member || !lane) return state;
  const landed = result.tables[table];
  const read: Lane = { ...lane, seq: lane.seq + 1, positions: to };
  const next: Member = {
    ...member,
    rows: member.rows + (landed?.rows ?? 0),
    quarantined: member.quarantined + (landed?.quarantined ?? 0),
    lanes: isDone(read) ? member.lanes.slice(1) : [read, ...member.lanes.slice(1)],
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

/** Membership as `positions.json` keeps it. */
export function storedMembers(state: IngestState): StoredMembers {
  return Object.fromEntries(
    Object.values(state.members).map(({ table, status, pausedAt, lanes }) => [
      table,
      { status, ...(pausedAt && { pausedAt }), lanes },
    ]),
  );
}

/** What to tell a member's table. */
export function progressOf(state: IngestState, member: Member, nowMs: number): TableProgress {
  const laneLag = member.lanes.reduce((sum, lane) => sum + waitingIn(lane), 0);
  const fault: Fault | null = member.fault ?? state.fault;
  const behind = state.lagRecords + laneLag > 0;
  return {
    phase:
      member.status === 'paused'
        ? 'paused'
        : fault
          ? 'waiting'
          : member.lanes.length > 0
            ? 'catching-up'
            : 'running',
    lagRecords: state.lagRecords + laneLag,
    lagSeconds:
      behind && state.freshAsOf !== null ? Math.max(0, Math.round((nowMs - state.freshAsOf) / 1000)) : 0,
    rows: member.rows,
    quarantined: member.quarantined,
    lastCompletePartition: member.lastCompletePartition ?? null,
    completeThroughMs: member.completeThroughMs ?? null,
    seq: state.seq,
    fault,
  };
}

function waitingIn({ positions, until }: Lane): number {
  return partitions(until).reduce((sum, p) => sum + Math.max(0, until[p]! - (positions[p] ?? 0)), 0);
}

function partitions(positions: Positions): number[] {
  return Object.keys(positions).map(Number);
}
