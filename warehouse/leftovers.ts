import { pendingCommit } from './commit-pending.js';
import { baseName, CONTROL, STAGING, unquoteSegment, type Stream } from './layout.js';
import { ManifestStore } from './manifest-store.js';
import type { Storage } from './storage.js';

/** What is known of the workflow run that something in storage belongs to. */
export type RunState = 'running' | 'closed' | 'unknown';

/** Something that its run should have removed. */
export interface Leftover {
  path: string;
  /** Name of the run, or of what the path is about, as it was before it became a path segment. */
  name: string;
  modifiedMs: number;
}

/** Children of a directory that nobody has touched since an instant. */
export async function untouchedSince(
  storage: Storage,
  directory: string,
  beforeMs: number,
  signal?: AbortSignal,
): Promise<Leftover[]> {
  return (await storage.list(directory, signal))
    .filter(({ modifiedMs }) => modifiedMs < beforeMs)
    .map(({ path, modifiedMs }) => ({ path, name: unquoteSegment(baseName(path)), modifiedMs }));
}

/**
 * Whether a leftover may go. A run that is known to be over needs it no more once its zombies are over too; one of which nothing
 * is known may be one that the server cannot show just now, so it has long.
 */
export function mayGo(
  state: RunState,
  { modifiedMs }: Pick<Leftover, 'modifiedMs'>,
  nowMs: number,
  age: { closedMs: number; unknownMs: number },
): boolean {
  if (state === 'running') return false;
  return nowMs - modifiedMs >= (state === 'closed' ? age.closedMs : age.unknownMs);
}

/**
 * Runs whose staged files a commit still needs: its record exists, and not all of its files are where they belong. Whoever starts
 * the topic again rolls it forward, however long ago its run ended.
 */
export async function runsNeededByCommits(storage: Storage, signal?: AbortSignal): Promise<Set<string>> {
  const manifests = new ManifestStore(storage);
  const needed = new Set<string>();
  for (const stream of await allStreams(storage, signal)) {
    const seq = await pendingCommit({ storage }, stream, signal);
    const record = seq === undefined ? undefined : await manifests.readCommit(stream, seq, signal);
    const removed = record?.removals?.flatMap(({ files }) => files) ?? [];
    for (const { stagedPath } of [...(record?.files ?? []), ...removed]) {
      const [root, run] = stagedPath.split('/');
      if (root === STAGING && run !== undefined) needed.add(unquoteSegment(run));
    }
  }
  return needed;
}

/** Every sequence of commits that storage has records of: of topics, and of their members. */
async function allStreams(storage: Storage, signal?: AbortSignal): Promise<Stream[]> {
  const streams: Stream[] = [];
  for (const cluster of await storage.list(`${CONTROL}/commits`, signal)) {
    const kafka = unquoteSegment(baseName(cluster.path));
    for (const directory of await storage.list(cluster.path, signal)) {
      const topic = unquoteSegment(baseName(directory.path));
      streams.push({ kafka, topic });
      for (const member of await storage.list(`${directory.path}/members`, signal)) {
        streams.push({ kafka, topic, member: unquoteSegment(baseName(member.path)) });
      }
    }
  }
  return streams;
}
