import { partitionBounds } from '../common/zone.js';
import type { TableSpec } from '../config/spec.js';
import { ManifestStore } from '../warehouse/manifest-store.js';
import type { PartitionState } from '../warehouse/manifest.js';
import type { DueSnapshots, SnapshotBoundary } from '../workflows/snapshot-types.js';
import { attempt } from './attempt.js';
import { boundaryAt, nextBoundary, owedBoundaries } from './snapshot-calendar.js';
import type { ActivityContext } from './context.js';
import { changelogTable } from './hive-tables.js';
import { snapshotTableName } from './snapshot-table.js';
import type { ControlActivities } from './types.js';

/** Snapshots that a table owes by now: those that late changes outdated, then every boundary that has passed. */
export function dueSnapshots(context: ActivityContext): ControlActivities['dueSnapshots'] {
  return ({ spec, base, lastMs: known, throughMs, remake, limit }) =>
    attempt(async ({ signal }) => {
      const store = new ManifestStore(context.storage);
      const look = known === null || remake !== null;
      const published = look ? await publishedBoundaries(store, spec, signal) : [];
      const lastMs = known ?? published.at(-1) ?? null;
      if (remake !== null) {
        const again = againSince(published, spec, remake.doneMs ?? remake.fromMs);
        if (again.length > 0) {
          return {
            due: again.slice(0, limit),
            lastMs,
            nextMs: lastMs === null ? null : nextBoundary(lastMs, spec),
          };
        }
      }
      const fromMs = lastMs ?? base?.boundaryMs ?? (await firstChange(store, spec, signal));
      if (fromMs === null) return { due: [], lastMs, nextMs: null };
      const owed = owedBoundaries(fromMs, throughMs, spec).slice(0, limit);
      const boundaries = owed.map((ms) => boundaryAt(ms, spec));
      const last = lastMs === null ? null : boundaryAt(lastMs, spec);
      return {
        due: boundaries.map((boundary, i) => ({
          boundary,
          previous: boundaries[i - 1] ?? last,
          again: false,
        })),
        lastMs,
        nextMs: owed[0] ?? nextBoundary(Math.max(fromMs, throughMs), spec),
      };
    });
}

/** Boundaries of the snapshots that readers see, ascending. */
async function publishedBoundaries(
  store: ManifestStore,
  spec: TableSpec,
  signal: AbortSignal,
): Promise<number[]> {
  const states = await store.listPartitions(snapshotTableName(spec), signal);
  return states
    .filter((state) => state.dropped !== true)
    .map((state) => boundaryOf(state, spec))
    .sort((a, b) => a - b);
}

/** The instant that a snapshot's partition closes with. */
export function boundaryOf(
  { partition }: Pick<PartitionState, 'partition'>,
  spec: Pick<TableSpec, 'timezone'>,
): number {
  const { dt, hh, mi } = partition;
  const values = { dt: dt!, ...(hh !== undefined && { hh }), ...(mi !== undefined && { mi }) };
  return partitionBounds(values, spec.timezone).endMs;
}

function againSince(published: number[], spec: TableSpec, afterMs: number): DueSnapshots['due'] {
  const at = (ms: number | undefined): SnapshotBoundary | null =>
    ms === undefined ? null : boundaryAt(ms, spec);
  return published.flatMap((ms, i) =>
    ms <= afterMs ? [] : [{ boundary: boundaryAt(ms, spec), previous: at(published[i - 1]), again: true }],
  );
}

/** When the log of a table that begins empty begins; null while nothing has landed. */
async function firstChange(
  store: ManifestStore,
  spec: TableSpec,
  signal: AbortSignal,
): Promise<number | null> {
  const states = await store.listPartitions(changelogTable(spec), signal);
  const times = states
    .filter(({ rows }) => rows > 0)
    .map((state) => state.minEventMs ?? startOf(state, spec));
  return times.length === 0 ? null : Math.min(...times);
}

function startOf({ partition }: PartitionState, spec: TableSpec): number {
  const { dt, hh } = partition;
  return partitionBounds({ dt: dt!, ...(hh !== undefined && { hh }) }, spec.timezone).startMs;
}
