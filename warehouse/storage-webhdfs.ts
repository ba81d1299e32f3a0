import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { bodyOf, type HttpBody } from './http-request.js';
import { baseName, parentOf, pathSegments } from './layout.js';
import { fromErrno, storageError } from './storage-errors.js';
import { TEMPORARY_PREFIX, type Storage, type StoredFile } from './storage.js';
import { WebHdfsClient, type FileStatus, type WebHdfsClientOptions } from './webhdfs-client.js';
import { toStorageError, WebHdfsError } from './webhdfs-errors.js';

export interface WebHdfsOptions extends WebHdfsClientOptions {
  /** Absolute directory in HDFS. */
  root: string;
  /** Prefix of URIs, e.g. hdfs://nameservice1; absent: Hive's own fs.defaultFS holds. */
  fsUri?: string;
}

/** Tries of a rename whose target directory has to be made, or vanishes again. */
const RENAME_ATTEMPTS = 5;
const DISCARD_MS = 1_000;

/**
 * HDFS over WebHDFS or HttpFS. A file is written under a name of its own in its directory and renamed: no reader sees half of it,
 * and a second try never meets the lease of the first.
 */
export class WebHdfsStorage implements Storage {
  readonly kind = 'webhdfs';
  private readonly client: WebHdfsClient;
  private readonly root: string;
  private readonly fsUri: string;

  constructor(options: WebHdfsOptions) {
    this.client = new WebHdfsClient(options);
    this.root = options.root.replace(/\/+$/, '');
    if (!this.root.startsWith('/')) {
      throw storageError('StorageRefused', 'open', options.root, 'the root must be an absolute path in HDFS');
    }
    pathSegments(this.root.slice(1));
    this.fsUri = options.fsUri ?? '';
  }

  uri(path: string): string {
    return `${this.fsUri}${this.absolute(path)}`;
  }

  pathOf(uri: string): string | undefined {
    const [, scheme = '', local = ''] = /^([a-z][a-z0-9+.-]*:\/\/[^/]*)?(\/.*)$/i.exec(uri) ?? [];
    if (this.fsUri !== '' && scheme !== '' && scheme !== this.fsUri) return undefined;
    if (local === this.root) return '';
    return local.startsWith(`${this.root}/`) ? local.slice(this.root.length + 1) : undefined;
  }

  async upload(localFile: string, path: string, signal?: AbortSignal): Promise<void> {
    const body = async (): Promise<HttpBody> => {
      const { size } = await stat(localFile);
      return { length: size, data: createReadStream(localFile, { highWaterMark: 1 << 18 }) };
    };
    await this.put('upload', path, body, true, signal);
  }

