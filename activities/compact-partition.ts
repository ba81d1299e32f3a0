import { join } from 'node:path';
import { contentHash } from '../common/hash.js';
import { mapParallel } from '../warehouse/parallel.js';
import { baseName } from '../warehouse/layout.js';
import { claimDirectory } from '../warehouse/partition-switch.js';
import { inputPath, rewriteParquet } from '../warehouse/rewrite-parquet.js';
import { attempt, withScratch } from './attempt.js';
import type { ActivityContext } from './context.js';
import type { HeavyActivities } from './types.js';

const DOWNLOADS = 4;

/**
 * Rewrites the small files of a partition into a directory that nobody reads yet. The pointer moves later, between two
 * commits; until then the partition is what it was.
 */
export function compactPartition(context: ActivityContext): HeavyActivities['compactPartition'] {
  return ({ due }) =>
    attempt(async ({ signal, id }) => {
      const { storage } = context;
      const { hiveTable: table, partition } = due;
      const present = new Set((await storage.list(due.directory, signal)).map((file) => file.path));
      // Someone moved the partition since it was planned: the next look plans it again.
      if (due.compact.flat().some((path) => !present.has(path))) return null;
      const claim = { table, partition, attempt: id, graceMs: context.graceMs };
      const newDirectory = await claimDirectory(context, claim, signal);
      const newFiles = await withScratch(context.scratch, 'compact', async (dir) => {
        const names: string[] = [];
        for (const paths of due.compact) {
          const inputs = paths.map((_, i) => inputPath(dir, i));
          await mapParallel(paths, DOWNLOADS, (path, i) => storage.download(path, inputs[i]!, signal));
          const name = `c-${contentHash(paths.map(baseName), 16)}.parquet`;
          const output = join(dir, name);
          await rewriteParquet(inputs, output, {
            ...context.duckdb,
            tempDirectory: join(dir, 'duckdb'),
            orderBy: 'kafka_partition, kafka_offset',
            signal,
          });
          await storage.upload(output, `${newDirectory}/${name}`, signal);
          names.push(name);
        }
        return names;
      });
      return { newDirectory, newFiles };
    });
}
