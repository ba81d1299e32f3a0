import { beforeEach, describe, expect, it } from 'vitest';
import { NoneCatalog } from '../../../warehouse/catalog-none.js';
import { commitBatch, pruneCommits, recover } from '../../../warehouse/commit.js';
import { pendingCommit } from '../../../warehouse/commit-pending.js';
import type { Warehouse } from '../../../warehouse/fence.js';
import { commitPath, positionsPath } from '../../../warehouse/layout.js';
import { ManifestStore } from '../../../warehouse/manifest-store.js';
import { catalogTable, dataFiles, stageBatch, STREAM, type BatchWish } from './commit-world.js';
import { MemoryStorage } from './memory-storage.js';

let storage: MemoryStorage;
let warehouse: Warehouse;
let manifests: ManifestStore;

beforeEach(async () => {
  storage = new MemoryStorage();
  warehouse = { storage, catalog: new NoneCatalog(storage) };
  manifests = new ManifestStore(storage);
  for (const table of ['stat_click', 'stat_view'])
    await warehouse.catalog.ensureTable(catalogTable(storage, table));
});

const first: BatchWish = {
  seq: 1,
  from: { 0: 100, 1: 7 },
  to: { 0: 110, 1: 12 },
  files: [
    { hh: '03', rows: 8 },
    { hh: '04', rows: 5 },
    { hh: '03', rows: 2, table: 'stat_view' },
  ],
  splits: 2,
};
const second: BatchWish = { seq: 2, from: { 0: 110 }, to: { 0: 120 }, files: [{ hh: '03', rows: 10 }] };

describe('commitBatch', () => {
  it('puts files in place, adds partitions, counts, and moves the positions last', async () => {
    const summary = await commitBatch(warehouse, await stageBatch(warehouse, first));
    expect(summary).toMatchObject({
      outcome: 'committed',
      seq: 1,
      positions: { 0: 110, 1: 12 },
      rows: { stat_click: 13, stat_view: 2 },
      files: 3,
      counts: { records: 15 },
    });
    expect(summary.partitions).toHaveLength(3);
    expect(await dataFiles(storage, 'stat_click')).toEqual([
      'stat_click/dt=2026-01-01/hh=03/v0/batch-1-0.parquet',
      'stat_click/dt=2026-01-01/hh=04/v0/batch-1-1.parquet',
    ]);
    expect(await storage.list('_staging/run-1/batch-1/0/1')).toEqual([]);
    const hour = { dt: '2026-01-01', hh: '03' };
    expect(await warehouse.catalog.partitionLocation('stat_click', hour)).toBe(
      storage.uri('stat_click/dt=2026-01-01/hh=03/v0'),
    );
    expect(await manifests.readPartition('stat_click', hour)).toMatchObject({
      ...{ rows: 8, files: 1, revision: 0, complete: false },
      ...{ minEventMs: Date.UTC(2026, 0, 1, 3), maxEventMs: Date.UTC(2026, 0, 1, 3) + 8 },
    });
    expect(await manifests.readPositions(STREAM)).toMatchObject({ seq: 1, positions: { 0: 110, 1: 12 } });
    expect((await manifests.listPartitions('stat_click')).map((state) => state.rows)).toEqual([8, 5]);
  });

  it('answers a repeated call with the same summary and changes nothing', async () => {
    const request = await stageBatch(warehouse, first);
    const summary = await commitBatch(warehouse, request);
    const before = [...storage.files.keys()];
    expect(await commitBatch(warehouse, request)).toEqual({ ...summary, outcome: 'already' });
    expect([...storage.files.keys()]).toEqual(before);
  });

  it('keeps positions of partitions that a batch does not read, and takes in new ones', async () => {
    await commitBatch(warehouse, await stageBatch(warehouse, first));
    const request = await stageBatch(warehouse, {
      ...second,
      from: { 0: 110, 2: 40 },
      to: { 0: 120, 2: 41 },
    });
    expect((await commitBatch(warehouse, request)).positions).toEqual({ 0: 120, 1: 12, 2: 41 });
  });

  it('commits a batch without files: only control records were there', async () => {
    const request = await stageBatch(warehouse, { ...first, files: [] });
    expect(await commitBatch(warehouse, request)).toMatchObject({
      rows: {},
      files: 0,
      positions: { 0: 110, 1: 12 },
    });
  });

  it.each([
    ['a gap in the sequence', { ...second, seq: 3 }, /at commit 1, this one is 3/],
    ['another start', { ...second, from: { 0: 109 } }, /stands at 110.*begins at 109/],
    [
      'another start of the same sequence',
      { ...first, from: { 0: 99, 1: 7 }, batch: 'other' },
      /batch other/,
    ],
  ])('refuses %s, and commits nothing', async (_, wish: BatchWish, message) => {
    await commitBatch(warehouse, await stageBatch(warehouse, first));
    const request = await stageBatch(warehouse, wish);
    await expect(commitBatch(warehouse, request)).rejects.toMatchObject({
      ...{ code: 'CommitConflict', retryable: false },
      message: expect.stringMatching(message) as string,
    });
    expect(await pendingCommit(warehouse, STREAM)).toBeUndefined();
    expect(await dataFiles(storage, 'stat_click')).toHaveLength(2);
  });

  it('refuses splits with a hole or an overlap', async () => {
    const request = await stageBatch(warehouse, first);
    const [one, two] = request.manifests;
    for (const broken of [[one!], [one!, two!, two!]]) {
      await expect(commitBatch(warehouse, { ...request, manifests: broken })).rejects.toMatchObject({
        code: 'CommitConflict',
      });
    }
  });

  it('refuses a topic that was made anew', async () => {
    await commitBatch(warehouse, { ...(await stageBatch(warehouse, first)), topicId: 'old' });
    const request = { ...(await stageBatch(warehouse, second)), topicId: 'new' };
    await expect(commitBatch(warehouse, request)).rejects.toMatchObject({ message: /made anew.*old.*new/ });
  });

  it('says which file is lost, and leaves the positions', async () => {
    const request = await stageBatch(warehouse, first);
    storage.files.delete('_staging/run-1/batch-1/1/1/1.parquet');
    await expect(commitBatch(warehouse, request)).rejects.toMatchObject({
      ...{ code: 'CommitIncomplete', retryable: false },
      message: /_staging\/run-1\/batch-1\/1\/1\/1\.parquet \(5 rows of stat_click\)/,
    });
    expect(await manifests.readPositions(STREAM)).toBeUndefined();
  });

  it('refuses a foreign file under a final name', async () => {
    const request = await stageBatch(warehouse, first);
    await storage.write('stat_click/dt=2026-01-01/hh=03/v0/batch-1-0.parquet', 'foreign');
    await expect(commitBatch(warehouse, request)).rejects.toMatchObject({
      code: 'CommitConflict',
      message: /7 bytes/,
    });
  });

  it('makes a table again that someone dropped from the catalog', async () => {
    const request = await stageBatch(warehouse, { ...first, files: [{ hh: '00', rows: 1, table: 'gone' }] });
    await expect(commitBatch(warehouse, request)).rejects.toMatchObject({ code: 'CatalogTableMissing' });
    await commitBatch(warehouse, request, { tables: { gone: catalogTable(storage, 'gone') } });
    expect(await warehouse.catalog.listPartitions('gone')).toHaveLength(1);
  });

  it('touches nothing after its deadline', async () => {
    const request = await stageBatch(warehouse, first);
    const before = new Map(storage.files);
    let calls = 0;
    const late = commitBatch(warehouse, request, {
      deadline: Date.now() + 60_000,
      now: () => Date.now() + calls++ * 59_000,
    });
    await expect(late).rejects.toMatchObject({ code: 'ActivityDeadlinePassed', retryable: true });
    expect(storage.files).toEqual(before);
  });
});

