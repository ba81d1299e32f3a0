import { TributaryError } from '../common/errors.js';
import type { OffsetRange, PartitionPosition, TopicPositions } from '../kafka/types.js';
import type { Lane, Plan, PlanRequest, Positions, SplitPlan } from '../workflows/ingest-types.js';

/** Tables that catch up at the same time; more of them would starve the topic's own data. */
const LANES_AT_A_TIME = 4;

/**
 * Cuts the next batch out of what Kafka holds: pure, so that the cut can be tested for gaps and overlaps.
 * Ranges end at the last stable offset, so that no open transaction is read.
 * @throws TributaryError OffsetsLost, TopicRecreated
 */
export function cutBatch(request: PlanRequest, seen: TopicPositions): Plan {
  refuseRecreated(request, seen.topicId ?? null);
  const from = resolve(request.positions, seen.partitions);
  let to = from;
  const splits: SplitPlan[] = [];
  if (request.mainActive) {
    refuseLost(request.topic, from, seen.partitions);
    const ranges = takeFairly(from, stableEnds(seen.partitions), request.maxRecords);
    to = advance(from, ranges);
    splits.push(...pack(ranges, request.splitRecords, 's', null));
  }
  const lanes: Plan['lanes'] = {};
  const laneFaults: Plan['laneFaults'] = {};
  for (const [table, lane] of Object.entries(request.lanes).slice(0, LANES_AT_A_TIME)) {
    try {
      const cut = cutLane(request, table, lane, seen.partitions);
      lanes[table] = { from: cut.from, to: cut.to };
      splits.push(...pack(cut.ranges, request.splitRecords, `lane-${table}-`, table));
    } catch (error) {
      if (!(error instanceof TributaryError)) throw error;
      laneFaults[table] = { code: error.code, message: error.message };
    }
  }
  const ends = stableEnds(seen.partitions);
  return {
    topicId: seen.topicId ?? request.topicId,
    observed: { asOf: seen.asOf, ends },
    splits,
    from,
    to,
    lanes,
    laneFaults,
    lagRecords: distance(to, ends),
  };
}

/** Records that wait at the topic's own positions. */
export function waiting(request: PlanRequest, seen: TopicPositions): number {
  return request.mainActive
    ? distance(resolve(request.positions, seen.partitions), stableEnds(seen.partitions))
    : 0;
}

function cutLane(
  request: PlanRequest,
  table: string,
  lane: Lane,
  partitions: PartitionPosition[],
): { ranges: OffsetRange[]; from: Positions; to: Positions } {
  const inLane = partitions.filter((p) => lane.until[p.partition] !== undefined);
  const from = resolve(lane.positions, inLane);
  const starts = new Map(inLane.map((p) => [p.partition, p.logStart]));
  for (const [partition, until] of entries(lane.until)) {
    const start = starts.get(partition);
    // What a table would have read first is gone already when it never read at all: nothing it had is lost.
    if (lane.positions[partition] === undefined && start !== undefined)
      from[partition] = Math.min(start, until);
  }
  refuseLost(`${request.topic} for table ${table}`, from, inLane, lane.until);
  const ranges = takeFairly(from, lane.until, request.maxRecords);
  return { ranges, from, to: advance(from, ranges) };
}

/** Positions with every partition of the topic; one never read begins at its log start. */
function resolve(positions: Positions, partitions: PartitionPosition[]): Positions {
  return Object.fromEntries(partitions.map((p) => [p.partition, positions[p.partition] ?? p.logStart]));
}

function stableEnds(partitions: PartitionPosition[]): Positions {
  return Object.fromEntries(partitions.map((p) => [p.partition, p.lastStable]));
}

function refuseRecreated(request: PlanRequest, topicId: string | null): void {
  if (request.topicId === null || topicId === null || request.topicId === topicId) return;
  throw new TributaryError({
    code: 'TopicRecreated',
    message:
      `Topic ${request.topic} was deleted and created anew: the positions read so far belong to the old one. ` +
      'What the old topic held beyond them is lost. To go on with the new one from its start: tributary resume TABLE --accept-loss',
    attributes: { topic: request.topic, expected: request.topicId, found: topicId },
  });
}

function refuseLost(what: string, from: Positions, partitions: PartitionPosition[], until?: Positions): void {
  const lost: string[] = [];
  for (const { partition, logStart, highWatermark } of partitions) {
    const position = from[partition]!;
    if (until && position >= (until[partition] ?? 0)) continue;
    if (position < logStart)
      lost.push(`partition ${partition}: offsets [${position}, ${logStart}) were deleted by retention`);
    if (position > highWatermark) {
      lost.push(
        `partition ${partition}: next offset ${position} is beyond the end ${highWatermark}; the topic was truncated or recreated`,
      );
    }
  }
  if (lost.length === 0) return;
  throw new TributaryError({
    code: 'OffsetsLost',
    message:
      `Kafka no longer has what comes next in topic ${what}: ${lost.join('; ')}. Nothing was skipped. ` +
      'Restore the data, or go on without them: tributary resume TABLE --accept-loss',
    attributes: { topic: what, lost },
  });
}

/** Up to `limit` records, each partition in proportion to what waits in it, so that none falls behind for good. */
function takeFairly(from: Positions, ends: Positions, limit: number): OffsetRange[] {
  const waitingIn = entries(ends)
    .map(([partition, end]) => ({ partition, from: from[partition] ?? end, to: end }))
    .filter((range) => range.to > range.from);
  const total = waitingIn.reduce((sum, range) => sum + range.to - range.from, 0);
  if (total <= limit) return waitingIn;
  return waitingIn.map((range) => ({
    ...range,
    to: range.from + Math.max(1, Math.floor(((range.to - range.from) * limit) / total)),
  }));
}

function advance(from: Positions, ranges: OffsetRange[]): Positions {
  return { ...from, ...Object.fromEntries(ranges.map((range) => [range.partition, range.to])) };
}

/** Fills splits one after the other with at most `size` offsets each. */
function pack(ranges: OffsetRange[], size: number, prefix: string, lane: string | null): SplitPlan[] {
  const splits: SplitPlan[] = [];
  let room = 0;
  for (const range of ranges) {
    for (let at = range.from; at < range.to;) {
      if (room === 0) {
        splits.push({ id: `${prefix}${String(splits.length).padStart(3, '0')}`, lane, ranges: [] });
        room = size;
      }
      const end = Math.min(range.to, at + room);
      splits.at(-1)!.ranges.push({ partition: range.partition, from: at, to: end });
      room -= end - at;
      at = end;
    }
  }
  return splits;
}

function distance(from: Positions, ends: Positions): number {
  return entries(ends).reduce(
    (sum, [partition, end]) => sum + Math.max(0, end - (from[partition] ?? end)),
    0,
  );
}

function entries(positions: Positions): [number, number][] {
  return Object.entries(positions).map(([partition, offset]) => [Number(partition), offset]);
}
