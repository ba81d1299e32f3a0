import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PreviousSnapshot } from '../../../warehouse/snapshot/manifest.js';
import type { SourceFile } from '../../../warehouse/snapshot/types.js';
import { TestEngine, utc } from './engine.js';
import {
  deliveries,
  landedChanges,
  replay,
  shopColumns,
  shopTable,
  sourceHistory,
  type Delivery,
  type Row,
} from './history.js';

describe('the duckdb engine against a table that is played by hand', () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await TestEngine.open();
  });
  afterAll(() => engine.close());

  async function check({ commits, snapshots }: Delivery, buckets: number[]): Promise<void> {
    const files: SourceFile[] = [];
    for (const [i, commit] of commits.entries())
      files.push(await engine.file(shopColumns, landedChanges(commit, i * 100)));
    let previous: PreviousSnapshot | undefined;
    let seen = { boundary: 0, commits: 0 };
    for (const [i, snapshot] of snapshots.entries()) {
      // What is new, what the last boundary held back, and now and then commits that were merged before.
      const inputs = files.filter(
        (_, commit) =>
          commit < snapshot.commits &&
          (commit >= seen.commits ||
            commits[commit]!.some((change) => change.ts >= seen.boundary) ||
            ((snapshot.extra >> commit) & 1) === 1),
      );
      previous = await engine.snapshot({
        table: shopTable,
        boundary: utc('ms', snapshot.boundary),
        buckets: buckets[i % buckets.length]!,
        changes: inputs,
        ...(previous && { previous }),
      });
      const expected = replay(
        commits
          .slice(0, snapshot.commits)
          .flat()
          .filter((change) => change.ts < snapshot.boundary),
      );
      const rows = await engine.rows<Row & { n: string | null }>(previous, 'a, b, v, n', 'a, b');
      expect(rows.map((row) => ({ ...row, n: row.n === null ? null : Number(row.n) }))).toEqual(expected);
      expect(previous.manifest.counts.rows).toBe(expected.length);
      seen = snapshot;
    }
  }

  // A user would see rows that were deleted, old values, or rows missing.
  it('shows the table as of every boundary, whatever the order, repetition and lateness of the log', async () => {
    await fc.assert(
      fc.asyncProperty(
        sourceHistory.chain(deliveries),
        fc.constantFrom<number[]>([1], [2], [1, 4, 2], [4, 1, 1]),
        check,
      ),
      { numRuns: Number(process.env['SNAPSHOT_RUNS'] ?? 15) },
    );
  }, 120_000);
});
