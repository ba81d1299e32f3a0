import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, link, mkdir, open, readdir, readFile, rename, rm, stat, unlink } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { baseName, parentOf, pathSegments } from './layout.js';
import { errnoOf, fromErrno, storageError } from './storage-errors.js';
import { TEMPORARY_PREFIX, type Storage, type StoredFile } from './storage.js';

/**
 * A directory of the local disk, or of a network disk that Hive's servers mount under the same path. Every file is
 * written and synced under a temporary name in its own directory and then renamed.
 */
export class FileStorage implements Storage {
  readonly kind = 'file';
  readonly root: string;

  constructor(root: string) {
    this.root = resolve(root);
  }

  // Hadoop's Path takes the text after file:// as it is, so nothing is percent-encoded here.
  uri(path: string): string {
    return `file://${this.local(path)}`;
  }

  pathOf(uri: string): string | undefined {
    const local = uri.replace(/^file:(\/\/)?(?=\/)/, '');
    if (local === this.root) return '';
    return local.startsWith(`${this.root}/`) ? local.slice(this.root.length + 1) : undefined;
  }

  async upload(localFile: string, path: string, signal?: AbortSignal): Promise<void> {
    await this.put('upload', path, (temporary) => copyInto(localFile, temporary), 'replace', signal);
  }

  async download(path: string, localFile: string, signal?: AbortSignal): Promise<void> {
    await this.guarded('download', path, signal, async () => {
      const temporary = `${localFile}.${randomUUID()}`;
      try {
        await copyInto(this.local(path), temporary);
        await rename(temporary, localFile);
      } catch (error) {
        await rm(temporary, { force: true });
        if (errnoOf(error) === 'ENOENT')
          throw storageError('StorageConflict', 'read', path, 'it is not there');
        throw error;
      }
    });
  }

  async copy(from: string, to: string, signal?: AbortSignal): Promise<void> {
    const source = this.local(from);
    await this.put('copy to', to, (temporary) => copyInto(source, temporary), 'replace', signal);
  }

  async write(path: string, content: string | Buffer, signal?: AbortSignal): Promise<void> {
    await this.put('write', path, (temporary) => writeSynced(temporary, content), 'replace', signal);
  }

  async create(path: string, content: string | Buffer, signal?: AbortSignal): Promise<boolean> {
    return this.put('create', path, (temporary) => writeSynced(temporary, content), 'keep', signal);
  }

  async read(path: string, signal?: AbortSignal): Promise<Buffer | undefined> {
    return this.guarded('read', path, signal, () =>
      absentAsUndefined(readFile(this.local(path), { signal })),
    );
  }

  async stat(path: string, signal?: AbortSignal): Promise<StoredFile | undefined> {
    return this.guarded('look at', path, signal, async () => {
      const found = await absentAsUndefined(stat(this.local(path)));
      if (found === undefined) return undefined;
      const directory = found.isDirectory();
      return { path, size: directory ? 0 : found.size, directory, modifiedMs: Math.trunc(found.mtimeMs) };
    });
  }

  async list(path: string, signal?: AbortSignal): Promise<StoredFile[]> {
    return this.guarded('list', path, signal, async () => {
      const names = (await absentAsUndefined(readdir(this.local(path)))) ?? [];
      const visible = names.filter((name) => !name.startsWith(TEMPORARY_PREFIX)).sort();
      const found: StoredFile[] = [];
      for (const name of visible) {
        const entry = await this.stat(path === '' ? name : `${path}/${name}`, signal);
        if (entry !== undefined) found.push(entry);
      }
      return found;
    });
  }

  async makeDirectory(path: string, signal?: AbortSignal): Promise<void> {
    await this.guarded('make directory', path, signal, () => mkdir(this.local(path), { recursive: true }));
  }

  async rename(from: string, to: string, signal?: AbortSignal): Promise<boolean> {
    return this.guarded('rename to', to, signal, async () => {
      const source = this.local(from);
      const target = this.local(to);
      const found = await absentAsUndefined(stat(source));
      if (found === undefined) return false;
      if (found.isDirectory()) throw storageError('StorageConflict', 'rename', from, 'it is a directory');
      await mkdir(dirname(target), { recursive: true });
      const outcome = await linkExclusively(source, target);
      if (outcome === 'taken') throw storageError('StorageConflict', 'rename to', to, 'the name is taken');
      if (outcome === 'absent') return false;
      await rm(source, { force: true });
      await syncDirectory(dirname(target));
      return true;
    });
  }

  async remove(path: string, signal?: AbortSignal): Promise<void> {
    await this.guarded('remove', path, signal, async () => {
      if (pathSegments(path).length === 0) {
        throw storageError('StorageConflict', 'remove', path, 'the root itself is never removed');
      }
      await rm(this.local(path), { recursive: true, force: true });
    });
  }

  private local(path: string): string {
    return [this.root, ...pathSegments(path)].join('/');
  }

  private async put(
    action: string,
    path: string,
    fill: (temporary: string) => Promise<void>,
    existing: 'replace' | 'keep',
    signal?: AbortSignal,
  ): Promise<boolean> {
    return this.guarded(action, path, signal, async () => {
      const target = this.local(path);
      const directory = this.local(parentOf(path));
      const temporary = `${directory}/${TEMPORARY_PREFIX}${randomUUID()}`;
      await mkdir(directory, { recursive: true });
      try {
        await fill(temporary);
        signal?.throwIfAborted();
        if (existing === 'replace') await rename(temporary, target);
        else if ((await linkExclusively(temporary, target)) === 'taken') return false;
        await syncDirectory(directory);
        return true;
      } finally {
        await rm(temporary, { force: true });
      }
    });
  }

  private async guarded<T>(
    action: string,
    path: string,
    signal: AbortSignal | undefined,
    work: () => Promise<T>,
  ): Promise<T> {
    signal?.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      throw fromErrno(error, action, `${baseName(path)} (${this.root}/${path})`);
    }
  }
}

/**
 * Gives `source` the name `target` too, unless that name is taken. link() decides between racers; where the file system
 * has no hard links, an exclusively created placeholder does. The same file under both names (a rename that died half
 * way) counts as done.
 */
async function linkExclusively(source: string, target: string): Promise<'done' | 'taken' | 'absent'> {
  try {
    await link(source, target);
    return 'done';
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT') return 'absent';
    if (code === 'EEXIST') return compareFiles(source, target);
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP' && code !== 'EMLINK') throw error;
  }
  try {
    await (await open(target, 'wx')).close();
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return 'taken';
    throw error;
  }
  try {
    await rename(source, target);
    return 'done';
  } catch (error) {
    await unlink(target);
    if (errnoOf(error) === 'ENOENT') return 'absent';
    throw error;
  }
}

async function compareFiles(source: string, target: string): Promise<'done' | 'taken' | 'absent'> {
  const [from, to] = await Promise.all([absentAsUndefined(stat(source)), absentAsUndefined(stat(target))]);
  if (from === undefined) return 'absent';
  return to !== undefined && from.dev === to.dev && from.ino === to.ino ? 'done' : 'taken';
}

async function copyInto(source: string, target: string): Promise<void> {
  await copyFile(source, target, constants.COPYFILE_FICLONE);
  const file = await open(target, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function writeSynced(path: string, content: string | Buffer): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function absentAsUndefined<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
