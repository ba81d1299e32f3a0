import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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
  type Event,
} from './documents.js';
import { TestEngine, utc } from './engine.js';

describe('folding partial updates', () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await TestEngine.open();
  });
  afterAll(() => engine.close());

  const file = (list: Event[], from: number) => engine.file(documentColumns, landedEvents(list, from));

  // A user would see fields that were removed, updates applied twice, or documents that lost an update.
  it('gives the documents as of every boundary; patches before their document wait for it', async () => {
    await fc.assert(
      fc.asyncProperty(
        eventHistory,
        fc.infiniteStream(fc.nat(1000)),
        fc.array(fc.record({ boundary: fc.nat(32), commits: fc.integer({ min: 1, max: 4 }) }), {
          minLength: 1,
          maxLength: 3,
        }),
        fc.constantFrom<number[]>([1], [2, 1], [1, 2]),
        async (history, random, cuts, buckets) => {
          const commits = eventCommits(history, random);
          const files: SourceFile[] = [];
          for (const [i, commit] of commits.entries()) files.push(await file(commit, i * 100));
          const boundaries = cuts.map((cut) => cut.boundary * 1000).sort((x, y) => x - y);
          const counts = cuts.map((cut) => cut.commits).sort((x, y) => x - y);
          let previous: PreviousSnapshot | undefined;
          for (const [i, boundary] of boundaries.entries()) {
            const commitsNow = counts[i]!;
            // A document that comes late under patches that were never shown is fine; one that was shown cannot be late.
            previous = await engine.snapshot({
              table: documentTable,
              boundary: utc('ms', boundary),
              buckets: buckets[i % buckets.length]!,
              changes: files.slice(0, commitsNow),
              foldPatches: foldAll,
              ...(previous && { previous }),
            });
            const expected = playEvents(
              commits
                .slice(0, commitsNow)
                .flat()
                .filter((event) => event.ts < boundary),
            );
            expect(await engine.rows(previous, 'doc_id, doc, n', 'doc_id')).toEqual(expected.rows);
            expect(previous.manifest.counts.pendingPatches).toBe(expected.pending);
          }
        },
      ),
      { numRuns: Number(process.env['SNAPSHOT_RUNS'] ?? 12) },
    );
  }, 120_000);

  // An update that never came before but is older than the stored document must not vanish without a trace.
  it('counts patches that are older than the stored document', async () => {
    const full: Event = { id: 'a', kind: 'full', ts: 5000, value: { n: 1 } };
    const late: Event = { id: 'a', kind: 'patch', ts: 4000, value: { n: 2 } };
    const first = await engine.snapshot({
      table: documentTable,
      boundary: utc('ms', 6000),
      buckets: 1,
      changes: [await file([full], 0)],
      foldPatches: foldAll,
    });
    const second = await engine.snapshot({
      table: documentTable,
      boundary: utc('ms', 7000),
      buckets: 1,
      changes: [await file([late], 1)],
      foldPatches: foldAll,
      previous: first,
    });
    expect(second.manifest.counts).toMatchObject({ latePatches: 1, pendingPatches: 0, rows: 1 });
    expect(await engine.rows(second, 'doc', '1')).toEqual([{ doc: '{"n":1}' }]);
  });

  // A failing update names its document, so that a person can read it again from the source.
  it('names the document whose patch cannot be applied', async () => {
    const changes = [
      await file(
        [
          { id: 'bad', kind: 'full', ts: 1000, value: {} },
          { id: 'bad', kind: 'patch', ts: 2000, value: { n: 1 } },
        ],
        0,
      ),
    ];
    const foldPatches = (): string => {
      throw new Error('array index beyond the end');
    };
    await expect(
      engine.snapshot({ table: documentTable, boundary: utc('ms', 9000), buckets: 1, changes, foldPatches }),
    ).rejects.toMatchObject({ code: 'PatchFailed', attributes: { doc_id: 'bad' } });
  });
});
