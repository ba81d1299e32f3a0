import type { TableSpec } from '../config/spec.js';
import type { BootstrapBase } from './bootstrap-types.js';
import type { Fault } from './ingest-types.js';

/** A boundary with its place in the calendar and in Hive. */
export interface SnapshotBoundary {
  /** The instant (exclusive) up to which changes belong to the snapshot, ms since the epoch. */
  ms: number;
  /** Partition that the boundary closes. */
  partition: Record<string, string>;
  /** `dt=2024-05-01` or `dt=2024-05-01/hh=09`. */
  name: string;
  /** The instant on the wall clock of the table's zone, `yyyy-mm-dd hh:mm:ss`. */
  wall: string;
}

/** A published snapshot, in the numbers that people ask for. */
export interface SnapshotDone {
  boundaryMs: number;
  name: string;
  revision: number;
  rows: number;
  inserted: number;
  updated: number;
  deleted: number;
  engine: 'duckdb' | 'hive';
  /** Why this engine, and how many buckets. */
  reason: string;
  finishedMs: number;
  tookMs: number;
}

/** Changes that came after their snapshots were published, or were put in order by hand: those snapshots are made anew. */
export interface Remake {
  /** Snapshots of boundaries after this instant. */
  fromMs: number;
  /** The last boundary that has been made anew; null: none yet. */
  doneMs: number | null;
}

/** A table's snapshots, as its workflow keeps them. */
export interface SnapshotState {
  last: SnapshotDone | null;
  /** Boundary of the newest snapshot in storage; null while there is none. */
  lastMs: number | null;
  /** The next boundary; null while nothing is known to begin from. */
  nextMs: number | null;
  remake: Remake | null;
  /** What is being made: name and boundary. */
  running: { name: string; ms: number } | null;
  /** Changes that came while one was being made, which may have missed them. */
  outdatedFromMs: number | null;
  /** Boundaries at or before this instant have been looked at by retention; null: none yet. */
  retiredThroughMs: number | null;
  fault: Fault | null;
}

export interface DueRequest {
  spec: TableSpec;
  base: BootstrapBase | null;
  lastMs: number | null;
  /** All changes before this instant have landed. */
  throughMs: number;
  remake: Remake | null;
  limit: number;
}

export interface DueSnapshots {
  /** Oldest first; each starts from `previous` (null: from the bootstrap, or from nothing). */
  due: { boundary: SnapshotBoundary; previous: SnapshotBoundary | null; again: boolean }[];
  lastMs: number | null;
  nextMs: number | null;
}

export interface SnapshotInput {
  spec: TableSpec;
  base: BootstrapBase | null;
  boundary: SnapshotBoundary;
  previous: SnapshotBoundary | null;
  /** Made anew: what its changes are is looked up in all partitions. */
  again: boolean;
}

/** What a snapshot will do; the files are in the plan's document in storage. */
export interface SnapshotPlanned {
  /** Path of the plan. */
  plan: string;
  engine: 'duckdb' | 'hive';
  reason: string;
  buckets: number;
  splitTasks: number;
  baseTasks: number;
  changeFiles: number;
  changeBytes: number;
  previousRows: number;
}
