import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NoneCatalog } from '../../../warehouse/catalog-none.js';
import { FileStorage } from '../../../warehouse/storage-file.js';
import { catalogContract } from './catalog-contract.js';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'tributary-none-'));
});
afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

catalogContract('the catalog without a metastore', () => {
  const storage = new FileStorage(root);
  return Promise.resolve({ storage, catalog: new NoneCatalog(storage) });
});

describe('the catalog without a metastore', () => {
  it('loses no partition of two processes that add at once', async () => {
    const storage = new FileStorage(join(root, 'two'));
    const table = { name: 't', columns: [], partitionColumns: ['dt'], location: storage.uri('t') };
    await new NoneCatalog(storage).ensureTable(table);
    const days = Array.from({ length: 12 }, (_, i) => `2026-01-${String(i + 1).padStart(2, '0')}`);
    await Promise.all(
      days.map((dt) =>
        new NoneCatalog(storage).addPartitions('t', [{ values: { dt }, location: storage.uri(`t/${dt}`) }]),
      ),
    );
    expect((await new NoneCatalog(storage).listPartitions('t')).map(({ dt }) => dt)).toEqual(days);
  });

  it('says what to do instead of a query', async () => {
    const catalog = new NoneCatalog(new FileStorage(root));
    await expect(catalog.query()).rejects.toMatchObject({ code: 'CatalogUnsupported', message: /DuckDB/ });
  });

  it('names a file that was tampered with', async () => {
    const storage = new FileStorage(join(root, 'broken'));
    await storage.write('_tributary/catalog/t/000000000001.json', '{"version":1,"name":3}');
    await expect(new NoneCatalog(storage).describe('t')).rejects.toMatchObject({
      code: 'ManifestCorrupt',
      message: /_tributary\/catalog\/t\/000000000001.json.*name/s,
    });
  });
});
