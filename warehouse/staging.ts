import { quoteSegment, STAGING, stagingBatchDirectory } from './layout.js';
import type { Storage } from './storage.js';

/**
 * Removes what all attempts of a committed batch left in the staging area. Only the workflow that committed it may ask for this:
 * nobody else knows that no commit still needs the files.
 */
export async function removeStagedBatch(
  storage: Storage,
  run: string,
  batch: string,
  signal?: AbortSignal,
): Promise<void> {
  await storage.remove(stagingBatchDirectory(run, batch), signal);
}

/** Removes the staging area of a workflow run that has ended, with what its zombies left after their batches were removed. */
export async function removeStagedRun(storage: Storage, run: string, signal?: AbortSignal): Promise<void> {
  await storage.remove(`${STAGING}/${quoteSegment(run)}`, signal);
}
