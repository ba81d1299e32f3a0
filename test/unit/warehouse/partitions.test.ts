import { beforeEach, describe, expect, it } from 'vitest';
import { NoneCatalog } from '../../../warehouse/catalog-none.js';
import { commitBatch } from '../../../warehouse/commit.js';
import { planCompaction } from '../../../warehouse/compaction-plan.js';
import type { Warehouse } from '../../../warehouse/fence.js';
import { sweepGarbage } from '../../../warehouse/garbage.js';
import { ManifestStore } from '../../../warehouse/manifest-store.js';
import type { PartitionState } from '../../../warehouse/manifest.js';
import {
  completePartition,
  restoreCatalog,
  retirePartition,
} from '../../../warehouse/partition-lifecycle.js';
import { claimDirectory, switchPartition, type SwitchRequest } from '../../../warehouse/partition-switch.js';
import { catalogTable, dataFiles, stageBatch, STREAM } from './commit-world.js';
import { MemoryStorage } from './memory-storage.js';

const HOUR = { dt: '2026-01-01', hh: '03' };
const OLD = 'stat_click/dt=2026-01-01/hh=03/v0';
const GRACE = 60_000;
const COMPLETION = {
  table: 'stat_click',
  partition: HOUR,
  positions: { 0: 20 },
  completedAt: '2026-01-02T00:00:00Z',
};

let storage: MemoryStorage;
let warehouse: Warehouse;
let manifests: ManifestStore;

beforeEach(async () => {
  storage = new MemoryStorage();
  warehouse = { storage, catalog: new NoneCatalog(storage) };
  manifests = new ManifestStore(storage);
  await warehouse.catalog.ensureTable(catalogTable(storage, 'stat_click'));
  await land(1, 0, 20, [5, 7]);
});

async function land(seq: number, from: number, to: number, rows: number[], hh = '03'): Promise<void> {
  const files = rows.map((count) => ({ hh, rows: count }));
  await commitBatch(warehouse, await stageBatch(warehouse, { seq, from: { 0: from }, to: { 0: to }, files }));
}

async function state(): Promise<PartitionState | undefined> {
  return manifests.readPartition('stat_click', HOUR);
}

async function location(): Promise<string | undefined> {
  const uri = await warehouse.catalog.partitionLocation('stat_click', HOUR);
  return uri === undefined ? undefined : storage.pathOf(uri);
}

async function compaction(attempt = 'a1'): Promise<SwitchRequest> {
  const inputs = await dataFiles(storage, (await state())!.directory);
  const expectedDirectory = (await state())!.directory;
  const newDirectory = await claimDirectory(warehouse, {
    table: 'stat_click',
    partition: HOUR,
    attempt,
    graceMs: GRACE,
  });
  await storage.write(`${newDirectory}/c-1.parquet`, 'all rows in one');
  return {
    ...{ table: 'stat_click', partition: HOUR, expectedDirectory, newDirectory, newFiles: ['c-1.parquet'] },
    ...{ mode: 'compact', inputs, streams: [STREAM], graceMs: GRACE },
  };
}

describe('planCompaction', () => {
  const files = (...sizes: number[]): { path: string; size: number }[] =>
    sizes.map((size, i) => ({ path: `f${String(i).padStart(2, '0')}`, size }));

  it('packs small files in order and leaves large ones', () => {
    const plan = planCompaction(files(10, 90, 30, 30, 40, 20), { targetBytes: 100, minFiles: 3 });
    expect(plan?.groups.map((group) => group.map((file) => file.size))).toEqual([
      [10, 30, 30],
      [40, 20],
    ]);
    expect(plan?.inputs).toEqual(['f00', 'f02', 'f03', 'f04', 'f05']);
  });

  it('does nothing where it is not worth it', () => {
    expect(planCompaction(files(10, 10), { targetBytes: 100, minFiles: 3 })).toBeUndefined();
    expect(planCompaction(files(10), { targetBytes: 100, minFiles: 1 })).toBeUndefined();
    expect(planCompaction([], { targetBytes: 100, minFiles: 1 })).toBeUndefined();
    expect(planCompaction(files(80, 90, 99), { targetBytes: 100, minFiles: 2 })).toBeUndefined();
  });
});

