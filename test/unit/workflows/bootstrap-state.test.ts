import { describe, expect, it } from 'vitest';
import type { BootstrapSpec } from '../../../config/spec.js';
import * as reduce from '../../../workflows/bootstrap-state.js';

const spec = (over: Partial<BootstrapSpec> = {}): BootstrapSpec => ({
  kind: 'tidb',
  table: 'shop.orders',
  urlRef: 'x',
  chunkRows: 50_000,
  maxChunksInFlight: 4,
  ...over,
});

describe('what a bootstrap may do to its source', () => {
  it('keeps all readers together below the ceiling: each has its share, and fewer chunks have larger ones', () => {
    const limited = spec({ rowsPerSecond: 1_000 });
    for (const waiting of [1, 3, 4, 200]) {
      const inFlight = reduce.readers(limited, waiting);
      expect(inFlight * reduce.rateOf(limited, inFlight)!).toBeCloseTo(1_000);
    }
    expect(reduce.readers(limited, 200)).toBe(4);
    expect(reduce.rateOf(spec(), 4)).toBeNull();
  });

  it('makes chunks small where the ceiling is low: a chunk that outlasts its attempt would never be done', () => {
    expect(reduce.chunkRowsOf(spec())).toBe(50_000);
    expect(reduce.chunkRowsOf(spec({ rowsPerSecond: 1_000_000 }))).toBe(50_000);
    expect(reduce.chunkRowsOf(spec({ rowsPerSecond: 400 }))).toBe(6_000);
    expect(reduce.chunkRowsOf(spec({ rowsPerSecond: 0.01 }))).toBe(1);
  });

  it('reads anew at once when the instant is lost, and then ever later: production must not be read in a circle', () => {
    const delays = [1, 2, 3, 4, 50].map(reduce.restartDelay);
    expect(delays).toEqual([0, 60_000, 120_000, 240_000, 1_800_000]);
    expect([0, 1, 30].map(reduce.retryDelay)).toEqual([3_000, 6_000, 60_000]);
  });
});

describe('how a bootstrap stands', () => {
  const begun = { generation: 1, directory: 'd', base: null, warning: null };

  it('counts what earlier workers have read, so that the numbers do not begin again with each of them', () => {
    let progress = reduce.started(reduce.newBootstrapProgress(), begun);
    progress = reduce.planned(progress, { chunks: 10, last: false, todo: [8, 9], doneRows: 800 });
    expect(progress).toMatchObject({
      phase: 'reading',
      chunksDone: 8,
      chunksPlanned: 10,
      planned: false,
      rows: 800,
    });
    progress = reduce.chunkRead(progress, 100, { rows: 100, sinceMs: 0 }, 2_000);
    expect(progress).toMatchObject({ chunksDone: 9, rows: 900, rowsPerSecond: 50 });
    progress = reduce.planned(progress, { chunks: 5, last: true, todo: [10, 11, 12, 13, 14], doneRows: 0 });
    expect(reduce.progressText(progress)).toBe('9 of 15 chunks, 900 rows, 50 rows/s');
  });

  it('says that it begins again and why, until there is something to show for it', () => {
    const fault = { code: 'SourceSnapshotLost', message: 'collected', sinceMs: 1 };
    const lost = { ...reduce.started(reduce.newBootstrapProgress(), begun), rows: 900, chunksDone: 9, fault };
    const again = reduce.started(lost, { ...begun, generation: 2 });
    expect(again).toMatchObject({ generation: 2, rows: 0, chunksDone: 0, fault });
    const first = reduce.planned(again, { chunks: 1, last: true, todo: [0], doneRows: 0 });
    expect(reduce.progressText(first)).toContain('beginning 2');
    expect(reduce.chunkRead(first, 1, { rows: 1, sinceMs: 0 }, 1).fault).toBeNull();
  });
});
