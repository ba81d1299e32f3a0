import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NoneCatalog } from '../../../warehouse/catalog-none.js';
import { commitBatch, recover } from '../../../warehouse/commit.js';
import { nextSequence } from '../../../warehouse/commit-pending.js';
import { versionDirectory, versionOf } from '../../../warehouse/layout.js';
import type { CommitRequest } from '../../../warehouse/commit-plan.js';
import type { Warehouse } from '../../../warehouse/fence.js';
import { ManifestStore } from '../../../warehouse/manifest-store.js';
import { completePartition } from '../../../warehouse/partition-lifecycle.js';
import { claimDirectory, switchPartition } from '../../../warehouse/partition-switch.js';
import { catalogTable, dataFiles, stageBatch, STREAM, type FileWish } from './commit-world.js';
import { MemoryStorage } from './memory-storage.js';

const TABLES = ['stat_click', 'stat_view'];
const HOURS = ['00', '01'];
/** What happens after a batch. */
const ENDS = ['nothing', 'complete', 'compact', 'recover', 'replay'] as const;

/** One attempt: dies at its n-th call, before or after the call takes effect, or not at all. */
interface Attempt {
  diesAt: number | null;
  effect: boolean;
  /**
   * Not waited for: it goes on beside its successors, as an attempt does that Temporal has given up. Before the `nth` of its calls
   * of one kind takes effect it sleeps for so many steps of the others.
   */
  zombie: { on: string; nth: number; steps: number } | null;
}

const dying = fc.record<Attempt>({
  diesAt: fc.nat(45),
  effect: fc.boolean(),
  zombie: fc.constant(null),
});
const sleeping = fc.record<Attempt>({
  diesAt: fc.constant(null),
  effect: fc.constant(false),
  zombie: fc.record({
    on: fc.constantFrom(
      'create',
      'write',
      'rename',
      'addPartitions',
      'setPartitionParameters',
      'movePartition',
    ),
    nth: fc.nat(4),
    steps: fc.nat(500),
  }),
});
const attempt = fc.oneof(dying, sleeping);
const file = fc.record<FileWish>({
  table: fc.constantFrom(...TABLES),
  hh: fc.constantFrom(...HOURS),
  rows: fc.integer({ min: 1, max: 99 }),
});
const batch = fc.record({
  files: fc.array(file, { maxLength: 4 }),
  attempts: fc.array(attempt, { maxLength: 3 }),
  then: fc.constantFrom(...ENDS),
});
type Batch = typeof batch extends fc.Arbitrary<infer T> ? T : never;

class Killed extends Error {}

/** Waits until it is this call's turn. */
type Step = (call: string) => Promise<unknown>;

/** The stores as one attempt sees them: every call is a step, and one of them may be its last. */
function throughFaults(warehouse: Warehouse, step: Step, attempt: Attempt): Warehouse {
  const { diesAt, effect, zombie } = attempt;
  let calls = 0;
  let ofKind = 0;
  const wrap = <T extends object>(store: T): T =>
    new Proxy(store, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function' || name === 'uri' || name === 'pathOf') return member;
        return async (...args: unknown[]): Promise<unknown> => {
          const call = calls++;
          if (diesAt !== null && call > diesAt) throw new Killed();
          const sleeps = name === zombie?.on && ofKind++ === zombie.nth;
          const steps = sleeps ? zombie.steps : 1;
          for (let i = 0; i < steps; i++) await step(String(name));
          if (call === diesAt && !effect) throw new Killed();
          const answer: unknown = await (member as (...all: unknown[]) => unknown).apply(target, args);
          if (call === diesAt) throw new Killed();
          await step(`${String(name)} answered`);
          return answer;
        };
      },
    });
  return { storage: wrap(warehouse.storage), catalog: wrap(warehouse.catalog) };
}

const ALIVE: Attempt = { diesAt: null, effect: false, zombie: null };

/** Tries until one attempt succeeds, as Temporal would; zombies are left running. */
async function persist(
  attempts: Attempt[],
  zombies: Promise<unknown>[],
  work: (attempt: Attempt) => Promise<unknown>,
): Promise<void> {
  for (const each of [...attempts, ALIVE]) {
    const run = work(each);
    if (each.zombie !== null) {
      zombies.push(run.catch(expectKilled));
      continue;
    }
    try {
      await run;
      return;
    } catch (error) {
      expectKilled(error);
    }
  }
}

function expectKilled(error: unknown): void {
  if (!(error instanceof Killed)) throw error;
}

