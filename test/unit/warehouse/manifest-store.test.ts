import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ManifestStore } from '../../../warehouse/manifest-store.js';
import { VersionedFile } from '../../../warehouse/versioned-file.js';
import { stageBatch } from './commit-world.js';
import { NoneCatalog } from '../../../warehouse/catalog-none.js';
import { MemoryStorage } from './memory-storage.js';

let storage: MemoryStorage;
let store: ManifestStore;

beforeEach(() => {
  storage = new MemoryStorage();
  store = new ManifestStore(storage);
});

describe('ManifestStore', () => {
  it('gives back a manifest, and says what is wrong with one that was changed', async () => {
    const warehouse = { storage, catalog: new NoneCatalog(storage) };
    const { manifests } = await stageBatch(warehouse, {
      ...{ seq: 1, from: { 0: 0 }, to: { 0: 5 }, files: [{ hh: '01', rows: 5 }] },
    });
    await store.writeManifest('_staging/m.json', manifests[0]!);
    expect(await store.readManifest('_staging/m.json')).toEqual(manifests[0]);
    await expect(store.readManifest('_staging/none.json')).rejects.toMatchObject({ code: 'ManifestMissing' });
    for (const broken of ['', '{', '[]', JSON.stringify({ ...manifests[0], records: -1 })]) {
      await storage.write('_staging/m.json', broken);
      await expect(store.readManifest('_staging/m.json')).rejects.toMatchObject({
        ...{ code: 'ManifestCorrupt', retryable: false },
        message: expect.stringContaining('_staging/m.json') as string,
      });
    }
  });

  it('keeps specs under the hash of their content, and notices another content', async () => {
    const spec = { name: 't', columns: [{ name: 'a' }], nothing: undefined };
    const hash = await store.pinSpec(spec);
    expect(await store.pinSpec({ columns: [{ name: 'a' }], name: 't' })).toBe(hash);
    expect(await store.readSpec(hash)).toEqual({ name: 't', columns: [{ name: 'a' }] });
    await storage.write(`_tributary/specs/${hash}.json`, '{"name":"u"}');
    await expect(store.readSpec(hash)).rejects.toMatchObject({ code: 'ManifestCorrupt' });
    await expect(store.readSpec('abc')).rejects.toMatchObject({ code: 'SpecMissing' });
  });
});

describe('VersionedFile', () => {
  const schema = z.object({ sum: z.number() });

  it('loses no change of writers that race', async () => {
    await Promise.all(
      Array.from({ length: 20 }, () =>
        new VersionedFile(storage, 'd', schema).update((now) => ({ sum: (now?.sum ?? 0) + 1 })),
      ),
    );
    expect(await new VersionedFile(storage, 'd', schema).read()).toEqual({ sum: 20 });
    expect(await storage.list('d')).toHaveLength(4);
  });

  it('is not set back by a writer that slept while many generations came and went', async () => {
    const file = new VersionedFile(storage, 'd', schema);
    await file.update(() => ({ sum: 1 }));
    const create = storage.create.bind(storage);
    storage.create = async (...args) => {
      storage.create = create;
      for (let i = 0; i < 10; i++) await file.update((now) => ({ sum: (now?.sum ?? 0) + 1 }));
      return create(...args);
    };
    let applied = false;
    await file.update((now) => {
      // As a partition state knows what is in it already.
      if (applied && (now?.sum ?? 0) > 11) return undefined;
      applied = true;
      return { sum: (now?.sum ?? 0) + 1 };
    });
    expect(await file.read()).toEqual({ sum: 12 });
  });
});
