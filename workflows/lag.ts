import { partitions, waitingIn } from './positions.js';
import type { Fault, IngestState, Member, Observation, Positions } from './ingest-types.js';

/** What waits in Kafka for one table. */
export interface Lag {
  /** Null while it is not known; `unknown` then says why. */
  records: number | null;
  /** Age of what waits; null while that is not known. */
  seconds: number | null;
  unknown?: { code: string; message: string };
}

/**
 * How far a table is behind what Kafka held at the last look, whether it reads or not: a table that is paused or held falls behind
 * like any other. A number that cannot be told is none, never the last one.
 */
export function lagOf(state: IngestState, member: Member, nowMs: number): Lag {
  const stands = standsAt(state, member);
  const unknown = whyUnknown(state, stands);
  if (unknown) return { records: null, seconds: null, unknown };
  const lanes = member.lanes.reduce((sum, lane) => sum + waitingIn(lane), 0);
  const records = distance(stands, state.seen!) + lanes;
  return { records, seconds: records === 0 ? 0 : ageOf(freshAsOf(state, member), nowMs) };
}

/** Remembers what Kafka held at a look; one that was overtaken by a later look changes nothing. */
export function see(state: IngestState, seen: Observation): IngestState {
  if (state.seen && state.seen.asOf > seen.asOf) return state;
  const next: IngestState = { ...state, seen, blind: null };
  const members = Object.values(state.members).map((member): [string, Member] => {
    const upToDate = member.status === 'paused' && lagOf(next, member, seen.asOf).records === 0;
    return [member.table, upToDate ? { ...member, pausedFreshAsOf: seen.asOf } : member];
  });
  return { ...next, members: Object.fromEntries(members) };
}

/** Remembers why Kafka could not be looked at. */
export function seeNothing(
  state: IngestState,
  fault: { code: string; message: string },
  nowMs: number,
): IngestState {
  const sinceMs = state.blind?.code === fault.code ? state.blind.sinceMs : nowMs;
  return { ...state, blind: { ...fault, sinceMs } };
}

/** Why a topic's tables cannot go on: what the topic itself met, or what the last look at Kafka met. */
export function topicFault(state: IngestState): Fault | null {
  return state.fault ?? state.blind ?? null;
}

function standsAt(state: IngestState, member: Member): Positions {
  return member.status === 'paused' ? (member.pausedAt ?? {}) : state.positions;
}

function whyUnknown(state: IngestState, stands: Positions): Lag['unknown'] {
  const { seen, blind } = state;
  if (blind) return { code: blind.code, message: blind.message };
  if (!seen) {
    if (state.fault) return { code: state.fault.code, message: state.fault.message };
    return { code: 'NotKnownYet', message: 'Kafka was not looked at yet' };
  }
  if (seen.topicId !== null && state.topicId !== null && seen.topicId !== state.topicId) {
    return { code: 'TopicRecreated', message: 'the topic was deleted and created anew' };
  }
  const beyond = partitions(stands).filter((p) => stands[p]! > (seen.ends[p] ?? 0));
  if (beyond.length === 0) return undefined;
  return {
    code: 'OffsetsLost',
    message: `Kafka ends before the table's position in partition ${beyond[0]!}`,
  };
}

function distance(stands: Positions, { ends, starts }: Observation): number {
  return partitions(ends).reduce(
    (sum, p) => sum + Math.max(0, ends[p]! - (stands[p] ?? starts?.[p] ?? 0)),
    0,
  );
}

function freshAsOf(state: IngestState, member: Member): number | null {
  return member.status === 'paused' ? (member.pausedFreshAsOf ?? null) : state.freshAsOf;
}

function ageOf(sinceMs: number | null, nowMs: number): number | null {
  return sinceMs === null ? null : Math.max(0, Math.round((nowMs - sinceMs) / 1_000));
}
