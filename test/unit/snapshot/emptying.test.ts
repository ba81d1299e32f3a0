import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Emptying } from '../../../warehouse/snapshot/emptying.js';
import type { PreviousSnapshot } from '../../../warehouse/snapshot/manifest.js';
import type { SourceFile } from '../../../warehouse/snapshot/types.js';
import {
  documentColumns,
  documentTable,
  eventCommits,
  eventHistory,
  foldAll,
  landedEvents,
  playEvents,
} from './documents.js';
import { TestEngine, utc } from './engine.js';
import {
  deliveries,
  landedChanges,
  replay,
  shopColumns,
  shopTable,
  sourceHistory,
  STEP_MS,
  type Delivery,
  type Row,
} from './history.js';

const RUNS = { numRuns: Number(process.env['SNAPSHOT_RUNS'] ?? 12) };
/** Between two steps, or at the very time of one, which is then the first after it. */
const emptyings = fc.array(
  fc.integer({ min: 1, max: 80 }).map((half) => (half * STEP_MS) / 2),
  { maxLength: 3 },
);
const emptying = (ms: number): Emptying => ({ ts: `${ms}`, instantMs: ms, atMs: ms });

describe('a table that is truncated or dropped at its source', () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await TestEngine.open();
  });
  afterAll(() => engine.close());

  // No log tells of the rows that a TRUNCATE removes: without this, the mirror shows them for ever.
  it('begins empty then, whatever the order, repetition and lateness of the log', async () => {
    await fc.assert(
      fc.asyncProperty(
        sourceHistory.chain(deliveries),
        emptyings,
        fc.constantFrom<number[]>([1], [4], [1, 4, 2]),
        async ({ commits, snapshots }: Delivery, instants, buckets) => {
          const files: SourceFile[] = [];
          for (const [i, commit] of commits.entries())
            files.push(await engine.file(shopColumns, landedChanges(commit, i * 100)));
          let previous: PreviousSnapshot | undefined;
          for (const [i, snapshot] of snapshots.entries()) {
            const before = instants.filter((ms) => ms < snapshot.boundary);
            previous = await engine.snapshot({
              table: shopTable,
              boundary: utc('ms', snapshot.boundary),
              buckets: buckets[i % buckets.length]!,
              changes: files.slice(0, snapshot.commits),
              emptyings: before.map(emptying),
              ...(previous && { previous }),
            });
            const since = Math.max(0, ...before);
            const landed = commits.slice(0, snapshot.commits).flat();
            const expected = replay(landed.filter(({ ts }) => ts >= since && ts < snapshot.boundary));
            const rows = await engine.rows<Row & { n: string | null }>(previous, 'a, b, v, n', 'a, b');
            expect(rows.map((row) => ({ ...row, n: row.n === null ? null : Number(row.n) }))).toEqual(
              expected,
            );
          }
        },
      ),
      RUNS,
    );
  }, 120_000);

  // A dropped collection takes its documents along, and the partial updates that still wait for one.
  it('takes documents and waiting patches along', async () => {
    await fc.assert(
      fc.asyncProperty(
        eventHistory,
        fc.infiniteStream(fc.nat(1000)),
        emptyings,
        fc.array(fc.integer({ min: 0, max: 32 }), { minLength: 1, maxLength: 3 }),
        async (history, random, instants, cuts) => {
          const commits = eventCommits(history, random);
          const files: SourceFile[] = [];
          for (const [i, commit] of commits.entries())
            files.push(await engine.file(documentColumns, landedEvents(commit, i * 100)));
          let previous: PreviousSnapshot | undefined;
          for (const boundary of cuts.map((cut) => cut * 1000).sort((x, y) => x - y)) {
            const before = instants.filter((ms) => ms < boundary);
            previous = await engine.snapshot({
              table: documentTable,
              boundary: utc('ms', boundary),
              buckets: 2,
              changes: files,
              foldPatches: foldAll,
              emptyings: before.map(emptying),
              ...(previous && { previous }),
            });
            const since = Math.max(0, ...before);
            const expected = playEvents(commits.flat().filter(({ ts }) => ts >= since && ts < boundary));
            expect(await engine.rows(previous, 'doc_id, doc, n', 'doc_id')).toEqual(expected.rows);
          }
        },
      ),
      RUNS,
    );
  }, 120_000);

  // Of sixty-four shards in one table, one is emptied and the others are not.
  it('takes one shard only, where a column tells whose the rows are', async () => {
    const row = (a: number, v: string, ts: number) => ({
      op: 'i' as const,
      ts,
      seq: 0,
      a,
      b: '',
      v,
      n: 1,
      before: null,
    });
    const first = [row(1, 'orders_1', 1000), row(2, 'orders_2', 1000), row(3, "o'k", 1000)];
    const changes = [await engine.file(shopColumns, landedChanges(first, 0))];
    const base = await engine.snapshot({ table: shopTable, boundary: utc('ms', 2000), buckets: 1, changes });
    const more = [row(4, 'orders_1', 2500), row(5, 'orders_2', 2500), row(6, 'orders_1', 3500)];
    const next = await engine.snapshot({
      table: shopTable,
      boundary: utc('ms', 4000),
      buckets: 2,
      previous: base,
      changes: [await engine.file(shopColumns, landedChanges(more, 10))],
      emptyings: [
        { ...emptying(3000), only: { column: 'v', value: 'orders_1' } },
        { ...emptying(3100), only: { column: 'v', value: "o'k" } },
      ],
    });
    expect(await engine.rows(next, 'a', 'a')).toEqual([{ a: 2 }, { a: 5 }, { a: 6 }]);
    expect(next.manifest.counts).toMatchObject({ previous: 3, deleted: 2, inserted: 2, rows: 3 });
  });
});
