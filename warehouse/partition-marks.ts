import type { PartitionValues } from './catalog.js';
import type { Warehouse } from './fence.js';
import { jsonText } from './json-file.js';
import { SUCCESS_FILE } from './layout.js';
import type { PartitionState } from './manifest.js';
import { ManifestStore } from './manifest-store.js';
import type { Storage } from './storage.js';

/** Longest value that every metastore's schema takes for a parameter. */
const MAX_PARAMETER = 3900;

/** Parameters of a complete partition in the catalog. */
export function markParameters(state: PartitionState): Record<string, string> {
  const positions = JSON.stringify(state.completedPositions ?? {});
  return {
    'tributary.complete': String(state.complete),
    'tributary.revision': String(state.revision),
    'tributary.rows': String(state.rows),
    'tributary.positions': positions.length <= MAX_PARAMETER ? positions : `see ${SUCCESS_FILE}`,
    'tributary.completed_at': state.completedAt ?? '',
  };
}

/**
 * Makes `_SUCCESS` and the catalog's parameters say what the state says, if the partition is complete. The state is read again
 * afterwards: who publishes an old one beside someone with a newer one publishes once more.
 */
export async function publishMarks(
  { storage, catalog }: Warehouse,
  table: string,
  partition: PartitionValues,
  signal?: AbortSignal,
): Promise<void> {
  const manifests = new ManifestStore(storage);
  let state = await manifests.readPartition(table, partition, signal);
  while (state?.complete === true && state.dropped !== true) {
    await writeSuccess(storage, state, signal);
    await catalog.setPartitionParameters(table, partition, markParameters(state), signal);
    const now = await manifests.readPartition(table, partition, signal);
    if (now === undefined || sameMarks(state, now)) return;
    state = now;
  }
}

/** Writes `_SUCCESS` into the directory of a state. */
export async function writeSuccess(
  storage: Storage,
  state: PartitionState,
  signal?: AbortSignal,
): Promise<void> {
  await storage.write(`${state.directory}/${SUCCESS_FILE}`, successText(state), signal);
}

function sameMarks(a: PartitionState, b: PartitionState): boolean {
  return a.directory === b.directory && successText(a) === successText(b);
}

function successText(state: PartitionState): string {
  return jsonText({
    table: state.table,
    partition: state.partition,
    revision: state.revision,
    rows: state.rows,
    files: state.files,
    positions: state.completedPositions ?? {},
    completedAt: state.completedAt,
  });
}
