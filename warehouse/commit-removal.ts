import { isTributaryError, TributaryError } from '../common/errors.js';
import type { Warehouse } from './fence.js';
import { recordGarbage } from './garbage.js';
import { partitionPath, streamName } from './layout.js';
import type { CommitRecord, CommitRemoval } from './manifest.js';
import { ManifestStore } from './manifest-store.js';
import { publishMarks } from './partition-marks.js';
import { switchPartition, type SwitchRequest } from './partition-switch.js';
import type { Storage } from './storage.js';

/** Queries that began on the old directory end within this time, unless the request says otherwise. */
const DEFAULT_GRACE_MS = 86_400_000;

/**
 * Before the record of a commit exists: what it takes rows from must be what it was planned on.
 * @throws TributaryError CommitOutdated (permanent: plan anew)
 */
export async function checkRemovals(
  storage: Storage,
  removals: CommitRemoval[],
  signal?: AbortSignal,
): Promise<void> {
  const manifests = new ManifestStore(storage);
  for (const removal of removals) {
    const state = await manifests.readPartition(removal.table, removal.partition, signal);
    if (state?.directory === removal.expectedDirectory && state.dropped !== true) continue;
    throw new TributaryError({
      code: 'CommitOutdated',
      message:
        `Rows were to leave partition ${partitionPath(removal.partition)} of ${removal.table} at ${removal.expectedDirectory}, ` +
        `but it is at ${state?.directory ?? 'no directory'} now. Nothing was committed. Plan it anew.`,
      attributes: { table: removal.table, expected: removal.expectedDirectory },
    });
  }
}

/**
 * Takes the rows of a removal out of their partition, once: what stays goes into the new directory and the pointer moves. May
 * be repeated, by several attempts at once, and long after: the partition remembers the commits that took rows from it.
 */
export async function applyRemoval(
  warehouse: Warehouse,
  record: CommitRecord,
  removal: CommitRemoval,
  signal?: AbortSignal,
): Promise<void> {
  const { storage } = warehouse;
  const { table, partition } = removal;
  const stream = streamName(record);
  const done = async (): Promise<boolean> => {
    const state = await new ManifestStore(storage).readPartition(table, partition, signal);
    // Retention took the whole partition: with it went the rows.
    if (state === undefined || state.dropped === true) return true;
    return (state.applied[stream] ?? 0) >= record.seq;
  };
  if (!(await done())) await takeOut(warehouse, record, removal, { done, signal });
  // The attempt that took the rows out may have died, or be about to, before the partition's marks said so.
  await publishMarks(warehouse, table, partition, signal);
}

async function takeOut(
  warehouse: Warehouse,
  record: CommitRecord,
  removal: CommitRemoval,
  { done, signal }: { done: () => Promise<boolean>; signal: AbortSignal | undefined },
): Promise<void> {
  const { storage } = warehouse;
  const { table, partition, expectedDirectory, newDirectory, inputs, files, rows } = removal;
  const graceMs = record.graceMs ?? DEFAULT_GRACE_MS;
  const about = { table, partition, reason: 'unfinished', dueMs: Date.now() + graceMs } as const;
  await recordGarbage(storage, newDirectory, about, signal);
  for (const file of files) {
    const target = `${newDirectory}/${file.finalName}`;
    if ((await storage.stat(target, signal))?.size === file.bytes) continue;
    await storage.copy(file.stagedPath, target, signal);
  }
  const request: SwitchRequest = {
    ...{ table, partition, expectedDirectory, newDirectory, inputs, graceMs },
    newFiles: files.map(({ finalName }) => finalName),
    mode: 'compact',
    removed: { rows, stream: streamName(record), seq: record.seq },
    streams: [{ kafka: record.kafka, topic: record.topic }],
  };
  try {
    await switchPartition(warehouse, request, { ...(signal && { signal }) });
  } catch (error) {
    // Another attempt was faster, and the partition may have moved on since.
    if (!isTributaryError(error, 'SwitchConflict') || !(await done())) throw error;
  }
}
