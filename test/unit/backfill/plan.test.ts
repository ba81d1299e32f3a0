import { describe, expect, it } from 'vitest';
import { cutSplits, cutWaves, planPartitions, waveOffsets } from '../../../activities/backfill-plan.js';
import { rangesOf, sizeOf, type OffsetSet } from '../../../common/offset-ranges.js';
import type { PartitionState } from '../../../warehouse/manifest.js';
import { emptyState } from '../../../warehouse/partition-state.js';

const ZONE = 'Asia/Shanghai';
const day = (date: string): number => Date.parse(`${date}T00:00:00+08:00`);

function state(
  dt: string,
  offsets: OffsetSet | undefined,
  more: Partial<PartitionState> = {},
): PartitionState {
  const base = emptyState({ table: 'clicks', partition: { dt }, directory: `clicks/dt=${dt}/v0` });
  return { ...base, rows: 10, bytes: 100, ...(offsets && { offsets: { T: offsets } }), ...more };
}

const seen = (logStart: number, topicId = 'T') => ({
  topic: 'click',
  topicId,
  asOf: 0,
  partitions: [
    { partition: 0, logStart, lastStable: 1_000, highWatermark: 1_000 },
    { partition: 1, logStart: 0, lastStable: 1_000, highWatermark: 1_000 },
  ],
});

const request = (fromMs: number, toMs: number, acceptMissing = false) => ({
  id: 'x',
  fromMs,
  toMs,
  acceptMissing,
});

describe('planning a backfill', () => {
  const days = [
    state('2026-03-03', { 0: [[200, 300]] }),
    state('2026-03-01', { 0: [[0, 100]] }),
    state('2026-03-02', { 0: [[90, 210]], 1: [[0, 50]] }),
  ];

  it('takes the partitions of the interval, whole, oldest first, on the clock of the table', () => {
    const of = (from: number, to: number): string[] =>
      planPartitions(days, seen(0), ZONE, request(from, to)).map(({ partition }) => partition);
    expect(of(day('2026-03-01'), day('2026-03-03'))).toEqual(['dt=2026-03-01', 'dt=2026-03-02']);
    expect(of(day('2026-03-02') + 3_600_000, day('2026-03-02') + 7_200_000)).toEqual(['dt=2026-03-02']);
    expect(of(day('2026-03-04'), day('2026-03-09'))).toEqual([]);
  });

  it('refuses what Kafka has deleted, or takes the rest where a person says so', () => {
    const all = request(day('2026-03-01'), day('2026-03-04'));
    const plan = planPartitions(days, seen(100), ZONE, all);
    expect(plan.map(({ verdict, taken }) => [verdict, taken])).toEqual([
      ['lost', false],
      ['partly', false],
      ['rebuild', true],
    ]);
    expect(plan[1]!.reason).toContain('0: 90-100');
    const accepted = planPartitions(days, seen(100), ZONE, { ...all, acceptMissing: true });
    expect(accepted.map(({ taken }) => taken)).toEqual([false, true, true]);
    expect(accepted[1]!.read).toEqual({ 0: [[100, 210]], 1: [[0, 50]] });
    expect(accepted[1]!.missing).toEqual({ 0: [[90, 100]] });
  });

  it('never reads offsets of another topic of the same name, nor guesses them', () => {
    const all = request(day('2026-03-01'), day('2026-03-04'), true);
    expect(planPartitions(days, seen(0, 'U'), ZONE, all).map(({ verdict }) => verdict)).toEqual([
      'recreated',
      'recreated',
      'recreated',
    ]);
    const mixed = state('2026-03-01', undefined, { offsets: { T: { 0: [[0, 1]] }, U: { 0: [[5, 6]] } } });
    const old = state('2026-03-02', undefined);
    const plan = planPartitions([mixed, old], seen(0), ZONE, all);
    expect(plan.map(({ verdict, taken }) => [verdict, taken])).toEqual([
      ['recreated', false],
      ['unknown', false],
    ]);
  });

  it('leaves out what retention has retired', () => {
    const gone = state('2026-03-01', undefined, { dropped: true, rows: 0 });
    expect(planPartitions([gone], seen(0), ZONE, request(day('2026-03-01'), day('2026-03-02')))).toEqual([]);
  });

  it('reads what neighbours share once, and not too much at a time', () => {
    const plan = planPartitions(days, seen(0), ZONE, request(day('2026-03-01'), day('2026-03-04')));
    expect(cutWaves(plan, 1_000)).toEqual([[0, 1, 2]]);
    expect(sizeOf(waveOffsets(plan, [0, 1, 2]))).toBe(350);
    expect(cutWaves(plan, 270)).toEqual([[0, 1], [2]]);
    expect(cutWaves(plan, 1)).toEqual([[0], [1], [2]]);
    const splits = cutSplits(waveOffsets(plan, [0, 1, 2]), 64);
    expect(splits.every(({ ranges }) => ranges.reduce((n, { from, to }) => n + to - from, 0) <= 64)).toBe(
      true,
    );
    const tiled = splits.flatMap(({ ranges }) => ranges);
    const again: OffsetSet = {};
    for (const { partition, from, to } of tiled) (again[partition] ??= []).push([from, to]);
    expect(sizeOf(again)).toBe(350);
    expect(new Set(splits.map(({ id }) => id)).size).toBe(splits.length);
    expect(rangesOf(waveOffsets(plan, [0, 1, 2])).length).toBe(2);
  });
});
