import { TributaryError } from '../common/errors.js';
import type { CatalogTable, PartitionValues } from './catalog.js';
import { fenced, type FenceOptions, type Warehouse } from './fence.js';
import { recordGarbage } from './garbage.js';
import { partitionPath, versionDirectory, versionOf } from './layout.js';
import { ManifestStore } from './manifest-store.js';
import type { PartitionState } from './manifest.js';
import { publishMarks } from './partition-marks.js';
import { emptyState } from './partition-state.js';

export interface CompleteRequest {
  table: string;
  partition: PartitionValues;
  /** Positions that proved it complete. */
  positions: Record<number, number>;
  completedAt: string;
  /** Make an empty partition where there is none, e.g. an hour without events. Default false. */
  createMissing?: boolean;
}

/**
 * Marks a partition complete: its state, `_SUCCESS` in its directory, and the catalog's parameters. May be repeated; the first
 * completion's time and positions stay.
 * @throws TributaryError PartitionMissing
 */
export async function completePartition(
  warehouse: Warehouse,
  request: CompleteRequest,
  options: FenceOptions = {},
): Promise<{ revision: number; rows: number; directory: string }> {
  return fenced(warehouse, options, async (stores, signal) => {
    const { table, partition, positions, completedAt } = request;
    const manifests = new ManifestStore(stores.storage);
    if (request.createMissing === true) await createEmpty(stores, table, partition, signal);
    const state = await manifests.updatePartition(
      table,
      partition,
      (now) => {
        if (now === undefined || now.dropped === true || now.complete) return undefined;
        return {
          ...now,
          complete: true,
          revision: now.revision + 1,
          completedAt,
          completedPositions: positions,
        };
      },
      signal,
    );
    if (state?.complete !== true) {
      throw new TributaryError({
        code: 'PartitionMissing',
        message: `Table ${table} has no partition ${partitionPath(partition)} that could be complete.`,
        attributes: { table, partition: partitionPath(partition) },
      });
    }
    await publishMarks(stores, table, partition, signal);
    const { revision, rows, directory } = state;
    return { revision, rows, directory };
  });
}

/**
 * Takes a partition out of the catalog (retention). Its files go after the grace period; rows that come later begin anew in a
 * directory of their own. May be repeated.
 */
export async function retirePartition(
  warehouse: Warehouse,
  request: { table: string; partition: PartitionValues; graceMs: number },
  options: FenceOptions = {},
): Promise<void> {
  await fenced(warehouse, options, async ({ storage, catalog }, signal) => {
    const { table, partition, graceMs } = request;
    const manifests = new ManifestStore(storage);
    const state = await manifests.readPartition(table, partition, signal);
    if (state === undefined || state.dropped === true) {
      await catalog.dropPartition(table, partition, signal);
      return;
    }
    const about = { table, partition, reason: 'replaced', dueMs: Date.now() + graceMs } as const;
    await recordGarbage(storage, state.directory, about, signal);
    await catalog.dropPartition(table, partition, signal);
    const next = versionDirectory(table, partition, versionOf(state.directory) + 1);
    await manifests.updatePartition(
      table,
      partition,
      (now) => (now === undefined || now.directory !== state.directory ? undefined : retired(now, next)),
      signal,
    );
  });
}

/**
 * Makes a table's entries in the catalog what the partition states say: for a catalog that was lost, restored from an older backup,
 * or changed by hand. Entries that no state knows stay. Answers how many partitions were added or moved.
 */
export async function restoreCatalog(
  warehouse: Warehouse,
  table: CatalogTable,
  options: FenceOptions & { onProgress?: () => void } = {},
): Promise<{ added: number; moved: number }> {
  return fenced(warehouse, options, async (stores, signal) => {
    const { storage, catalog } = stores;
    await catalog.ensureTable(table, signal);
    const known = new Set((await catalog.listPartitions(table.name, signal)).map(partitionPath));
    const states = (await new ManifestStore(storage).listPartitions(table.name, signal)).filter(
      (state) => state.dropped !== true,
    );
    const place = (state: PartitionState): { values: PartitionValues; location: string } => ({
      values: state.partition,
      location: storage.uri(state.directory),
    });
    const missing = states.filter((state) => !known.has(partitionPath(state.partition)));
    await catalog.addPartitions(table.name, missing.map(place), signal);
    let moved = 0;
    for (const state of states) {
      options.onProgress?.();
      const location = await catalog.partitionLocation(table.name, state.partition, signal);
      if (location === undefined || storage.pathOf(location) !== state.directory) {
        await catalog.movePartition(table.name, place(state), signal);
        moved += 1;
      }
      await publishMarks(stores, table.name, state.partition, signal);
    }
    return { added: missing.length, moved };
  });
}

async function createEmpty(
  { storage, catalog }: Warehouse,
  table: string,
  partition: PartitionValues,
  signal: AbortSignal | undefined,
): Promise<void> {
  const manifests = new ManifestStore(storage);
  if ((await manifests.readPartition(table, partition, signal)) !== undefined) return;
  const directory = versionDirectory(table, partition, 0);
  await storage.makeDirectory(directory, signal);
  await catalog.addPartitions(table, [{ values: partition, location: storage.uri(directory) }], signal);
  await manifests.updatePartition(
    table,
    partition,
    (now) => (now === undefined ? emptyState({ table, partition, directory }) : undefined),
    signal,
  );
}

function retired(state: PartitionState, directory: string): PartitionState {
  return {
    ...state,
    ...{ directory, dropped: true, complete: false, rows: 0, files: 0, bytes: 0 },
    ...{
      minEventMs: null,
      maxEventMs: null,
      completedAt: undefined,
      completedPositions: undefined,
      offsets: undefined,
    },
  };
}
