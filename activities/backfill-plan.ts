import { sizeOf, splitAt, offsetsText, rangesOf, unionOf, type OffsetSet } from '../common/offset-ranges.js';
import { partitionBounds } from '../common/zone.js';
import type { TopicPositions } from '../kafka/types.js';
import { partitionPath } from '../warehouse/layout.js';
import type { PartitionState } from '../warehouse/manifest.js';
import type { BackfillRequest, Listed, PlannedPartition } from '../workflows/backfill-types.js';
import type { SplitPlan } from '../workflows/ingest-types.js';

/** Offsets that are read together at most, unless one partition needs more: bounds what lies in staging at a time. */
const WAVE_OFFSETS = 2_000_000;

/**
 * What a backfill reads again and rebuilds, and what it cannot: pure, so that it can be tested for holes and overlaps.
 * Partitions are those that share an instant with the interval, oldest first; empty and retired ones have nothing to rebuild.
 */
export function planPartitions(
  states: readonly PartitionState[],
  seen: TopicPositions,
  zone: string,
  { fromMs, toMs, acceptMissing = false }: BackfillRequest,
): PlannedPartition[] {
  const logStart = Object.fromEntries(seen.partitions.map((p) => [p.partition, p.logStart]));
  const planned: PlannedPartition[] = [];
  for (const state of states) {
    if (state.dropped === true || (state.rows === 0 && state.offsets === undefined)) continue;
    const { dt, hh } = state.partition;
    const { startMs, endMs } = partitionBounds({ dt: dt!, ...(hh !== undefined && { hh }) }, zone);
    if (endMs <= fromMs || startMs >= toMs) continue;
    planned.push({
      partition: partitionPath(state.partition),
      startMs,
      rows: state.rows,
      bytes: state.bytes,
      ...judge(state, logStart, seen.topicId ?? '', acceptMissing),
    });
  }
  return planned.sort((a, b) => a.startMs - b.startMs || (a.partition < b.partition ? -1 : 1));
}

type Judgement = Pick<PlannedPartition, 'verdict' | 'taken' | 'reason' | 'read' | 'missing'>;

function judge(
  state: PartitionState,
  logStart: Record<number, number>,
  topicId: string,
  acceptMissing: boolean,
): Judgement {
  const refuse = (verdict: Judgement['verdict'], reason: string, missing: OffsetSet = {}): Judgement => ({
    verdict,
    taken: false,
    reason,
    read: {},
    missing,
  });
  if (state.offsets === undefined) {
    return refuse('unknown', 'its offsets are not known: a version that did not keep them has landed it');
  }
  if (Object.keys(state.offsets).some((id) => id !== topicId)) {
    return refuse(
      'recreated',
      'it has rows of a topic of the same name that was deleted; their offsets mean other records now',
    );
  }
  const { below, above } = splitAt(state.offsets[topicId] ?? {}, logStart);
  const lost = sizeOf(below);
  if (lost === 0) return { verdict: 'rebuild', taken: true, reason: null, read: above, missing: {} };
  const where = `Kafka has deleted offsets ${offsetsText(below)}`;
  if (sizeOf(above) === 0) return refuse('lost', `${where}: all that it could be read from`, below);
  if (!acceptMissing) {
    return refuse(
      'partly',
      `${where}; --accept-missing rebuilds the rest and keeps their rows as they are`,
      below,
    );
  }
  const reason = `${where}; their rows stay as they are`;
  return { verdict: 'partly', taken: true, reason, read: above, missing: below };
}

/** Partitions to rebuild, by index, put together so that what they share is read once, and none too much at a time. */
export function cutWaves(planned: readonly PlannedPartition[], limit = WAVE_OFFSETS): number[][] {
  const waves: number[][] = [];
  let read: OffsetSet = {};
  planned.forEach((partition, index) => {
    if (!partition.taken) return;
    const together = unionOf([read, partition.read]);
    const wave = waves.at(-1);
    if (wave && sizeOf(together) <= limit) {
      wave.push(index);
      read = together;
    } else {
      waves.push([index]);
      read = partition.read;
    }
  });
  return waves;
}

/** What a wave reads: every offset once. */
export function waveOffsets(planned: readonly PlannedPartition[], wave: readonly number[]): OffsetSet {
  return unionOf(wave.map((index) => planned[index]!.read));
}

/** A wave's offsets in splits of at most `size`. */
export function cutSplits(offsets: OffsetSet, size: number): SplitPlan[] {
  const splits: SplitPlan[] = [];
  let room = 0;
  for (const range of rangesOf(offsets)) {
    for (let at = range.from; at < range.to;) {
      if (room === 0) {
        splits.push({ id: `s${String(splits.length).padStart(4, '0')}`, lane: null, ranges: [] });
        room = Math.max(1, size);
      }
      const end = Math.min(range.to, at + room);
      splits.at(-1)!.ranges.push({ partition: range.partition, from: at, to: end });
      room -= end - at;
      at = end;
    }
  }
  return splits;
}

/** A partition as the outline shows it. */
export function listed({ partition, verdict, taken, reason, rows, bytes, read }: PlannedPartition): Listed {
  return { partition, verdict, taken, reason, rows, bytes, offsets: sizeOf(read), ranges: offsetsText(read) };
}
