import { isDone, partitions } from './positions.js';
import type {
  AcceptedLoss,
  Fault,
  IngestState,
  JoinRequest,
  Lane,
  Member,
  Plan,
  Positions,
  RecoveredTopic,
  StoredMembers,
} from './ingest-types.js';

/**
 * Who reads a topic, and from where: pure functions that the workflow applies between batches only, so that a plan never
 * meets a membership that changed under it.
 */

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
    quarantineLimit: {},
    quarantineAccepted: 0,
  };
}

/**
 * A table joins, comes back, or changes its pin. A table that the topic does not know reads everything before the
 * topic's positions alone, in a lane, and everything from there on with the others: no gap, no overlap, nobody waits.
 */
export function join(state: IngestState, { learns, ...request }: JoinRequest): IngestState {
  const known = state.members[request.table];
  const member: Member = { ...(known ?? dormantMember(request.table)), ...request };
  if (learns === true) member.learnsSince ??= state.batch;
  if (learns === false) delete member.learnsSince;
  // Whoever joins again has mended something, or wants to see whether it is mended.
  delete member.fault;
  delete member.left;
  if (known?.status === 'active') return withMember(state, member);
  return withMember(state, activate(member, state));
}

/** The table stops reading where it stands, with the others and in its lanes. */
export function pause(state: IngestState, table: string): IngestState {
  const member = state.members[table];
  if (!member || member.status === 'paused') return state;
  return withMember(state, {
    ...member,
    status: 'paused',
    pausedAt: { ...state.positions },
    pausedFreshAsOf: state.freshAsOf,
  });
}

/** The table ends: it stops reading where it stands, and nobody hears of it any more. */
export function leave(state: IngestState, table: string): IngestState {
  return gone(pause(state, table), [table]);
}

/** Nobody hears any more how these tables stand. One that reads goes on: it was ended by hand, and may come back. */
export function gone(state: IngestState, tables: string[]): IngestState {
  const members = Object.entries(state.members).map(([table, member]): [string, Member] => [
    table,
    tables.includes(table) && member.status === 'paused' ? { ...member, left: true } : member,
  ]);
  return { ...state, members: Object.fromEntries(members) };
}

/** A table that is paused wants to hear how far it falls behind; nothing is read for it. */
export function watch(state: IngestState, { learns: _, ...request }: JoinRequest): IngestState {
  const known = state.members[request.table];
  if (known?.status === 'active') return state;
  const { left: _left, ...member } = { ...(known ?? dormantMember(request.table)), ...request };
  return { ...state, members: { ...state.members, [member.table]: member } };
}

/** Members whose tables hear how they stand; those that storage alone knows have not joined again. */
export function toldMembers(state: IngestState): Member[] {
  return Object.values(state.members).filter(({ pin, left }) => pin !== '' && left !== true);
}

/** The table cannot go on: it waits where it stands, with what it says of why, and the others go on without it. */
export function hold(state: IngestState, table: string, fault: Fault): IngestState {
  const paused = pause(state, table);
  const member = paused.members[table];
  if (!member) return state;
  const sinceMs = member.fault?.code === fault.code ? member.fault.sinceMs : fault.sinceMs;
  return withMember(paused, { ...member, fault: { ...fault, sinceMs } });
}

/** What is left of a plan for the tables that still read. */
export function leaveOutHeld(plan: Plan, state: IngestState): Plan {
  const reads = (table: string): boolean => state.members[table]?.status === 'active';
  const main = activeMembers(state).length > 0;
  return {
    ...plan,
    splits: plan.splits.filter(({ lane }) => (lane === null ? main : reads(lane))),
    to: main ? plan.to : plan.from,
    lanes: Object.fromEntries(Object.entries(plan.lanes).filter(([table]) => reads(table))),
  };
}

/** The table reads on: what the topic read without it comes through a lane of its own. */
export function resume(state: IngestState, table: string): IngestState {
  const member = state.members[table];
  if (!member || member.status === 'active') return state;
  return withMember(state, activate(member, state));
}

function activate(member: Member, state: IngestState): Member {
  const { pausedAt, pausedFreshAsOf: _fresh, left: _left, fault: _fault, ...rest } = member;
  const lane: Lane = {
    id: `${member.table}.${state.seq}`,
    seq: 0,
    positions: { ...pausedAt },
    until: { ...state.positions },
  };
  return {
    ...rest,
    status: 'active',
    quarantineAccepted: member.quarantined,
    lanes: isDone(lane) ? member.lanes : [...member.lanes, lane],
  };
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

const LOSSES = 5;

/** Keeps what was given up, for those who wonder later what is missing. A resume that found nothing lost is no loss. */
export function rememberLoss(state: IngestState, loss: AcceptedLoss): IngestState {
  // Histories of older versions have no list in the answer.
  if (!loss.lost || loss.lost.length === 0) return state;
  return { ...state, losses: [...(state.losses ?? []), loss].slice(-LOSSES) };
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

/** Membership as `positions.json` keeps it. */
export function storedMembers(state: IngestState): StoredMembers {
  return Object.fromEntries(
    Object.values(state.members).map(({ table, status, pausedAt, lanes, rows, quarantined }) => [
      table,
      { status, ...(pausedAt && { pausedAt }), lanes, rows, quarantined },
    ]),
  );
}
