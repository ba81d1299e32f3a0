import { groupByPartition } from './commit-plan.js';
import type { Warehouse } from './fence.js';
import { streamName, type Stream } from './layout.js';
import { ManifestStore } from './manifest-store.js';

/**
 * Sequence number of a commit that was begun and not finished. `positions.json` alone does not tell: a zombie may have written an
 * old one over it.
 */
export async function pendingCommit(
  warehouse: Pick<Warehouse, 'storage'>,
  stream: Stream,
  signal?: AbortSignal,
): Promise<number | undefined> {
  const manifests = new ManifestStore(warehouse.storage);
  const seq = (await manifests.readPositions(stream, signal))?.seq ?? 0;
  const newest = (await manifests.commitNumbers(stream, signal)).at(-1) ?? 0;
  if (newest <= seq) return undefined;
  const record = await manifests.readCommit(stream, newest, signal);
  if (record === undefined) return undefined;
  for (const { table, partition } of [...groupByPartition(record.files), ...(record.removals ?? [])]) {
    const state = await manifests.readPartition(table, partition, signal);
    if (state?.dropped !== true && (state?.applied[streamName(stream)] ?? 0) < newest) return newest;
  }
  return undefined;
}

/** Sequence number that the next commit of a stream must have. The caller sees to it that none is pending. */
export async function nextSequence(
  warehouse: Pick<Warehouse, 'storage'>,
  stream: Stream,
  signal?: AbortSignal,
): Promise<number> {
  const manifests = new ManifestStore(warehouse.storage);
  const seq = (await manifests.readPositions(stream, signal))?.seq ?? 0;
  const newest = (await manifests.commitNumbers(stream, signal)).at(-1) ?? 0;
  return Math.max(seq, newest) + 1;
}
