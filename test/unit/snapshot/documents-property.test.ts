import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PreviousSnapshot } from '../../../warehouse/snapshot/manifest.js';
import type { SnapshotTable, SourceFile } from '../../../warehouse/snapshot/types.js';
import { CHANGE_TAIL, TestEngine, utc, type TestColumn } from './engine.js';

type Doc = Record<string, unknown>;
interface Event {
  id: string;
  kind: 'full' | 'delete' | 'patch';
  ts: number;
  value: Doc;
}

const table: SnapshotTable = {
  name: 'items',
  kind: 'document',
  key: ['doc_id'],
  columns: [
    { name: 'doc_id', type: 'string' },
    { name: 'doc', type: 'string' },
    {
      name: 'n',
      type: 'bigint',
      fromDocument: (doc) => `try_cast(json_extract_string(${doc}, '$.n') AS BIGINT)`,
    },
  ],
};
const columns: TestColumn[] = [
  ['doc_id', 'VARCHAR'],
  ['doc', 'VARCHAR'],
  ['n', 'BIGINT'],
  ['cdc_patch', 'VARCHAR'],
  ...CHANGE_TAIL,
];

/** Sets members; null removes one. Not idempotent in member order, so that a patch applied twice or out of order shows. */
function fold(doc: string, patch: string): string {
  const result = JSON.parse(doc) as Doc;
  const log = (result['log'] ?? []) as unknown[];
  for (const [name, value] of Object.entries(JSON.parse(patch) as Doc)) {
    if (value === null) delete result[name];
    else result[name] = value;
  }
  return JSON.stringify({ ...result, log: [...log, JSON.parse(patch)] });
}

const foldAll = (doc: string, patches: readonly string[]): string => patches.reduce(fold, doc);

const events: fc.Arbitrary<Event[]> = fc
  .array(
    fc.record({
      id: fc.constantFrom('a', 'b', 'ü', 'late'),
      kind: fc.constantFrom<Event['kind']>('full', 'patch', 'patch', 'patch', 'delete'),
      value: fc.dictionary(
        fc.constantFrom('n', 'm'),
        fc.option(fc.integer({ min: 0, max: 9 }), { freq: 4, nil: null }),
      ),
    }),
    { maxLength: 30 },
  )
  .map((list) => list.map((event, i) => ({ ...event, ts: (i + 1) * 1000 })));

/** Plays what was delivered in source order. Patches of a document that is not there wait. */
function play(delivered: Event[]): {
  rows: { doc_id: string; doc: string; n: string | null }[];
  pending: number;
} {
  const docs = new Map<string, string>();
  const waiting = new Map<string, number>();
  const unique = [...new Map(delivered.map((event) => [event.ts, event])).values()];
  for (const event of unique.sort((a, b) => a.ts - b.ts)) {
    const old = docs.get(event.id);
    if (event.kind === 'patch') {
      if (old === undefined) waiting.set(event.id, (waiting.get(event.id) ?? 0) + 1);
      else docs.set(event.id, fold(old, JSON.stringify(event.value)));
      continue;
    }
    waiting.delete(event.id);
    if (event.kind === 'full') docs.set(event.id, JSON.stringify(event.value));
    else docs.delete(event.id);
  }
  const rows = [...docs].map(([doc_id, doc]) => {
    const n = (JSON.parse(doc) as Doc)['n'];
    return { doc_id, doc, n: typeof n === 'number' ? String(n) : null };
  });
  return {
    rows: rows.sort((x, y) => (x.doc_id < y.doc_id ? -1 : 1)),
    pending: [...waiting.values()].reduce((sum, count) => sum + count, 0),
  };
}

describe('folding partial updates', () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await TestEngine.open();
  });
  afterAll(() => engine.close());

  const file = (list: Event[], from: number): Promise<SourceFile> =>
    engine.file(
      columns,
      list.map((event, i) => ({
        doc_id: event.id,
        doc: event.kind === 'patch' ? null : JSON.stringify(event.value),
        n: event.kind === 'patch' ? null : (event.value['n'] ?? null),
        cdc_patch: event.kind === 'patch' ? JSON.stringify(event.value) : null,
        kafka_partition: 0,
        kafka_offset: from + i,
        ingest_batch: 'b',
        event_time: new Date(event.ts).toISOString().replace('T', ' ').replace('Z', ''),
        cdc_op: event.kind === 'delete' ? 'd' : event.kind === 'patch' ? 'u' : 'i',
        cdc_ts: event.ts,
        cdc_seq: 0,
        cdc_before: null,
      })),
    );

  // A user would see fields that were removed, updates applied twice, or documents that lost an update.
  it('gives the documents as of every boundary; patches before their document wait for it', async () => {
    await fc.assert(
      fc.asyncProperty(
        events,
        fc.infiniteStream(fc.nat(1000)),
        fc.array(fc.record({ boundary: fc.nat(32), commits: fc.integer({ min: 1, max: 4 }) }), {
          minLength: 1,
          maxLength: 3,
        }),
        fc.constantFrom<number[]>([1], [2, 1], [1, 2]),
        async (history, random, cuts, buckets) => {
          // Commits follow the source's order, with repeats of what came before; only the documents `late` come last of all.
          const commits: Event[][] = [[], [], [], []];
          history.forEach((event, i) => {
            const late = event.id === 'late' && event.kind === 'full';
            const place = late ? 3 : Math.min(3, Math.floor((i * 4) / history.length));
            commits[place]!.splice(random.next().value % (commits[place]!.length + 1), 0, event);
            const again = random.next().value % 8;
            if (again > place && again < 4) commits[again]!.unshift(event);
          });
          const files: SourceFile[] = [];
          for (const [i, commit] of commits.entries()) files.push(await file(commit, i * 100));
          const boundaries = cuts.map((cut) => cut.boundary * 1000).sort((x, y) => x - y);
          const counts = cuts.map((cut) => cut.commits).sort((x, y) => x - y);
          let previous: PreviousSnapshot | undefined;
          for (const [i, boundary] of boundaries.entries()) {
            const commitsNow = counts[i]!;
            // A document that comes late under patches that were never shown is fine; one that was shown cannot be late.
            previous = await engine.snapshot({
              table,
              boundary: utc('ms', boundary),
              buckets: buckets[i % buckets.length]!,
              changes: files.slice(0, commitsNow),
              foldPatches: foldAll,
              ...(previous && { previous }),
            });
            const expected = play(
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
      table,
      boundary: utc('ms', 6000),
      buckets: 1,
      changes: [await file([full], 0)],
      foldPatches: foldAll,
    });
    const second = await engine.snapshot({
      table,
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
      engine.snapshot({ table, boundary: utc('ms', 9000), buckets: 1, changes, foldPatches }),
    ).rejects.toMatchObject({ code: 'PatchFailed', attributes: { doc_id: 'bad' } });
  });
});
