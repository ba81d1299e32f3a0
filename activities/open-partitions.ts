import { z } from 'zod';
import type { LandingTable } from '../changelog/types.js';
import { CONTROL, partitionPath, quoteSegment } from '../warehouse/layout.js';
import type { SplitManifest } from '../warehouse/manifest.js';
import type { Storage } from '../warehouse/storage.js';
import { VersionedFile } from '../warehouse/versioned-file.js';
import { changelogTable } from './hive-tables.js';

/**
 * Partitions that have rows and are not complete: table of the config -> `dt=…[/hh=…]`. Kept in storage, because a topic that
 * lands a year of history has more of them than a workflow's state should hold.
 */
const openPartitionsSchema = z.object({
  version: z.literal(1),
  tables: z.record(z.string(), z.array(z.string())),
});
export type OpenPartitions = z.infer<typeof openPartitionsSchema>;

export class OpenPartitionList {
  private readonly file: VersionedFile<OpenPartitions>;

  constructor(storage: Storage, kafka: string, topic: string) {
    const directory = `${CONTROL}/open/${quoteSegment(kafka)}/${quoteSegment(topic)}`;
    this.file = new VersionedFile(storage, directory, openPartitionsSchema);
  }

  async read(signal?: AbortSignal): Promise<OpenPartitions['tables']> {
    return (await this.file.read(signal))?.tables ?? {};
  }

  /** Adds the partitions of the landed rows of a commit. Adding one that is complete already is harmless. */
  async add(landings: LandingTable[], manifests: SplitManifest[], signal?: AbortSignal): Promise<void> {
    const wanted = touched(landings, manifests);
    await this.file.update((now) => {
      const tables = { ...now?.tables };
      let changed = false;
      for (const [table, partitions] of Object.entries(wanted)) {
        const missing = partitions.filter((partition) => !tables[table]?.includes(partition));
        if (missing.length === 0) continue;
        tables[table] = [...(tables[table] ?? []), ...missing].sort();
        changed = true;
      }
      return changed ? { version: 1, tables } : undefined;
    }, signal);
  }

  async remove(table: string, partition: string, signal?: AbortSignal): Promise<void> {
    await this.file.update((now) => {
      if (!now?.tables[table]?.includes(partition)) return undefined;
      const left = now.tables[table].filter((open) => open !== partition);
      return { version: 1, tables: { ...now.tables, [table]: left } };
    }, signal);
  }
}

function touched(landings: LandingTable[], manifests: SplitManifest[]): Record<string, string[]> {
  const byHiveTable = new Map(landings.map(({ spec }) => [changelogTable(spec), spec.name]));
  const partitions: Record<string, Set<string>> = {};
  for (const file of manifests.flatMap((manifest) => manifest.files)) {
    const table = byHiveTable.get(file.table);
    if (table !== undefined) (partitions[table] ??= new Set()).add(partitionPath(file.partition));
  }
  return Object.fromEntries(Object.entries(partitions).map(([table, set]) => [table, [...set]]));
}
