import { lagOf, topicFault } from './lag.js';
import { partitions } from './positions.js';
import type { Fault, IngestState, Member } from './ingest-types.js';
import type { TableProgress } from './table-types.js';

/** What to tell a member's table. */
export function progressOf(state: IngestState, member: Member, nowMs: number): TableProgress {
  // Who does not read is not kept from it by an outage of Kafka.
  const shared = member.status === 'paused' ? state.fault : topicFault(state);
  const fault: Fault | null = member.fault ?? shared;
  const lag = lagOf(state, member, nowMs);
  return {
    phase:
      member.status === 'paused'
        ? 'paused'
        : fault
          ? 'waiting'
          : member.lanes.length > 0
            ? 'catching-up'
            : 'running',
    lagRecords: lag.records,
    lagSeconds: lag.seconds,
    ...(lag.unknown && { lagUnknown: lag.unknown }),
    rows: member.rows,
    quarantined: member.quarantined,
    lastCompletePartition: member.lastCompletePartition ?? null,
    completeThroughMs: member.completeThroughMs ?? null,
    seq: state.seq,
    ...(member.lateFromMs !== undefined && { lateFromMs: member.lateFromMs }),
    fault,
    joined: hasJoined(state, member),
  };
}

/**
 * Whether it is fixed from which offsets the table reads, of the topic's own positions and of its lanes. Before that, Kafka's
 * retention may still move the start on, and nobody would notice.
 */
export function hasJoined(state: IngestState, member: Member): boolean {
  const fixed = [state.positions, ...member.lanes.map(({ positions }) => positions)];
  return member.status === 'active' && fixed.every((positions) => partitions(positions).length > 0);
}
