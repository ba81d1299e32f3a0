import { describe, expect, it } from 'vitest';
import {
  packFiles,
  selectPartitions,
  settledThrough,
  type Candidates,
} from '../../../activities/snapshot-inputs.js';

const entry = (seq: number, minEventMs: number | null, maxEventMs: number | null): Candidates[string] => ({
  streams: { 'main/t': seq },
  minEventMs,
  maxEventMs,
});

describe('the partitions that a snapshot reads', () => {
  const candidates: Candidates = {
    'dt=1': entry(3, 0, 99),
    'dt=2': entry(5, 100, 199),
    'dt=3': entry(7, 200, 299),
    'dt=4': entry(9, 300, 399),
  };
  const boundary = { ms: 300, order: 'tso' } as const;

  it('are all before the boundary for the first one', () => {
    expect(selectPartitions(candidates, boundary, undefined)).toEqual(['dt=1', 'dt=2', 'dt=3']);
  });

  it('are those with commits since the last one, and those that it left out as beyond its boundary', () => {
    const before = { boundaryMs: 200, applied: { 'main/t': 9 } };
    expect(selectPartitions(candidates, boundary, before)).toEqual(['dt=3']);
    // A row came late for the first day: commit 10 is not taken in yet.
    const late = { ...candidates, 'dt=1': entry(10, 0, 99) };
    expect(selectPartitions(late, boundary, before)).toEqual(['dt=1', 'dt=3']);
  });

  it('include those whose bounds or streams are not known', () => {
    const before = { boundaryMs: 200, applied: { 'main/t': 9 } };
    expect(selectPartitions({ 'dt=1': entry(1, null, null) }, boundary, before)).toEqual(['dt=1']);
    const lane = { 'dt=1': { streams: { 'main/t/members/x.1': 1 }, minEventMs: 0, maxEventMs: 9 } };
    expect(selectPartitions(lane, boundary, before)).toEqual(['dt=1']);
  });

  // Where only wall clocks order changes, a clock that is put back shows an hour twice.
  it('include neighbours where the order key is no time', () => {
    const hour = 3_600_000;
    const wall = { ms: 10 * hour, order: 'offset' } as const;
    const near = { a: entry(1, 11 * hour, 12 * hour), b: entry(1, 13 * hour, 14 * hour) };
    expect(selectPartitions(near, wall, undefined)).toEqual(['a']);
    expect(settledThrough(wall)).toBe(8 * hour);
  });
});

it('files are shared out by size, in order, each once', () => {
  const files = [5, 4, 3, 9, 1].map((bytes, i) => ({ path: `${i}`, bytes }));
  expect(packFiles(files, 9).map((task) => task.map(({ bytes }) => bytes))).toEqual([[5, 4], [3], [9], [1]]);
  expect(packFiles([], 9)).toEqual([]);
});