describe('completePartition', () => {
  it('marks state, directory and catalog, once', async () => {
    const done = { revision: 1, rows: 12, directory: OLD };
    expect(await completePartition(warehouse, COMPLETION)).toEqual(done);
    expect(await completePartition(warehouse, { ...COMPLETION, completedAt: 'later' })).toEqual(done);
    expect(await warehouse.catalog.partitionParameters('stat_click', HOUR)).toEqual({
      'tributary.complete': 'true',
      'tributary.revision': '1',
      'tributary.rows': '12',
      'tributary.positions': '{"0":20}',
      'tributary.completed_at': '2026-01-02T00:00:00Z',
    });
    const success = JSON.parse((await storage.read(`${OLD}/_SUCCESS`))!.toString()) as object;
    expect(success).toMatchObject({ revision: 1, rows: 12, files: 2, positions: { 0: 20 } });
  });

  it('gets a new revision with every late commit', async () => {
    await completePartition(warehouse, COMPLETION);
    await land(2, 20, 30, [3]);
    expect(await state()).toMatchObject({ revision: 2, rows: 15, complete: true });
    expect(await warehouse.catalog.partitionParameters('stat_click', HOUR)).toMatchObject({
      'tributary.revision': '2',
      'tributary.rows': '15',
    });
    expect((await storage.read(`${OLD}/_SUCCESS`))!.toString()).toContain('"revision": 2');
  });

  it('makes an empty partition only where it is asked to', async () => {
    const partition = { dt: '2026-01-01', hh: '05' };
    await expect(completePartition(warehouse, { ...COMPLETION, partition })).rejects.toMatchObject({
      code: 'PartitionMissing',
    });
    const made = await completePartition(warehouse, { ...COMPLETION, partition, createMissing: true });
    expect(made).toMatchObject({ revision: 1, rows: 0 });
    expect(await warehouse.catalog.listPartitions('stat_click')).toContainEqual(partition);
  });
});

