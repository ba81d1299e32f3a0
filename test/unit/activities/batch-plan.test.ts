import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutBatch, waiting } from '../../../activities/batch-plan.js';
import type { PartitionPosition, TopicPositions } from '../../../kafka/types.js';
import type { PlanRequest, Positions } from '../../../workflows/ingest-types.js';

const request = (over: Partial<PlanRequest> = {}): PlanRequest => ({
  kafka: 'main',
  topic: 't',
  topicId: null,
  positions: {},
  lanes: {},
  mainActive: true,
  flushMs: 1000,
  idleMs: 1000,
  maxRecords: 1000,
  splitRecords: 100,
  immediate: false,
  ...over,
});

const seen = (
  partitions: [logStart: number, end: number][],
  over: Partial<TopicPositions> = {},
): TopicPositions => ({
  topic: 't',
  asOf: 1,
  partitions: partitions.map(([logStart, end], partition) => ({
    partition,
    logStart,
    lastStable: end,
    highWatermark: end,
  })),
  ...over,
});

describe('a batch', () => {
  it('begins at the log start where nothing was read, so that a topic older than the table is read whole', () => {
    const plan = cutBatch(request(), seen([[40, 60]]));
    expect(plan.from).toEqual({ 0: 40 });
    expect(plan.splits.flatMap((split) => split.ranges)).toEqual([{ partition: 0, from: 40, to: 60 }]);
  });

  it('ends at the last stable offset, or rows of an open transaction would land before it is decided', () => {
    const positions: PartitionPosition[] = [{ partition: 0, logStart: 0, lastStable: 7, highWatermark: 12 }];
    expect(cutBatch(request(), { topic: 't', asOf: 1, partitions: positions }).to).toEqual({ 0: 7 });
  });

  it('covers the taken offsets once, whatever the sizes: a gap loses rows, an overlap doubles them', () => {
    const partition = fc.tuple(fc.nat(50), fc.nat(500), fc.nat(500)).map(([start, at, more]) => ({
      logStart: start,
      position: start + at,
      end: start + at + more,
    }));
    fc.assert(
      fc.property(
        fc.array(partition, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 900 }),
        fc.integer({ min: 1, max: 200 }),
        (partitions, maxRecords, splitRecords) => {
          const positions: Positions = Object.fromEntries(partitions.map((p, i) => [i, p.position]));
          const plan = cutBatch(
            request({ positions, maxRecords, splitRecords }),
            seen(partitions.map((p) => [p.logStart, p.end])),
          );
          const read = partitions.map(() => new Set<number>());
          for (const { ranges } of plan.splits) {
            const size = ranges.reduce((sum, range) => sum + range.to - range.from, 0);
            expect(size).toBeLessThanOrEqual(splitRecords);
            for (const range of ranges) {
              for (let offset = range.from; offset < range.to; offset++) {
                expect(read[range.partition]!.has(offset)).toBe(false);
                read[range.partition]!.add(offset);
              }
            }
          }
          partitions.forEach((p, i) => {
            expect(read[i]!.size).toBe(plan.to[i]! - p.position);
            for (const offset of read[i]!) expect(offset >= p.position && offset < plan.to[i]!).toBe(true);
          });
          const total = partitions.reduce((sum, p) => sum + p.end - p.position, 0);
          const taken = read.reduce((sum, set) => sum + set.size, 0);
          if (total > 0) expect(taken).toBeGreaterThan(0);
          expect(plan.lagRecords).toBe(total - taken);
        },
      ),
    );
  });

  it('says what retention deleted instead of skipping it', () => {
    const lost = (): unknown => cutBatch(request({ positions: { 0: 5 } }), seen([[9, 20]]));
    expect(lost).toThrow(/offsets \[5, 9\) were deleted by retention/);
    expect(lost).toThrow(expect.objectContaining({ code: 'OffsetsLost', retryable: false }));
  });

  it('notices a topic that was truncated or made anew, by its end and by its id', () => {
    expect(() => cutBatch(request({ positions: { 0: 50 } }), seen([[0, 20]]))).toThrow(/beyond the end 20/);
    expect(() =>
      cutBatch(request({ positions: { 0: 5 }, topicId: 'a' }), seen([[0, 20]], { topicId: 'b' })),
    ).toThrow(expect.objectContaining({ code: 'TopicRecreated' }));
  });

  it('reads a new Kafka partition from its start', () => {
    const plan = cutBatch(
      request({ positions: { 0: 10 } }),
      seen([
        [0, 10],
        [0, 3],
      ]),
    );
    expect(plan.splits.flatMap((split) => split.ranges)).toEqual([{ partition: 1, from: 0, to: 3 }]);
  });
});

describe('a lane', () => {
  it('reads for its own table up to where it joined, and no further', () => {
    const plan = cutBatch(
      request({
        positions: { 0: 80 },
        lanes: { late: { id: 'x', seq: 0, positions: {}, until: { 0: 80 } } },
      }),
      seen([[10, 100]]),
    );
    const lane = plan.splits.filter((split) => split.lane === 'late').flatMap((split) => split.ranges);
    expect(lane).toEqual([{ partition: 0, from: 10, to: 80 }]);
    expect(plan.lanes['late']!.to).toEqual({ 0: 80 });
    expect(plan.to).toEqual({ 0: 100 });
  });

  it('that lost its data stops its own table only', () => {
    const plan = cutBatch(
      request({
        positions: { 0: 80 },
        lanes: {
          bad: { id: 'x', seq: 0, positions: { 0: 2 }, until: { 0: 80 } },
          good: { id: 'x', seq: 0, positions: { 0: 20 }, until: { 0: 80 } },
        },
      }),
      seen([[10, 100]]),
    );
    expect(plan.laneFaults['bad']).toMatchObject({ code: 'OffsetsLost' });
    expect(plan.lanes['good']!.to).toEqual({ 0: 80 });
    expect(plan.to).toEqual({ 0: 100 });
  });

  it('goes on while the other tables are paused', () => {
    const paused = request({
      positions: { 0: 80 },
      mainActive: false,
      lanes: { late: { id: 'x', seq: 0, positions: { 0: 20 }, until: { 0: 80 } } },
    });
    const plan = cutBatch(paused, seen([[10, 100]]));
    expect(plan.to).toEqual({ 0: 80 });
    expect(plan.lanes['late']!.to).toEqual({ 0: 80 });
    expect(waiting(paused, seen([[10, 100]]))).toBe(0);
  });
});
