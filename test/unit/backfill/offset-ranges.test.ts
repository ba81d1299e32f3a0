import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  between,
  offsetsText,
  rangesOf,
  sizeOf,
  splitAt,
  unionOf,
  type OffsetSet,
} from '../../../common/offset-ranges.js';

const interval = fc
  .tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 8 }))
  .map(([from, length]): [number, number] => [from, from + length]);
const sets = fc.array(fc.dictionary(fc.constantFrom('0', '1', '7'), fc.array(interval, { maxLength: 6 })), {
  maxLength: 4,
}) as fc.Arbitrary<OffsetSet[]>;

function members(set: OffsetSet): Set<string> {
  const all = new Set<string>();
  for (const { partition, from, to } of rangesOf(set)) {
    for (let offset = from; offset < to; offset++) all.add(`${partition}/${offset}`);
  }
  return all;
}

describe('sets of offsets', () => {
  it('hold every offset of their parts, once: a hole would leave a record out of a backfill', () => {
    fc.assert(
      fc.property(sets, (parts) => {
        const union = unionOf(parts);
        const expected = new Set(parts.flatMap((part) => [...members(part)]));
        expect(members(union)).toEqual(expected);
        expect(sizeOf(union)).toBe(expected.size);
      }),
    );
  });

  it('bounded, hold no less: a partition with many late rows must not lose the offsets of any', () => {
    fc.assert(
      fc.property(sets, fc.integer({ min: 1, max: 3 }), (parts, limit) => {
        const bounded = unionOf(parts, limit);
        const kept = members(bounded);
        for (const member of members(unionOf(parts))) expect(kept.has(member)).toBe(true);
        for (const intervals of Object.values(bounded)) expect(intervals.length).toBeLessThanOrEqual(limit);
      }),
    );
  });

  it('split at the log start into what is lost and what is there', () => {
    fc.assert(
      fc.property(sets, fc.integer({ min: 0, max: 70 }), (parts, start) => {
        const set = unionOf(parts);
        const { below, above } = splitAt(set, { 0: start, 1: start, 7: start });
        expect(members(unionOf([below, above]))).toEqual(members(set));
        expect(sizeOf(below) + sizeOf(above)).toBe(sizeOf(set));
        expect(rangesOf(below).every(({ to }) => to <= start)).toBe(true);
        expect(rangesOf(above).every(({ from }) => from >= start)).toBe(true);
      }),
    );
    expect(splitAt({ 3: [[0, 5]] }, {})).toEqual({ below: { 3: [[0, 5]] }, above: {} });
  });

  it('join over the smallest gap first, so that little is read for nothing', () => {
    const three: OffsetSet = {
      0: [
        [0, 10],
        [500, 510],
        [515, 520],
      ],
    };
    expect(unionOf([three], 2)).toEqual({
      0: [
        [0, 10],
        [500, 520],
      ],
    });
    expect(offsetsText(unionOf([three, { 2: [[7, 9]] }]))).toBe('0: 0-10, 500-510, 515-520; 2: 7-9');
  });

  it('are what a batch read: partitions that did not move are not in', () => {
    expect(between({ 0: 5, 1: 3 }, { 0: 9, 1: 3, 2: 4 })).toEqual({ 0: [[5, 9]] });
  });
});
