import { execFile } from 'node:child_process';
import { link, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FileStorage } from '../../../warehouse/storage-file.js';
import { fromErrno } from '../../../warehouse/storage-errors.js';
import { storageContract } from './storage-contract.js';

const run = promisify(execFile);
let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'tributary-file-'));
});
afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

storageContract('file storage', () =>
  Promise.resolve(new FileStorage(join(root, 'contract', 'not yet there'))),
);

describe('file storage', () => {
  it('hides half-written files and leaves none behind', async () => {
    const storage = new FileStorage(join(root, 'hidden'));
    await storage.write('a/b', 'x');
    await writeFile(join(root, 'hidden/a/.tmp-dead'), 'half');
    expect((await storage.list('a')).map((file) => file.path)).toEqual(['a/b']);
    await expect(storage.upload(join(root, 'no such file'), 'a/c')).rejects.toThrow(/no such file/i);
    expect((await readdir(join(root, 'hidden/a'))).sort()).toEqual(['.tmp-dead', 'b']);
  });

  it('finishes a rename that died after it had linked the target', async () => {
    const storage = new FileStorage(join(root, 'linked'));
    await storage.write('from', 'x');
    await link(join(root, 'linked/from'), join(root, 'linked/to'));
    expect(await storage.rename('from', 'to')).toBe(true);
    expect((await storage.list('')).map((file) => file.path)).toEqual(['to']);
  });

  it('gives Hadoop the path as it is', () => {
    expect(new FileStorage('/data/w').uri('t/dt=1%3A/v0')).toBe('file:///data/w/t/dt=1%3A/v0');
    expect(new FileStorage('/data/w').pathOf('file:/data/w/t')).toBe('t');
    expect(new FileStorage('/data/w').pathOf('file:/data/wide/t')).toBeUndefined();
  });

  it.each([
    ['ENOSPC', 'StorageFull', true],
    ['EDQUOT', 'StorageFull', true],
    ['EACCES', 'StorageDenied', false],
    ['EROFS', 'StorageDenied', false],
    ['EIO', 'StorageUnavailable', true],
  ])('%s is %s', (errno, code, retryable) => {
    const error = Object.assign(new Error(`${errno}: as told by the kernel`), { code: errno });
    expect(fromErrno(error, 'write', 'a/b')).toMatchObject({ code, retryable, message: /a\/b.*kernel/s });
  });

  it('on a full disk: says so, leaves nothing, and goes on when there is room', async (context) => {
    const disk = join(root, 'disk');
    await mkdir(disk);
    const mounted = await run('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', disk]).then(
      () => true,
      () => false,
    );
    if (!mounted) return context.skip('mounting a small disk takes root');
    try {
      const storage = new FileStorage(disk);
      await storage.write('small', 'x');
      const large = Buffer.alloc(1 << 20);
      await expect(storage.write('large', large)).rejects.toMatchObject({
        code: 'StorageFull',
        retryable: true,
      });
      expect(await readdir(disk)).toEqual(['small']);
      await run('mount', ['-o', 'remount,size=4m', disk]);
      await storage.write('large', large);
      expect((await storage.stat('large'))?.size).toBe(1 << 20);
    } finally {
      await run('umount', [disk]);
    }
  });
});
