import { afterAll, describe, expect, it } from 'vitest';
import { storageContract } from '../../unit/warehouse/storage-contract.js';
import { readEndpoints } from '../../../stack/endpoints.js';
import { hdfs, removeRoot, ROOT } from './services.js';

afterAll(removeRoot);

storageContract('WebHDFS', () => Promise.resolve(hdfs({ root: `${ROOT}/contract` })));

describe('WebHDFS', () => {
  const storage = hdfs({ root: `${ROOT}/own` });

  it('lists more entries than one answer holds', async () => {
    const names = Array.from({ length: 1100 }, (_, i) => `many/${String(i).padStart(5, '0')}`);
    for (let i = 0; i < names.length; i += 50) {
      await Promise.all(names.slice(i, i + 50).map((name) => storage.makeDirectory(name)));
    }
    expect((await storage.list('many')).map((file) => file.path)).toEqual(names);
  });

  it('leaves no temporary files behind', async () => {
    await storage.write('clean/a', 'x');
    expect(await storage.create('clean/a', 'y')).toBe(false);
    await expect(storage.write('clean', 'y')).rejects.toMatchObject({ code: 'StorageConflict' });
    const raw = await fetch(
      `${readEndpoints().hdfs.webhdfsUrl}/webhdfs/v1${ROOT}/own/clean?op=LISTSTATUS&user.name=hive`,
    );
    expect(await raw.text()).not.toContain('.tmp-');
  });

  it('gives up an unreachable NameNode in bounded time', async () => {
    const nowhere = hdfs({ urls: ['http://127.0.0.1:9'], retryForMs: 300 });
    await expect(nowhere.read('x')).rejects.toMatchObject({
      code: 'StorageUnavailable',
      retryable: true,
      message: /ECONNREFUSED.*127\.0\.0\.1:9/s,
    });
  });

  it('finds the NameNode that answers', async () => {
    const either = hdfs({
      root: `${ROOT}/own`,
      urls: ['http://127.0.0.1:9', readEndpoints().hdfs.webhdfsUrl],
    });
    await either.write('either', 'x');
    expect((await either.read('either'))?.toString()).toBe('x');
  });
});

describe('WebHDFS with a quota', () => {
  it('says that there is no room, and goes on when there is', async () => {
    const storage = hdfs({ root: `${ROOT}/quota`, retryForMs: 1_000 });
    await storage.makeDirectory('');
    await setQuota(1_000);
    await expect(storage.write('a', 'x')).rejects.toMatchObject({
      ...{ code: 'StorageFull', retryable: true },
      message: expect.stringMatching(/DSQuotaExceeded.*quota = 1000 B/s) as string,
    });
    expect(await storage.list('')).toEqual([]);
    await setQuota(2 ** 40);
    await storage.write('a', 'x');
    expect((await storage.read('a'))?.toString()).toBe('x');
  });
});

async function setQuota(bytes: number): Promise<void> {
  const call = `op=SETQUOTA&namespacequota=1000&storagespacequota=${bytes}&user.name=hive`;
  const url = `${readEndpoints().hdfs.webhdfsUrl}/webhdfs/v1${ROOT}/quota?${call}`;
  expect((await fetch(url, { method: 'PUT' })).status).toBe(200);
}
