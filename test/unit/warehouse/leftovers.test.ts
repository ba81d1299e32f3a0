import { describe, expect, it } from 'vitest';
import { commitBatch } from '../../../warehouse/commit.js';
import { NoneCatalog } from '../../../warehouse/catalog-none.js';
import type { Warehouse } from '../../../warehouse/fence.js';
import { commitPath, positionsPath, STAGING } from '../../../warehouse/layout.js';
import { mayGo, runsNeededByCommits, untouchedSince } from '../../../warehouse/leftovers.js';
import { catalogTable, stageBatch, STREAM } from './commit-world.js';
import { MemoryStorage } from './memory-storage.js';

const DAY = 86_400_000;
const age = { closedMs: DAY, unknownMs: 7 * DAY };

function world(): Warehouse & { storage: MemoryStorage } {
  const storage = new MemoryStorage();
  return { storage, catalog: new NoneCatalog(storage) };
}

// What a running batch has staged must never go; what nobody will ask for again must not fill the disk.
describe('leftovers of ended runs', () => {
  it('go when their run is known to be over, later when nothing is known of it, and never while it runs', () => {
    const old = (days: number) => ({ modifiedMs: 100 * DAY - days * DAY });
    expect(mayGo('running', old(90), 100 * DAY, age)).toBe(false);
    expect(mayGo('closed', old(0.9), 100 * DAY, age)).toBe(false);
    expect(mayGo('closed', old(1), 100 * DAY, age)).toBe(true);
    expect(mayGo('unknown', old(6), 100 * DAY, age)).toBe(false);
    expect(mayGo('unknown', old(7), 100 * DAY, age)).toBe(true);
  });

  it('are found by the name of their run, and only when nobody has touched them for long', async () => {
    const { storage } = world();
    await storage.write(`${STAGING}/standalone/b1/x.parquet`, 'x');
    expect(await untouchedSince(storage, STAGING, Date.now() - DAY)).toEqual([]);
    const found = await untouchedSince(storage, STAGING, Date.now() + DAY);
    expect(found).toMatchObject([{ path: `${STAGING}/standalone`, name: 'standalone' }]);
    expect(await untouchedSince(storage, 'nothing/here', Date.now() + DAY)).toEqual([]);
  });

  it('stay while a commit that was begun still needs them: whoever starts the topic again rolls it forward', async () => {
    const warehouse = world();
    const { storage } = warehouse;
    await warehouse.catalog.ensureTable(catalogTable(storage, 'stat_click'));
    const files = [{ hh: '01', rows: 3 }];
    const first = { seq: 1, from: { 0: 0 }, to: { 0: 3 }, files, run: 'run-done' };
    const commit = (request: Awaited<ReturnType<typeof stageBatch>>) => commitBatch(warehouse, request);
    await commit(await stageBatch(warehouse, first));
    expect(await runsNeededByCommits(storage)).toEqual(new Set());

    // The run was ended right after the second commit's record came to be.
    const second = await stageBatch(warehouse, {
      ...first,
      seq: 2,
      from: { 0: 3 },
      to: { 0: 6 },
      run: 'run-dead',
    });
    const before = (await storage.read(positionsPath(STREAM)))!;
    const states = new Map([...storage.files].map(([path, file]) => [path, file]));
    await commit(second);
    const record = storage.files.get(commitPath(STREAM, 2))!;
    storage.files.clear();
    for (const [path, file] of states) storage.files.set(path, file);
    storage.files.set(commitPath(STREAM, 2), record);
    await storage.write(positionsPath(STREAM), before);
    expect(await runsNeededByCommits(storage)).toEqual(new Set(['run-dead']));
  });
});
