import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ChangeLedger } from '../../../activities/change-ledger.js';
import type { LandingTable } from '../../../changelog/types.js';
import type { SplitManifest, StagedFile } from '../../../warehouse/manifest.js';
import { FileStorage } from '../../../warehouse/storage-file.js';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'tributary-ledger-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const stream = { kafka: 'main', topic: 'shop' };
const landing = (snapshot: boolean): LandingTable =>
  ({
    spec: { name: 'orders', mode: 'mirror', ...(snapshot && { snapshot: {} }) },
    columns: [],
  }) as unknown as LandingTable;
const commit = (dt: string, minEventMs: number, maxEventMs: number): SplitManifest[] => [
  {
    files: [
      { table: 'orders_changelog', partition: { dt }, minEventMs, maxEventMs, maxCdcTs: '7', key: ['id'] },
      { table: 'orders_quarantine', partition: { dt: 'x' }, minEventMs, maxEventMs, maxCdcTs: null },
    ] as unknown as StagedFile[],
  } as SplitManifest,
];
const open = (name: string) => new ChangeLedger(new FileStorage(join(root, name)), 'main', 'shop');

describe('the ledger of changes that no snapshot has taken in', () => {
  it('widens a partition with every commit, and a repeated commit changes nothing', async () => {
    const ledger = open('widen');
    await ledger.note(stream, 1, [landing(true)], commit('2026-03-01', 10, 20));
    await ledger.note(stream, 2, [landing(true)], commit('2026-03-01', 5, 15));
    await ledger.note(stream, 1, [landing(true)], commit('2026-03-01', 10, 20));
    const { partitions, key, sample } = await ledger.read('orders');
    expect(partitions).toEqual({
      'dt=2026-03-01': { streams: { 'main/shop': 2 }, minEventMs: 5, maxEventMs: 20 },
    });
    expect(key).toEqual(['id']);
    expect(sample).toEqual({ cdcTs: '7', eventMs: 15 });
  });

  // A row that lands while a snapshot is made must be found by the next one.
  it('keeps what came after the snapshot, and what lies beyond its boundary', async () => {
    const ledger = open('settle');
    await ledger.note(stream, 1, [landing(true)], commit('2026-03-01', 10, 20));
    await ledger.note(stream, 1, [landing(true)], commit('2026-03-02', 30, 40));
    await ledger.note(stream, 2, [landing(true)], commit('2026-02-28', 1, 2));
    await ledger.settle('orders', { 'main/shop': 1 }, 30);
    expect(Object.keys((await ledger.read('orders')).partitions)).toEqual(['dt=2026-03-02', 'dt=2026-02-28']);
    await ledger.settle('orders', { 'main/shop': 2 }, 41);
    expect((await ledger.read('orders')).partitions).toEqual({});
  });

  it('has nothing of tables without snapshots', async () => {
    const ledger = open('none');
    await ledger.note(stream, 1, [landing(false)], commit('2026-03-01', 10, 20));
    expect((await ledger.read('orders')).partitions).toEqual({});
  });
});