describe('switchPartition', () => {
  it('puts other rows in the place of the old ones, counts what came in since, and makes a revision', async () => {
    await completePartition(warehouse, COMPLETION);
    const request = {
      ...(await compaction()),
      mode: 'rebuild' as const,
      rows: 11 + 3,
      minEventMs: 1,
      maxEventMs: 2,
    };
    await land(2, 20, 30, [3]);
    const switched = await switchPartition(warehouse, request);
    expect(switched).toMatchObject({ outcome: 'switched', rows: 14, revision: 3, files: 2 });
    expect(await switchPartition(warehouse, request)).toMatchObject({
      outcome: 'already',
      rows: 14,
      revision: 3,
    });
    expect(await location()).toBe(request.newDirectory);
  });

  it('keeps which offsets a partition was read from, through commits and pointer moves', async () => {
    await land(2, 20, 30, [3], '04');
    await land(3, 30, 40, [3]);
    expect((await state())!.offsets).toEqual({
      '': {
        0: [
          [0, 20],
          [30, 40],
        ],
      },
    });
    await switchPartition(warehouse, await compaction());
    expect((await state())!.offsets).toEqual({
      '': {
        0: [
          [0, 20],
          [30, 40],
        ],
      },
    });
    // A replay of the quarantine moves no positions: its records have offsets of the quarantine's partitions.
    const replayed = await stageBatch(warehouse, {
      ...{ seq: 1, from: {}, to: {}, batch: 'replay-1' },
      files: [{ hh: '03', rows: 2 }],
    });
    replayed.manifests[0]!.offsets = { '': { 0: [[200, 201]] } };
    await commitBatch(warehouse, { ...replayed, member: 'stat_click.quarantine' });
    expect((await state())!.offsets?.['']?.[0]).toContainEqual([200, 201]);
    const untold = { seq: 2, from: {}, to: {}, batch: 'replay-2', files: [{ hh: '03', rows: 2 }] };
    await commitBatch(warehouse, {
      ...(await stageBatch(warehouse, untold)),
      member: 'stat_click.quarantine',
    });
    expect((await state())!.offsets).toBeUndefined();
  });

  it('moves a compacted partition, and takes along what came in since', async () => {
    await completePartition(warehouse, COMPLETION);
    const request = await compaction();
    await land(2, 20, 30, [3]);
    await storage.write(`${request.newDirectory}/left-over.parquet`, 'of a dead attempt');
    const switched = await switchPartition(warehouse, request);
    expect(switched).toMatchObject({
      outcome: 'switched',
      directory: request.newDirectory,
      rows: 15,
      revision: 2,
      files: 2,
    });
    expect(await dataFiles(storage, request.newDirectory)).toEqual([
      `${request.newDirectory}/batch-2-0.parquet`,
      `${request.newDirectory}/c-1.parquet`,
    ]);
    expect(await location()).toBe(request.newDirectory);
    expect((await storage.read(`${request.newDirectory}/_SUCCESS`))!.toString()).toContain('"rows": 15');
    expect(await switchPartition(warehouse, request)).toEqual({ ...switched, outcome: 'already' });
    await land(3, 30, 40, [1]);
    expect(await dataFiles(storage, request.newDirectory)).toHaveLength(3);
    expect(await dataFiles(storage, OLD)).toHaveLength(3);
  });

  it('waits for a commit that is half done', async () => {
    const request = await compaction();
    const rename = storage.rename.bind(storage);
    storage.rename = () => Promise.reject(new Error('killed'));
    await expect(land(2, 20, 30, [3])).rejects.toThrow('killed');
    storage.rename = rename;
    await expect(switchPartition(warehouse, request)).rejects.toMatchObject({
      code: 'CommitPending',
      retryable: true,
    });
    expect(await location()).toBe(OLD);
  });

  it('refuses a plan that is out of date, and missing files', async () => {
    const first = await compaction('a1');
    const second = await compaction('a2');
    await switchPartition(warehouse, first);
    await expect(switchPartition(warehouse, second)).rejects.toMatchObject({
      code: 'SwitchConflict',
      retryable: false,
    });
    const third = { ...(await compaction('a3')), newFiles: ['c-1.parquet', 'c-2.parquet'] };
    await expect(switchPartition(warehouse, third)).rejects.toMatchObject({
      message: /c-2.parquet is not there/,
    });
    expect(await location()).toBe(first.newDirectory);
  });

  it('puts the pointer back when it slept while another switch won', async () => {
    const first = await compaction('a1');
    const second = await compaction('a2');
    const move = warehouse.catalog.movePartition.bind(warehouse.catalog);
    let slept = false;
    const sleepy: Warehouse = {
      storage,
      catalog: new Proxy(warehouse.catalog, {
        get: (target, name) =>
          name === 'movePartition' && !slept
            ? async (...args: Parameters<typeof move>) => {
                slept = true;
                await switchPartition(warehouse, second);
                await move(...args);
              }
            : (Reflect.get(target, name, target) as unknown),
      }),
    };
    await expect(switchPartition(sleepy, first)).rejects.toMatchObject({ code: 'SwitchConflict' });
    expect(await location()).toBe(second.newDirectory);
  });

  it('replaces a whole partition, or makes it', async () => {
    const table = 'stat_click';
    const claim = { table, partition: HOUR, attempt: 'b', graceMs: GRACE };
    const newDirectory = await claimDirectory(warehouse, claim);
    await storage.write(`${newDirectory}/all.parquet`, 'x');
    const replace: SwitchRequest = {
      ...{ table, partition: HOUR, expectedDirectory: OLD, newDirectory, newFiles: ['all.parquet'] },
      ...{ mode: 'replace', rows: 100, streams: [STREAM], graceMs: GRACE },
    };
    expect(await switchPartition(warehouse, replace)).toMatchObject({ rows: 100, files: 1, revision: 0 });
    const partition = { dt: '2026-01-01', hh: '09' };
    const directory = await claimDirectory(warehouse, { ...claim, partition });
    const fresh = {
      ...replace,
      partition,
      expectedDirectory: undefined,
      newDirectory: directory,
      newFiles: [],
      rows: 0,
    };
    expect(await switchPartition(warehouse, fresh)).toMatchObject({ outcome: 'switched', rows: 0, files: 0 });
    expect(await storage.stat(directory)).toMatchObject({ directory: true });
    expect(await warehouse.catalog.listPartitions(table)).toContainEqual(partition);
  });
});

