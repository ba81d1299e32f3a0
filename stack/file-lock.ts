import { mkdirSync, readFileSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type ProcessIdentity, commandOf, identify, isAlive } from './proc/identity.js';

export interface LockOptions {
  /** Called once if the lock is held by someone else, with a text that names them. */
  onWait?: (holder: string) => void;
  pollMs?: number;
}

/** Runs `work` while holding a lock file that other processes respect. A holder that died loses it. */
export async function withFileLock<T>(
  file: string,
  work: () => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  mkdirSync(dirname(file), { recursive: true });
  let told = false;
  while (!tryAcquire(file)) {
    const holder = readHolder(file);
    if (holder !== undefined && !isAlive(holder)) {
      takeOver(file, holder);
      continue;
    }
    if (!told && holder !== undefined) {
      told = true;
      options.onWait?.(`pid ${holder.pid} (${commandOf(holder.pid) ?? '?'})`);
    }
    await delay(options.pollMs ?? 200);
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

function tryAcquire(file: string): boolean {
  const self = identify(process.pid);
  try {
    writeFileSync(file, JSON.stringify(self), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function readHolder(file: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity;
  } catch {
    // Gone, or written this very moment; a lock that stays unreadable was cut short by a crash.
    return ageMs(file) > 10_000 ? { pid: 0, born: 'unreadable' } : undefined;
  }
}

/** Two waiters may see the same dead holder: the guard lets one of them remove its lock, not a successor's. */
function takeOver(file: string, dead: ProcessIdentity): void {
  const guard = `${file}.takeover`;
  try {
    writeFileSync(guard, '', { flag: 'wx' });
  } catch {
    if (ageMs(guard) > 10_000) rmSync(guard, { force: true });
    return;
  }
  try {
    const now = readHolder(file);
    if (now?.pid === dead.pid && now.born === dead.born) unlinkSync(file);
  } finally {
    rmSync(guard, { force: true });
  }
}

function ageMs(file: string): number {
  try {
    return Date.now() - statSync(file).mtimeMs;
  } catch {
    return 0;
  }
}
