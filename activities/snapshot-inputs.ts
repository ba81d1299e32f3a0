import { parsePartitionPath, streamName } from '../warehouse/layout.js';
import type { ManifestStore } from '../warehouse/manifest-store.js';
import type { PartitionState } from '../warehouse/manifest.js';
import { mapParallel } from '../warehouse/parallel.js';
import { dataFiles } from '../warehouse/partition-switch.js';
import type { ChangeFile, OrderKind } from '../warehouse/snapshot/types.js';
import { isFresh, type LedgerEntry } from './change-ledger.js';

const LOOKS = 8;
/** A split task reads about this much. */
const TASK_BYTES = 192 * 2 ** 20;
const TASK_FILES = 300;
/** A clock that is put back shows an hour twice; where only wall clocks order changes, neighbours may hold them. */
const WALL_SLACK_MS = 2 * 3_600_000;

/** What a merge has taken in before. */
export interface TakenIn {
  boundaryMs: number;
  applied: Readonly<Record<string, number>>;
}

/** Changelog partitions with what is known of their changes. */
export type Candidates = Record<string, LedgerEntry>;

/** Candidates from the partitions' own states: for a first snapshot, and for one that is made anew. */
export function candidatesOf(
  states: readonly PartitionState[],
  pathOf: (state: PartitionState) => string,
): Candidates {
  const found: Candidates = {};
  for (const state of states) {
    if (state.dropped === true || state.rows === 0) continue;
    const { applied: streams, minEventMs, maxEventMs } = state;
    found[pathOf(state)] = { streams, minEventMs, maxEventMs };
  }
  return found;
}

/**
 * The partitions whose files a snapshot must read: changes before its boundary that were committed since the previous one, or that
 * the previous one left out because they were beyond its own. What was merged before does no harm.
 */
export function selectPartitions(
  candidates: Candidates,
  boundary: { ms: number; order: OrderKind },
  before: TakenIn | undefined,
): string[] {
  const slack = boundary.order === 'offset' ? WALL_SLACK_MS : 0;
  return Object.entries(candidates)
    .filter(([, entry]) => (entry.minEventMs ?? -Infinity) < boundary.ms + slack)
    .filter(
      ([, entry]) =>
        before === undefined ||
        isFresh(entry, before.applied) ||
        (entry.maxEventMs ?? Infinity) >= before.boundaryMs - slack,
    )
    .map(([partition]) => partition)
    .sort();
}

/** The instant before which a snapshot has taken in everything that the selection above would look for again. */
export function settledThrough(boundary: { ms: number; order: OrderKind }): number {
  return boundary.order === 'offset' ? boundary.ms - WALL_SLACK_MS : boundary.ms;
}

/** The commits that are whole by now: of the topic's own stream, and of those that the candidates or the previous snapshot name. */
export async function appliedNow(
  store: ManifestStore,
  topic: { kafka: string; topic: string },
  candidates: Candidates,
  before: TakenIn | undefined,
  signal: AbortSignal,
): Promise<Record<string, number>> {
  const names = new Set([
    streamName({ kafka: topic.kafka, topic: topic.topic }),
    ...Object.values(candidates).flatMap(({ streams }) => Object.keys(streams)),
  ]);
  const applied: Record<string, number> = { ...before?.applied };
  await mapParallel([...names], LOOKS, async (name) => {
    applied[name] = Math.max(applied[name] ?? 0, await store.committedSeq(name, signal));
  });
  return applied;
}

export interface Inputs {
  files: (ChangeFile & { bytes: number })[];
  rows: number;
  /** Nothing was landing meanwhile: the files have exactly these rows. */
  exact: boolean;
}

/**
 * The files of partitions. A state counts rows after their files are in place, so the files listed after it have at least its
 * rows, and exactly those where there are as many as it counts.
 */
export async function listInputs(
  store: ManifestStore,
  hiveTable: string,
  partitions: readonly string[],
  signal: AbortSignal,
): Promise<Inputs> {
  const found = await mapParallel([...partitions], LOOKS, async (partition) => {
    const state = await store.readPartition(hiveTable, parsePartitionPath(partition), signal);
    if (state === undefined || state.dropped === true) return { files: [], rows: 0, exact: true };
    const files = await dataFiles(store.storage, state.directory, signal);
    return {
      files: files.map(({ path, size }) => ({ path, bytes: size })),
      rows: state.rows,
      exact: files.length === state.files,
    };
  });
  return {
    files: found.flatMap(({ files }) => files),
    rows: found.reduce((sum, { rows }) => sum + rows, 0),
    exact: found.every(({ exact }) => exact),
  };
}

/** Shares files out over tasks, in order. */
export function packFiles<F extends { bytes: number }>(files: readonly F[], bytes = TASK_BYTES): F[][] {
  const tasks: F[][] = [];
  let room = 0;
  for (const file of files) {
    if (room < file.bytes || tasks.at(-1)!.length >= TASK_FILES) {
      tasks.push([]);
      room = bytes;
    }
    tasks.at(-1)!.push(file);
    room -= file.bytes;
  }
  return tasks;
}