async function compact(warehouse: Warehouse, claim: string): Promise<void> {
  const [table, partition] = ['stat_click', { dt: '2026-01-01', hh: '00' }] as const;
  const state = await new ManifestStore(warehouse.storage).readPartition(table, partition);
  if (state === undefined || state.directory.endsWith(claim)) return;
  // The last file stands for one that came in after the plan.
  const inputs = (await dataFiles(warehouse.storage, state.directory)).slice(0, -1);
  const newDirectory = await claimDirectory(warehouse, { table, partition, attempt: claim, graceMs: 1e9 });
  const contents = await Promise.all(
    inputs.map(async (path) => (await warehouse.storage.read(path))!.toString()),
  );
  await warehouse.storage.write(`${newDirectory}/c-${claim}.parquet`, contents.join('\n'));
  await switchPartition(warehouse, {
    ...{ table, partition, expectedDirectory: state.directory, newDirectory, inputs, mode: 'compact' },
    ...{ newFiles: [`c-${claim}.parquet`], streams: [STREAM], graceMs: 1e9 },
  });
}

const REPLAYS = { ...STREAM, member: 'quarantine.stat_click' };

/** A commit that takes the first line of stat_click's first hour and lands it in stat_view; undefined if there is none. */
async function planReplay(
  warehouse: Warehouse,
): Promise<{ request: CommitRequest; moved: number } | undefined> {
  const [table, partition] = ['stat_click', { dt: '2026-01-01', hh: '00' }] as const;
  const state = await new ManifestStore(warehouse.storage).readPartition(table, partition);
  if (state === undefined) return undefined;
  // The last file stands for one that came in after the plan.
  const inputs = (await dataFiles(warehouse.storage, state.directory)).slice(0, -1);
  const lines: string[] = [];
  for (const path of inputs) {
    const text = (await warehouse.storage.read(path))!.toString();
    lines.push(...text.split('\n').filter((line) => line !== ''));
  }
  const [first, ...kept] = lines;
  if (first === undefined) return undefined;
  const moved = Number(/rows (\d+)/.exec(first)![1]);
  const seq = await nextSequence(warehouse, REPLAYS);
  const staged = async (name: string, text: string): Promise<{ stagedPath: string; bytes: number }> => {
    await warehouse.storage.write(`_staging/replay/${seq}/${name}`, text);
    return { stagedPath: `_staging/replay/${seq}/${name}`, bytes: text.length };
  };
  const landed = await staged('landed', first);
  const request: CommitRequest = {
    ...{ ...REPLAYS, seq, batch: `replay-${seq}`, fromPositions: {}, positions: {} },
    manifests: [
      {
        ...{ version: 1, batch: `replay-${seq}`, ranges: [], records: 1, quarantined: 0, unmatched: 0 },
        ...{ withoutRows: 0, bytesRead: 0, quarantineReasons: {}, watermarks: {}, schemaEvents: [] },
        newColumns: {},
        files: [
          {
            ...{ ...landed, table: 'stat_view', partition, finalName: `replay-${seq}.parquet`, rows: moved },
            ...{ minEventMs: null, maxEventMs: null, minCdcTs: null, maxCdcTs: null },
          },
        ],
      },
    ],
    removals: [
      {
        ...{ table, partition, inputs, rows: moved, expectedDirectory: state.directory },
        newDirectory: versionDirectory(table, partition, versionOf(state.directory) + 1, `q${seq}`),
        files:
          kept.length === 0
            ? []
            : [{ ...(await staged('kept', kept.join('\n'))), finalName: `kept-${seq}.parquet` }],
      },
    ],
  };
  return { request, moved };
}

/** Batches that go through `step` into stores of their own, and what must be in those at the end. */
class World {
  readonly real: Warehouse;
  readonly zombies: Promise<unknown>[] = [];
  private readonly rows = new Map<string, number>();

  private constructor(
    private readonly batches: Batch[],
    private readonly step: Step,
    storage: MemoryStorage,
  ) {
    this.real = { storage, catalog: new NoneCatalog(storage) };
  }

  static async create(batches: Batch[], step: Step): Promise<World> {
    const storage = new MemoryStorage();
    const world = new World(batches, step, storage);
    for (const table of TABLES) await world.real.catalog.ensureTable(catalogTable(storage, table));
    return world;
  }

