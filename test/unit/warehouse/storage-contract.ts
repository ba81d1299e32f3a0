import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Storage } from '../../../warehouse/storage.js';

/** What every Storage promises; run on each implementation. `open` gives an empty one. */
export function storageContract(name: string, open: () => Promise<Storage>): void {
  describe(`${name} keeps the storage contract:`, () => {
    let storage: Storage;
    let local: string;

    beforeAll(async () => {
      storage = await open();
      local = await mkdtemp(join(tmpdir(), 'tributary-storage-'));
    });
    afterAll(async () => {
      await rm(local, { recursive: true, force: true });
    });

    const localFile = async (content: Buffer | string): Promise<string> => {
      const path = join(local, randomBytes(6).toString('hex'));
      await writeFile(path, content);
      return path;
    };
    const text = async (path: string): Promise<string | undefined> => (await storage.read(path))?.toString();

    it('what is not there is undefined, false or empty', async () => {
      expect(await storage.read('no/such')).toBeUndefined();
      expect(await storage.stat('no/such')).toBeUndefined();
      expect(await storage.list('no/such')).toEqual([]);
      expect(await storage.rename('no/such', 'no/other')).toBe(false);
      await storage.remove('no/such');
      await expect(storage.download('no/such', join(local, 'x'))).rejects.toMatchObject({
        code: 'StorageConflict',
      });
    });

    it('writes, replaces and reads small files', async () => {
      await storage.write('w/a.json', 'one');
      await storage.write('w/a.json', Buffer.from('zwei, 二'));
      expect(await text('w/a.json')).toBe('zwei, 二');
      await storage.write('w/empty', '');
      expect(await text('w/empty')).toBe('');
      expect(await storage.stat('w/a.json')).toMatchObject({ path: 'w/a.json', size: 9, directory: false });
      expect(Math.abs(Date.now() - ((await storage.stat('w/a.json'))?.modifiedMs ?? 0))).toBeLessThan(60_000);
    });

    it('creates a name once, however many try at once', async () => {
      const wins = await Promise.all(
        Array.from({ length: 8 }, (_, i) => storage.create('c/seq.json', `by ${i}`)),
      );
      expect(wins.filter(Boolean)).toHaveLength(1);
      expect(await text('c/seq.json')).toBe(`by ${wins.indexOf(true)}`);
      expect((await storage.list('c')).map((file) => file.path)).toEqual(['c/seq.json']);
    });

    it('uploads and downloads, replacing', async () => {
      const content = randomBytes(3_000_000);
      await storage.upload(await localFile('old'), 'u/dt=2026-01-01/f.parquet');
      const file = await localFile(content);
      await storage.upload(file, 'u/dt=2026-01-01/f.parquet');
      expect((await readFile(file)).equals(content)).toBe(true);
      expect((await storage.stat('u/dt=2026-01-01/f.parquet'))?.size).toBe(content.length);
      await storage.download('u/dt=2026-01-01/f.parquet', join(local, 'back'));
      expect((await readFile(join(local, 'back'))).equals(content)).toBe(true);
      await storage.copy('u/dt=2026-01-01/f.parquet', 'u/other/g.parquet');
      expect((await storage.read('u/other/g.parquet'))?.equals(content)).toBe(true);
    });

    it('lists direct children in order', async () => {
      for (const path of ['l/b', 'l/a', 'l/d/e', 'l/c']) await storage.write(path, path);
      expect(
        (await storage.list('l')).map(({ path, directory, size }) => ({ path, directory, size })),
      ).toEqual([
        { path: 'l/a', directory: false, size: 3 },
        { path: 'l/b', directory: false, size: 3 },
        { path: 'l/c', directory: false, size: 3 },
        { path: 'l/d', directory: true, size: 0 },
      ]);
      expect((await storage.list('')).map((file) => file.path)).toContain('l');
    });

    it('renames into new directories, and never onto a taken name', async () => {
      await storage.write('r/from', 'new');
      expect(await storage.rename('r/from', 'r/x/y/to')).toBe(true);
      expect(await text('r/x/y/to')).toBe('new');
      expect(await storage.stat('r/from')).toBeUndefined();
      expect(await storage.rename('r/from', 'r/x/y/to')).toBe(false);
      await storage.write('r/second', 'other');
      await expect(storage.rename('r/second', 'r/x/y/to')).rejects.toMatchObject({
        code: 'StorageConflict',
        retryable: false,
      });
      await expect(storage.rename('r/second', 'r/x')).rejects.toMatchObject({ code: 'StorageConflict' });
      expect(await text('r/x/y/to')).toBe('new');
      expect(await text('r/second')).toBe('other');
    });

    it('lets one of two files win a name', async () => {
      for (let round = 0; round < 3; round++) {
        const sources = [0, 1, 2, 3].map((i) => `race/${round}/from-${i}`);
        for (const source of sources) await storage.write(source, source);
        const results = await Promise.allSettled(
          sources.map((source) => storage.rename(source, `race/${round}/to`)),
        );
        const won = results.flatMap((result, i) =>
          result.status === 'fulfilled' && result.value ? [i] : [],
        );
        expect(won).toHaveLength(1);
        expect(await text(`race/${round}/to`)).toBe(sources[won[0] ?? -1]);
        expect(await storage.list(`race/${round}`)).toHaveLength(4);
      }
    });

    it('keeps one file when the same move races with itself', async () => {
      await storage.write('same/from', 'x');
      const results = await Promise.all([1, 2, 3].map(() => storage.rename('same/from', 'same/to')));
      expect(results).toContain(true);
      expect(await text('same/to')).toBe('x');
      expect(await storage.stat('same/from')).toBeUndefined();
    });

    it('removes files and whole directories, but never the root', async () => {
      await storage.write('d/a/b', 'x');
      await storage.remove('d');
      expect(await storage.stat('d/a/b')).toBeUndefined();
      await storage.makeDirectory('d/e');
      await storage.makeDirectory('d/e');
      expect(await storage.stat('d/e')).toMatchObject({ directory: true, size: 0 });
      await expect(storage.remove('')).rejects.toMatchObject({ code: 'StorageConflict' });
    });

    it('takes odd names', async () => {
      for (const odd of ['a b', 'ä 中文', 'q%20?', "it's;&#+=", '$x^[]{}', '%2F']) {
        await storage.write(`odd/${odd}/f`, odd);
        expect(await text(`odd/${odd}/f`)).toBe(odd);
        expect((await storage.list(`odd/${odd}`)).map((file) => file.path)).toEqual([`odd/${odd}/f`]);
        expect(await storage.rename(`odd/${odd}/f`, `odd/${odd}/g`)).toBe(true);
        expect(storage.pathOf(storage.uri(`odd/${odd}/g`))).toBe(`odd/${odd}/g`);
      }
    });

    it('refuses paths that leave the root', async () => {
      for (const path of ['../x', '/etc/passwd', 'a/../../x', 'a//b']) {
        await expect(storage.write(path, 'x')).rejects.toMatchObject({ code: 'InvalidPath' });
        await expect(storage.read(path)).rejects.toMatchObject({ code: 'InvalidPath' });
        await expect(storage.rename('w/a.json', path)).rejects.toMatchObject({ code: 'InvalidPath' });
      }
      expect(storage.pathOf('hdfs://elsewhere/x')).toBeUndefined();
    });

    it('stops when it is told to', async () => {
      const reason = new Error('stop');
      const signal = AbortSignal.abort(reason);
      await expect(storage.write('stop', 'x', signal)).rejects.toBe(reason);
      await expect(storage.list('', signal)).rejects.toBe(reason);
      expect(await storage.stat('stop')).toBeUndefined();
    });

    it('has a conflict, not a loss, where a file stands for a directory', async () => {
      await storage.write('f/file', 'x');
      await expect(storage.write('f/file/below', 'y')).rejects.toMatchObject({ code: 'StorageConflict' });
      expect(await text('f/file')).toBe('x');
    });
  });
}
