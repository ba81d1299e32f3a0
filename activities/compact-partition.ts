import { join } from 'node:path';
import { contentHash } from '../common/hash.js';
import { mapParallel } from '../warehouse/parallel.js';
import { baseName, versionDirectory, versionOf } from '../warehouse/layout.js';
import { groupBySize, inputPath, rewriteParquet } from '../warehouse/rewrite-parquet.js';
import { attempt, withScratch } from './attempt.js';
import type { ActivityContext } from './context.js';
import type { HeavyActivities } from './types.js';

const DOWNLOADS = 4;

/**
 * Rewrites the small files of a partition into a directory that nobody reads yet. The pointer moves later, between two
 * commits; until then the partition is what it was.
 */
export function compactPartition(context: ActivityContext): HeavyActivities['compactPartition'] {
  return ({ due, targetBytes }) =>
    attempt(async ({ signal }) => {
      const { storage } = context;
      const present = new Map((await storage.list(due.directory, signal)).map((file) => [file.path, file]));
      const files = due.compact.map((path) => present.get(path));
      // Someone moved the partition since it was planned: the next look plans it again.
      if (files.some((file) => file === undefined)) return null;
      const groups = groupBySize(files as { path: string; size: number }[], targetBytes);
      const newDirectory = versionDirectory(due.hiveTable, due.partition, versionOf(due.directory) + 1);
      await withScratch(context.scratch, 'compact', async (dir) => {
        for (const group of groups) {
          const paths = group.map(({ path }) => path);
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
        }
      });
      return { newDirectory, compacted: due.compact };
    });
}