  async drive(): Promise<void> {
    const { batches, real, rows, step, zombies } = this;
    for (const [i, { files, attempts, then }] of batches.entries()) {
      const seq = i + 1;
      const from = { 0: i * 10 };
      const request: CommitRequest = await stageBatch(real, {
        seq,
        from,
        to: { 0: seq * 10 },
        files,
      });
      for (const { table, hh, rows: count } of files) {
        rows.set(`${table ?? 'stat_click'}/${hh}`, (rows.get(`${table ?? 'stat_click'}/${hh}`) ?? 0) + count);
      }
      await persist(attempts, zombies, async (each) => {
        const summary = await commitBatch(throughFaults(real, step, each), request);
        expect(summary.positions).toEqual({ 0: seq * 10 });
      });
      const after = attempts.filter((each) => each.zombie === null);
      if (then === 'complete') {
        const completion = {
          partition: { dt: '2026-01-01', hh: '00' },
          positions: {},
          completedAt: 'now',
        };
        await persist(after, zombies, (each) =>
          completePartition(throughFaults(real, step, each), {
            ...{ ...completion, table: 'stat_click', createMissing: true },
          }),
        );
      }
      if (then === 'compact') {
        let n = 0;
        await persist(after, zombies, (each) => compact(throughFaults(real, step, each), `${seq}.${n++}`));
      }
      // A record that leaves the quarantine must be in one place, wherever an attempt dies and whoever comes late.
      const replay = then === 'replay' ? await planReplay(real) : undefined;
      if (replay) {
        const { request: again, moved } = replay;
        rows.set('stat_click/00', rows.get('stat_click/00')! - moved);
        rows.set('stat_view/00', (rows.get('stat_view/00') ?? 0) + moved);
        await persist(attempts, zombies, async (each) => {
          const summary = await commitBatch(throughFaults(real, step, each), again);
          expect(summary.outcome).not.toBe('superseded');
        });
        // The same request under another name finds the record taken and changes nothing.
        const other = { ...again, batch: 'another replay', removals: [], manifests: [] };
        expect((await commitBatch(real, other)).outcome).toBe('superseded');
      }
      if (then === 'recover') {
        await persist(after, zombies, async (each) => {
          const found = await recover(throughFaults(real, step, each), STREAM);
          expect(found).toMatchObject({ seq, positions: { 0: seq * 10 } });
        });
      }
    }
  }

  /** Every staged file is in one place, and everything that tells of it says the same. */
  async check(): Promise<void> {
    const { batches, real, rows } = this;
    expect(await recover(real, STREAM)).toMatchObject({
      seq: batches.length,
      positions: { 0: batches.length * 10 },
    });
    await checkWorld(real, batches, rows);
  }
}

describe('commits under faults', () => {
  it('put every staged file in exactly one place and count it once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(batch, { minLength: 1, maxLength: 3 }),
        async (scheduler, batches) => {
          const world = await World.create(batches, (call) => scheduler.schedule(Promise.resolve(), call));
          await scheduler.waitFor(world.drive());
          await scheduler.waitFor(Promise.all(world.zombies));
          await world.check();
        },
      ),
      { numRuns: Number(process.env['RUNS'] ?? 150) },
    );
  }, 60_000);

  it.each(ENDS)(
    'may die at any call of a commit or of what follows: %s',
    async (then) => {
      const files = [1, 2].map((rows): FileWish => ({ table: 'stat_click', hh: '00', rows }));
      const base: Batch = { files, attempts: [], then: 'complete' };
      for (const effect of [false, true]) {
        for (const files of [[], [{ table: 'stat_click', hh: '00', rows: 4 }]]) {
          // All calls of the world are two steps each; one attempt makes fewer.
          let steps = Infinity;
          for (let diesAt = 0; diesAt < steps / 2; diesAt++) {
            steps = 0;
            const dying: Attempt = { diesAt, effect, zombie: null };
            const world = await World.create([base, { files, attempts: [dying], then }], () => {
              steps += 1;
              return Promise.resolve();
            });
            await world.drive();
            await world.check();
          }
        }
      }
    },
    60_000,
  );
});

async function checkWorld(
  real: Warehouse,
  batches: { files: FileWish[] }[],
  rows: Map<string, number>,
): Promise<void> {
  const manifests = new ManifestStore(real.storage);
  const expected = batches.flatMap(({ files }, i) =>
    files.map((wish, j) => `batch-${i + 1} file ${j} rows ${wish.rows}`),
  );
  const found: string[] = [];
  for (const table of TABLES) {
    const states = await manifests.listPartitions(table);
    for (const state of states) {
      const uri = await real.catalog.partitionLocation(table, state.partition);
      expect(uri).toBe(real.storage.uri(state.directory));
      expect(state.rows).toBe(rows.get(`${table}/${state.partition['hh'] ?? ''}`) ?? 0);
      const files = await dataFiles(real.storage, state.directory);
      expect(state.files).toBe(files.length);
      let bytes = 0;
      for (const path of files) {
        const content = (await real.storage.read(path))!;
        bytes += content.length;
        found.push(
          ...content
            .toString()
            .split('\n')
            .map((line) => line.replace(/ \.*$/, '')),
        );
      }
      expect(state.bytes).toBe(bytes);
      if (!state.complete) continue;
      const success = (await real.storage.read(`${state.directory}/_SUCCESS`))!.toString();
      expect(JSON.parse(success)).toMatchObject({ rows: state.rows, revision: state.revision });
      expect(await real.catalog.partitionParameters(table, state.partition)).toMatchObject({
        'tributary.rows': String(state.rows),
        'tributary.revision': String(state.revision),
      });
    }
    const located = await real.catalog.listPartitions(table);
    expect(located).toHaveLength(states.length);
  }
  expect(found.filter((line) => line !== '').sort()).toEqual(expected.sort());
}
