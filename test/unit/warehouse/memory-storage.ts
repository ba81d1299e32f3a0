import { readFile, writeFile } from 'node:fs/promises';
import { pathSegments } from '../../../warehouse/layout.js';
import { storageError } from '../../../warehouse/storage-errors.js';
import type { Storage, StoredFile } from '../../../warehouse/storage.js';

/** A Storage in memory, for tests that make thousands of calls. Directories exist as long as something is in them. */
export class MemoryStorage implements Storage {
  readonly kind = 'file';
  readonly files = new Map<string, { content: Buffer; modifiedMs: number }>();
  private readonly made = new Set<string>();

  uri(path: string): string {
    return `memory:/${path}`;
  }

  pathOf(uri: string): string | undefined {
    return uri.startsWith('memory:/') ? uri.slice('memory:/'.length) : undefined;
  }

  async upload(localFile: string, path: string, signal?: AbortSignal): Promise<void> {
    await this.write(path, await readFile(localFile), signal);
  }

  async download(path: string, localFile: string, signal?: AbortSignal): Promise<void> {
    const content = await this.read(path, signal);
    if (content === undefined) throw storageError('StorageConflict', 'read', path, 'it is not there');
    await writeFile(localFile, content);
  }

  async copy(from: string, to: string, signal?: AbortSignal): Promise<void> {
    const content = await this.read(from, signal);
    if (content === undefined) throw storageError('StorageConflict', 'read', from, 'it is not there');
    await this.write(to, content, signal);
  }

  write(path: string, content: string | Buffer, signal?: AbortSignal): Promise<void> {
    return this.step(path, signal, () => {
      this.put(path, Buffer.from(content));
    });
  }

  create(path: string, content: string | Buffer, signal?: AbortSignal): Promise<boolean> {
    return this.step(path, signal, () => {
      if (this.files.has(path)) return false;
      this.put(path, Buffer.from(content));
      return true;
    });
  }

  read(path: string, signal?: AbortSignal): Promise<Buffer | undefined> {
    return this.step(path, signal, () => this.files.get(path)?.content);
  }

  stat(path: string, signal?: AbortSignal): Promise<StoredFile | undefined> {
    return this.step(path, signal, () => this.look(path));
  }

  list(path: string, signal?: AbortSignal): Promise<StoredFile[]> {
    return this.step(path, signal, () => {
      const prefix = path === '' ? '' : `${path}/`;
      const names = new Set<string>();
      for (const key of [...this.files.keys(), ...this.made]) {
        if (key.startsWith(prefix)) names.add(prefix + (key.slice(prefix.length).split('/')[0] ?? ''));
      }
      return [...names].sort().flatMap((name) => this.look(name) ?? []);
    });
  }

  makeDirectory(path: string, signal?: AbortSignal): Promise<void> {
    return this.step(path, signal, () => {
      this.made.add(path);
    });
  }

  rename(from: string, to: string, signal?: AbortSignal): Promise<boolean> {
    return this.step(from, signal, () => {
      pathSegments(to);
      const file = this.files.get(from);
      if (file === undefined) return false;
      if (this.look(to) !== undefined)
        throw storageError('StorageConflict', 'rename to', to, 'the name is taken');
      this.put(to, file.content);
      this.files.delete(from);
      return true;
    });
  }

  remove(path: string, signal?: AbortSignal): Promise<void> {
    return this.step(path, signal, () => {
      if (path === '') throw storageError('StorageConflict', 'remove', path, 'the root is never removed');
      for (const key of [...this.files.keys()]) {
        if (key === path || key.startsWith(`${path}/`)) this.files.delete(key);
      }
      for (const key of [...this.made]) if (key === path || key.startsWith(`${path}/`)) this.made.delete(key);
    });
  }

  private put(path: string, content: Buffer): void {
    const segments = pathSegments(path);
    for (let i = 1; i < segments.length; i++) {
      const parent = segments.slice(0, i).join('/');
      if (this.files.has(parent)) throw storageError('StorageConflict', 'write', path, `${parent} is a file`);
    }
    this.files.set(path, { content, modifiedMs: Date.now() });
  }

  private look(path: string): StoredFile | undefined {
    const file = this.files.get(path);
    if (file !== undefined) {
      return { path, size: file.content.length, directory: false, modifiedMs: file.modifiedMs };
    }
    const below = [...this.files.keys(), ...this.made].some(
      (key) => key.startsWith(`${path}/`) || (key === path && this.made.has(path)),
    );
    return below ? { path, size: 0, directory: true, modifiedMs: Date.now() } : undefined;
  }

  private step<T>(path: string, signal: AbortSignal | undefined, work: () => T): Promise<T> {
    return Promise.resolve().then(() => {
      signal?.throwIfAborted();
      pathSegments(path);
      return work();
    });
  }
}