describe('sweepGarbage', () => {
  it('removes a replaced directory after its time, never a live one', async () => {
    const request = await compaction();
    const now = Date.now();
    await switchPartition(warehouse, request);
    const abandoned = await compaction('dead');
    expect(await sweepGarbage(warehouse, now)).toEqual([]);
    expect((await sweepGarbage(warehouse, now + 10 * GRACE)).sort()).toEqual(
      [OLD, abandoned.newDirectory].sort(),
    );
    expect(await dataFiles(storage, 'stat_click')).toEqual([`${request.newDirectory}/c-1.parquet`]);
    expect(await sweepGarbage(warehouse, now + 10 * GRACE)).toEqual([]);
    expect(await storage.list('_tributary/garbage')).toEqual([]);
  });

  it('keeps both directories of a switch that died between pointer and state', async () => {
    const request = await compaction();
    await warehouse.catalog.movePartition('stat_click', {
      values: HOUR,
      location: storage.uri(request.newDirectory),
    });
    expect(await sweepGarbage(warehouse, Date.now() + 10 * GRACE)).toEqual([]);
    expect(await dataFiles(storage, 'stat_click')).toHaveLength(3);
    expect(await switchPartition(warehouse, request)).toMatchObject({ outcome: 'switched' });
  });
});

describe('retirePartition', () => {
  it('takes it out of the catalog; late rows begin anew', async () => {
    const retire = { table: 'stat_click', partition: HOUR, graceMs: GRACE };
    await retirePartition(warehouse, retire);
    await retirePartition(warehouse, retire);
    expect(await location()).toBeUndefined();
    await land(2, 20, 30, [3]);
    expect(await location()).toBe('stat_click/dt=2026-01-01/hh=03/v1');
    expect(await state()).toMatchObject({ rows: 3, files: 1, complete: false });
    await sweepGarbage(warehouse, Date.now() + 10 * GRACE);
    expect(await dataFiles(storage, 'stat_click')).toEqual([
      'stat_click/dt=2026-01-01/hh=03/v1/batch-2-0.parquet',
    ]);
  });
});

describe('restoreCatalog', () => {
  it('makes a lost catalog say what the states say', async () => {
    await completePartition(warehouse, COMPLETION);
    await switchPartition(warehouse, await compaction());
    await land(2, 20, 30, [3], '04');
    const lost: Warehouse = { storage, catalog: new NoneCatalog(new MemoryStorage()) };
    const table = catalogTable(storage, 'stat_click');
    expect(await restoreCatalog(lost, table)).toEqual({ added: 2, moved: 0 });
    expect(await lost.catalog.partitionLocation('stat_click', HOUR)).toBe(
      storage.uri((await state())!.directory),
    );
    expect(await lost.catalog.partitionParameters('stat_click', HOUR)).toMatchObject({
      'tributary.revision': '1',
    });
    await lost.catalog.movePartition('stat_click', { values: HOUR, location: storage.uri(OLD) });
    expect(await restoreCatalog(lost, table)).toEqual({ added: 0, moved: 1 });
  });
});
