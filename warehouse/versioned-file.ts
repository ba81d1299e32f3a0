import type { z } from 'zod';
import { TributaryError } from '../common/errors.js';
import { jsonText, parseStored } from './json-file.js';
import { baseName, numberedName, parseNumberedName } from './layout.js';
import type { Storage } from './storage.js';

/** Generations kept behind the newest one, for readers that have just listed the directory. */
const KEPT_GENERATIONS = 3;
const MAX_ATTEMPTS = 100;

/**
 * A small document that several processes may change, none of which may lose another's change. Each generation is a file of its
 * own that is created only if its name is free, so a writer that read an old generation (a zombie) loses and looks again.
 */
export class VersionedFile<T> {
  constructor(
    private readonly storage: Storage,
    private readonly directory: string,
    private readonly schema: z.ZodType<T>,
  ) {}

  /** The newest generation's content; undefined if there is none. */
  async read(signal?: AbortSignal): Promise<T | undefined> {
    return (await this.newest(signal))?.content;
  }

  /**
   * Replaces the content by what `decide` makes of it; `undefined` leaves it as it is. `decide` may be called several
   * times and must answer `undefined` once its change is in. Returns the content afterwards.
   */
  async update(
    decide: (content: T | undefined) => T | undefined,
    signal?: AbortSignal,
  ): Promise<T | undefined> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const newest = await this.newest(signal);
      const next = decide(newest?.content);
      if (next === undefined) return newest?.content;
      const generation = (newest?.generation ?? 0) + 1;
      if (!(await this.storage.create(this.path(generation), jsonText(next), signal))) continue;
      const all = await this.generations(signal);
      // Created at a name that was free only because it is long outdated: nobody will read it. Look again.
      if (all.at(-1) !== generation) continue;
      for (const old of all) {
        if (old < generation - KEPT_GENERATIONS) await this.storage.remove(this.path(old), signal);
      }
      return next;
    }
    throw new TributaryError({
      code: 'StorageUnavailable',
      message: `${this.directory} is being changed by too many writers at once. It is tried again by itself.`,
      retryable: true,
      attributes: { path: this.directory },
    });
  }

  private async newest(signal?: AbortSignal): Promise<{ generation: number; content: T } | undefined> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const generation = (await this.generations(signal)).at(-1);
      if (generation === undefined) return undefined;
      const path = this.path(generation);
      const bytes = await this.storage.read(path, signal);
      if (bytes !== undefined) return { generation, content: parseStored(this.schema, path, bytes) };
    }
    throw new TributaryError({
      code: 'StorageUnavailable',
      message: `${this.directory} lists files that cannot be read. It is tried again by itself.`,
      retryable: true,
      attributes: { path: this.directory },
    });
  }

  private async generations(signal?: AbortSignal): Promise<number[]> {
    const files = await this.storage.list(this.directory, signal);
    const numbers = files.map((file) => parseNumberedName(baseName(file.path)));
    return numbers.filter((n) => n !== undefined).sort((a, b) => a - b);
  }

  private path(generation: number): string {
    return `${this.directory}/${numberedName(generation)}`;
  }
}
