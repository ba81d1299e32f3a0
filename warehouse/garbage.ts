import { z } from 'zod';
import type { PartitionValues } from './catalog.js';
import { fenced, type FenceOptions, type Warehouse } from './fence.js';
import { jsonText, parseStored } from './json-file.js';
import { GARBAGE_DIRECTORY, garbagePath } from './layout.js';
import { ManifestStore } from './manifest-store.js';
import type { Storage } from './storage.js';

const recordSchema = z.object({
  version: z.literal(1),
  directory: z.string().min(1),
  table: z.string(),
  partition: z.record(z.string(), z.string()),
  /** `unfinished`: written into, not yet anyone's content; `replaced`: was content, queries may still read it. */
  reason: z.enum(['unfinished', 'replaced']),
  dueMs: z.number(),
});
type GarbageRecord = z.infer<typeof recordSchema>;

/** Notes that a directory may go at `dueMs`, unless it is a partition's content then. May be repeated. */
export async function recordGarbage(
  storage: Storage,
  directory: string,
  about: { table: string; partition: PartitionValues; reason: GarbageRecord['reason']; dueMs: number },
  signal?: AbortSignal,
): Promise<void> {
  const { table, partition, reason, dueMs } = about;
  const record: GarbageRecord = { version: 1, directory, table, partition, reason, dueMs };
  await storage.write(garbagePath(directory), jsonText(record), signal);
}

/**
 * Removes the directories whose time has come; answers which. Never one that a partition's state or the catalog points at.
 */
export async function sweepGarbage(
  warehouse: Warehouse,
  nowMs: number,
  options: FenceOptions & { onProgress?: () => void } = {},
): Promise<string[]> {
  return fenced(warehouse, options, async ({ storage, catalog }, signal) => {
    const manifests = new ManifestStore(storage);
    const removed: string[] = [];
    for (const file of await storage.list(GARBAGE_DIRECTORY, signal)) {
      options.onProgress?.();
      const bytes = await storage.read(file.path, signal);
      if (bytes === undefined) continue;
      const { directory, table, partition, dueMs, reason } = parseStored(recordSchema, file.path, bytes);
      if (dueMs > nowMs) continue;
      const state = await manifests.readPartition(table, partition, signal);
      if (state?.directory === directory) {
        // Live. What was a claim has become content; what a switch noted and did not finish stays noted.
        if (reason === 'unfinished') await storage.remove(file.path, signal);
        continue;
      }
      const location = await catalog.partitionLocation(table, partition, signal);
      if (location !== undefined && storage.pathOf(location) === directory) continue;
      await storage.remove(directory, signal);
      await storage.remove(file.path, signal);
      removed.push(directory);
    }
    return removed;
  });
}