  async download(path: string, localFile: string, signal?: AbortSignal): Promise<void> {
    await this.guarded('download', path, async () => {
      const temporary = `${localFile}.${randomUUID()}`;
      try {
        await this.client.open(this.at('download', path, signal), async (body) => {
          await pipeline(body, createWriteStream(temporary), { signal });
        });
        await this.checkLength(path, (await stat(temporary)).size, signal);
        await rename(temporary, localFile);
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
    });
  }

  async copy(from: string, to: string, signal?: AbortSignal): Promise<void> {
    // WebHDFS copies nothing by itself, and a stream from one DataNode to another could not be tried again.
    const directory = await mkdtemp(join(tmpdir(), 'tributary-copy-'));
    try {
      await this.download(from, join(directory, 'file'), signal);
      await this.upload(join(directory, 'file'), to, signal);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  async write(path: string, content: string | Buffer, signal?: AbortSignal): Promise<void> {
    await this.put('write', path, () => bufferBody(content), true, signal);
  }

  async create(path: string, content: string | Buffer, signal?: AbortSignal): Promise<boolean> {
    return this.put('create', path, () => bufferBody(content), false, signal);
  }

  async read(path: string, signal?: AbortSignal): Promise<Buffer | undefined> {
    return this.guarded('read', path, () =>
      absentAsUndefined(this.client.open(this.at('read', path, signal), bodyOf)),
    );
  }

  async stat(path: string, signal?: AbortSignal): Promise<StoredFile | undefined> {
    return this.guarded('look at', path, async () => {
      const call = { ...this.at('look at', path, signal), method: 'GET', op: 'GETFILESTATUS' } as const;
      const answer = await absentAsUndefined(this.client.call(call));
      if (answer === undefined) return undefined;
      return stored(path, (answer.json as { FileStatus: FileStatus }).FileStatus);
    });
  }

  async list(path: string, signal?: AbortSignal): Promise<StoredFile[]> {
    const statuses =
      (await this.guarded('list', path, () =>
        absentAsUndefined(this.client.list(this.at('list', path, signal))),
      )) ?? [];
    return statuses
      .filter(({ pathSuffix }) => pathSuffix !== '' && !pathSuffix.startsWith(TEMPORARY_PREFIX))
      .map((status) => stored(path === '' ? status.pathSuffix : `${path}/${status.pathSuffix}`, status))
      .sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  async makeDirectory(path: string, signal?: AbortSignal): Promise<void> {
    await this.guarded('make directory', path, () =>
      this.client.call({ ...this.at('make directory', path, signal), method: 'PUT', op: 'MKDIRS' }),
    );
  }

  async rename(from: string, to: string, signal?: AbortSignal): Promise<boolean> {
    return this.guarded('rename to', to, async () => {
      const outcome = await this.move(from, to, false, signal);
      if (outcome === 'taken') throw storageError('StorageConflict', 'rename to', to, 'the name is taken');
      return outcome === 'done';
    });
  }

  async remove(path: string, signal?: AbortSignal): Promise<void> {
    if (pathSegments(path).length === 0) {
      throw storageError('StorageConflict', 'remove', path, 'the root itself is never removed');
    }
    await this.guarded('remove', path, () =>
      this.client.call({
        ...this.at('remove', path, signal),
        ...{ method: 'DELETE', op: 'DELETE', parameters: { recursive: 'true' } },
      }),
    );
  }

  /** Ends idle connections; the storage may still be used. */
  close(): void {
    this.client.close();
  }

  private absolute(path: string): string {
    return [this.root, ...pathSegments(path)].join('/');
  }

  private at(
    action: string,
    path: string,
    signal: AbortSignal | undefined,
  ): { action: string; path: string; signal?: AbortSignal } {
    return { action, path: this.absolute(path), ...(signal === undefined ? {} : { signal }) };
  }

  private async put(
    action: string,
    path: string,
    body: () => HttpBody | Promise<HttpBody>,
    replace: boolean,
    signal?: AbortSignal,
  ): Promise<boolean> {
    return this.guarded(action, path, async () => {
      const target = this.at(action, path, signal);
      const directory = parentOf(path);
      const temporaries: string[] = [];
      const nextPath = (): string => {
        const name = `${TEMPORARY_PREFIX}${randomUUID()}`;
        temporaries.push(directory === '' ? name : `${directory}/${name}`);
        return this.absolute(temporaries.at(-1) ?? name);
      };
      try {
        await this.client.create(target, nextPath, body);
        const written = temporaries.at(-1) ?? '';
        const outcome = await this.move(written, path, replace, signal);
        if (outcome === 'done') temporaries.pop();
        if (outcome === 'absent') {
          throw storageError('StorageUnavailable', action, path, 'its temporary file was removed');
        }
        if (outcome === 'taken' && replace) {
          throw storageError('StorageConflict', action, path, 'a directory is there');
        }
        return outcome === 'done';
      } finally {
        if (signal?.aborted !== true) await this.discard(temporaries);
      }
    });
  }

  /** Renames without or with replacing. An earlier try of this very call that took effect unheard counts as done. */
  private async move(
    from: string,
    to: string,
    replace: boolean,
    signal?: AbortSignal,
  ): Promise<'done' | 'taken' | 'absent'> {
    const parameters = { destination: this.absolute(to), renameoptions: replace ? 'OVERWRITE' : 'NONE' };
    let repeated = false;
    let plain = false;
    for (let attempt = 0; attempt < RENAME_ATTEMPTS; attempt++) {
      try {
        const answer = await this.client.call({
          ...this.at('rename', from, signal),
          ...{ method: 'PUT', op: 'RENAME', parameters },
        });
        repeated ||= answer.repeated;
        // HttpFS knows no renameoptions and answers with a boolean, as old NameNodes do.
        plain = (answer.json as { boolean?: boolean } | undefined)?.boolean === false;
        if (!plain) return 'done';
      } catch (error) {
        const exception = error instanceof WebHdfsError ? error.fault.exception : '';
        repeated ||= error instanceof WebHdfsError && error.repeated;
        if (exception !== 'FileNotFoundException' && exception !== 'FileAlreadyExistsException') {
          if (error instanceof WebHdfsError && /must both be/.test(error.message)) return 'taken';
          throw error;
        }
      }
      const [source, target] = await Promise.all([this.stat(from, signal), this.stat(to, signal)]);
      if (source === undefined) return target !== undefined && repeated ? 'done' : 'absent';
      if (target !== undefined && (!replace || target.directory)) return 'taken';
      if (target === undefined) await this.makeDirectory(parentOf(to), signal);
      // HttpFS cannot replace: for a moment there is no file of that name.
      else if (plain) await this.remove(to, signal);
    }
    throw storageError('StorageUnavailable', 'rename', from, `${parentOf(to)} appears and vanishes`);
  }

  private async checkLength(path: string, size: number, signal?: AbortSignal): Promise<void> {
    const expected = (await this.stat(path, signal))?.size;
    if (expected === size) return;
    throw storageError(
      'StorageUnavailable',
      'read',
      path,
      `${size} bytes came, it has ${expected ?? 'no'} bytes`,
    );
  }

  /** A leftover that cannot be removed now is hidden from lists and from Hive, and goes with its directory. */
  private async discard(temporaries: string[]): Promise<void> {
    const soon = AbortSignal.timeout(DISCARD_MS);
    for (const temporary of temporaries) await this.remove(temporary, soon).catch(() => undefined);
  }

  private async guarded<T>(action: string, path: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof WebHdfsError) {
        if (isAbsent(error))
          throw storageError('StorageConflict', action, this.absolute(path), 'it is not there');
        throw toStorageError(error.fault, action, `${baseName(path)} (${this.absolute(path)})`);
      }
      throw fromErrno(error, action, path);
    }
  }
}

function stored(path: string, status: FileStatus): StoredFile {
  const directory = status.type === 'DIRECTORY';
  return { path, size: directory ? 0 : status.length, directory, modifiedMs: status.modificationTime };
}

function bufferBody(content: string | Buffer): HttpBody {
  const data = Buffer.from(content);
  return { data, length: data.length };
}

function isAbsent(error: unknown): boolean {
  return error instanceof WebHdfsError && error.fault.exception === 'FileNotFoundException';
}

async function absentAsUndefined<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}