describe('recover', () => {
  it('knows nothing of a stream without commits', async () => {
    expect(await recover(warehouse, STREAM)).toBeUndefined();
  });

  it('rolls a half-done commit forward, and a new run that planned otherwise goes on behind it', async () => {
    await commitBatch(warehouse, await stageBatch(warehouse, first));
    const request = await stageBatch(warehouse, second);
    const lost = storage.rename.bind(storage);
    storage.rename = () => Promise.reject(new Error('killed'));
    await expect(commitBatch(warehouse, request)).rejects.toThrow('killed');
    storage.rename = lost;
    expect(await pendingCommit(warehouse, STREAM)).toBe(2);

    const other = await stageBatch(warehouse, { ...second, to: { 0: 115 }, batch: 'other', run: 'run-2' });
    const superseded = {
      outcome: 'superseded',
      batch: 'batch-2',
      positions: { 0: 120, 1: 12 },
      rows: { stat_click: 10 },
    };
    expect(await commitBatch(warehouse, other)).toMatchObject(superseded);
    expect(await commitBatch(warehouse, other)).toMatchObject(superseded);
    expect(await dataFiles(storage, 'stat_click')).toHaveLength(3);

    expect(await recover(warehouse, STREAM)).toMatchObject({ seq: 2, positions: { 0: 120, 1: 12 } });
  });

  it('finds its place without positions.json, and behind one that is too old', async () => {
    await commitBatch(warehouse, await stageBatch(warehouse, first));
    const old = storage.files.get(positionsPath(STREAM))!;
    await commitBatch(warehouse, await stageBatch(warehouse, second));
    for (const damage of [
      () => storage.files.delete(positionsPath(STREAM)),
      () => storage.files.set(positionsPath(STREAM), old),
    ]) {
      damage();
      expect(await recover(warehouse, STREAM)).toMatchObject({ seq: 2, positions: { 0: 120, 1: 12 } });
      expect(await manifests.readPositions(STREAM)).toMatchObject({ seq: 2 });
    }
    expect((await manifests.readPartition('stat_click', { dt: '2026-01-01', hh: '03' }))?.rows).toBe(18);
  });

  it('names a broken control file', async () => {
    await storage.write(positionsPath(STREAM), '{"version":1,');
    await expect(recover(warehouse, STREAM)).rejects.toMatchObject({
      code: 'ManifestCorrupt',
      message: /positions\/main\/stat.click\/positions.json/,
    });
  });

  it('prunes old records, and tells who comes too late', async () => {
    await commitBatch(warehouse, await stageBatch(warehouse, first));
    await commitBatch(warehouse, await stageBatch(warehouse, second));
    expect(await pruneCommits(warehouse, STREAM, 1)).toBe(1);
    expect(storage.files.has(commitPath(STREAM, 1))).toBe(false);
    await expect(commitBatch(warehouse, await stageBatch(warehouse, first))).rejects.toMatchObject({
      code: 'CommitConflict',
    });
    expect(await recover(warehouse, STREAM)).toMatchObject({ seq: 2 });
  });
});
