import { setMaxListeners } from 'node:events';
import { TributaryError } from '../common/errors.js';
import type { Catalog } from './catalog.js';
import type { Storage } from './storage.js';

/** The two stores that a warehouse consists of. */
export interface Warehouse {
  storage: Storage;
  catalog: Catalog;
}

export interface FenceOptions {
  /** Time (ms since the epoch) after which nothing shared is touched any more. */
  deadline?: number;
  signal?: AbortSignal;
  /** Clock, for tests. */
  now?: () => number;
}

/** setTimeout's own limit, 24 days. */
const MAX_TIMER = 2 ** 31 - 1;

const STORAGE_CHANGES: ReadonlySet<string | symbol> = new Set<keyof Storage>([
  'upload',
  'copy',
  'write',
  'create',
  'makeDirectory',
  'rename',
  'remove',
]);
const CATALOG_CHANGES: ReadonlySet<string | symbol> = new Set<keyof Catalog>([
  'ensureTable',
  'addPartitions',
  'movePartition',
  'setPartitionParameters',
  'dropPartition',
  'execute',
]);

/**
 * Runs `work` on stores that refuse every change once the deadline has passed, and that are told to stop then. An activity that
 * Temporal has given up runs on as a zombie; this is what keeps it from touching what its successor works on.
 * @throws TributaryError ActivityDeadlinePassed (retryable)
 */
export async function fenced<T>(
  warehouse: Warehouse,
  options: FenceOptions,
  work: (warehouse: Warehouse, signal: AbortSignal | undefined) => Promise<T>,
): Promise<T> {
  const { deadline, signal, now = Date.now } = options;
  if (deadline === undefined) return work(warehouse, signal);
  const check = (): void => {
    signal?.throwIfAborted();
    if (now() >= deadline) throw deadlinePassed();
  };
  check();
  const timer = new AbortController();
  const stop = signal === undefined ? timer.signal : AbortSignal.any([signal, timer.signal]);
  // Many requests of one commit wait on it; that is no leak.
  setMaxListeners(0, stop);
  const timeout = setTimeout(() => timer.abort(deadlinePassed()), Math.min(deadline - now(), MAX_TIMER));
  try {
    return await work(
      {
        storage: refusing(warehouse.storage, STORAGE_CHANGES, check),
        catalog: refusing(warehouse.catalog, CATALOG_CHANGES, check),
      },
      stop,
    );
  } finally {
    clearTimeout(timeout);
  }
}

function refusing<T extends object>(store: T, changes: ReadonlySet<string | symbol>, check: () => void): T {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      const call = member as (...args: unknown[]) => unknown;
      if (!changes.has(name)) return call.bind(target);
      return (...args: unknown[]): Promise<unknown> =>
        Promise.resolve().then(() => {
          check();
          return call.apply(target, args);
        });
    },
  });
}

function deadlinePassed(): TributaryError {
  return new TributaryError({
    code: 'ActivityDeadlinePassed',
    message: 'This attempt has outlived its deadline and touches nothing any more. Its successor goes on.',
    retryable: true,
  });
}
