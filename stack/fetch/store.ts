import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { withFileLock } from '../file-lock.js';
import { type Report, seconds } from '../progress.js';

/** One thing to have in the cache, named by what it is made of. */
export interface CacheEntry {
  /** Kind and name, e.g. `maven/kafka`. */
  name: string;
  /** Hash of everything that decides the content. */
  key: string;
  /** Entries with the same lock are filled one at a time, in all processes. */
  lock: string;
  /** Puts the content into an empty directory. */
  fill: (directory: string) => Promise<void>;
  /** Cheap check that nothing was lost since; by default none. */
  intact?: (directory: string) => boolean;
}

/**
 * The directory of a cache entry, filled first if need be. It appears under its name only when it is complete, so an
 * interrupted or concurrent fill is never seen.
 */
export async function cached(
  cache: string,
  entry: CacheEntry,
  unit: string,
  report: Report,
): Promise<string> {
  const target = join(cache, `${entry.name}-${entry.key}`);
  const isThere = () => existsSync(target) && (entry.intact?.(target) ?? true);
  if (isThere()) return target;
  const onWait = (holder: string) => report(unit, `waiting for another download by ${holder}`);
  await withFileLock(
    join(cache, 'locks', entry.lock),
    async () => {
      if (isThere()) return;
      const start = Date.now();
      const partial = `${target}.partial`;
      await rm(partial, { recursive: true, force: true });
      await mkdir(partial, { recursive: true });
      await entry.fill(partial);
      await rm(target, { recursive: true, force: true });
      await rename(partial, target);
      report(unit, `${entry.name} is in the cache (${seconds(Date.now() - start)})`);
    },
    { onWait },
  );
  return target;
}
