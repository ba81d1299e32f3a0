import type { TableSpec } from '../config/spec.js';
import type { BackfillMemory } from './backfill-types.js';
import type { BootstrapBase, BootstrapProgress } from './bootstrap-types.js';
import type { Fault, IngestSettings } from './ingest-types.js';
import type { Pace } from './pace.js';
import type { SnapshotDone, SnapshotState } from './snapshot-types.js';
import type { VerifiedNote } from './verify-types.js';

/** What a topic tells each of its tables. */
export interface TableProgress {
  phase: 'catching-up' | 'running' | 'paused' | 'waiting';
  /** Null while it is not known; `lagUnknown` then says why. */
  lagRecords: number | null;
  /** Null while nothing is known of how old the first waiting record is. */
  lagSeconds: number | null;
  lagUnknown?: { code: string; message: string };
  rows: number;
  quarantined: number;
  lastCompletePartition: string | null;
  completeThroughMs: number | null;
  seq: number;
  /** The earliest event that landed late since the last report. */
  lateFromMs?: number;
  fault: Fault | null;
  /** Where the table begins to read is fixed: nothing that comes to the topic from now on can be missed unnoticed. */
  joined?: boolean;
}

export interface TableInput {
  spec: TableSpec;
  settings: IngestSettings;
  /** The state's pin is of an older spec. */
  stale?: boolean;
  state?: TableState;
}

export interface TableState {
  phase: 'preparing' | 'bootstrap' | 'running' | 'paused' | 'stopped';
  pin: string | null;
  paused: boolean;
  progress: TableProgress | null;
  fault: Fault | null;
  startedMs: number;
  /** When it last heard of its topic. */
  heardMs?: number;
  /** Why and since when it is paused. */
  pause?: PauseNote;
  /** The topic that it reads, `kafka/topic`: that of an older spec while a changed one cannot be applied. */
  reads?: string;
  /** The last verification that ended. */
  verified?: VerifiedNote;
  /** Rows landed at the last few looks. */
  pace?: Pace;
  backfill?: BackfillMemory;
  /** What the first snapshot starts from. Null: no bootstrap is configured, or it is not done (phase `bootstrap`). */
  base?: BootstrapBase | null;
  /** Directory of the base that a bootstrap under way will replace; snapshots go on from it until then. */
  replacing?: string | null;
  /** How the bootstrap stands that runs now. */
  bootstrap?: BootstrapProgress | null;
  snapshots?: SnapshotState;
}

export interface PauseNote {
  /** When it was asked for. */
  sinceMs: number;
  reason: string | null;
}

/** What the workflow's memo shows beside the search attributes: `status` reads it without asking any worker. */
export interface TableMemo {
  /** Null before the topic has told the table anything. */
  rows: number | null;
  quarantined: number | null;
  completeThroughMs: number | null;
  fault: Fault | null;
  lastSnapshot?: SnapshotDone;
  reading: TableProgress['phase'] | null;
  pause?: PauseNote | null;
  rowsPerSecond?: number | null;
  /** When the table last heard of its topic; null before it ever did. Absent of tables of versions that did not tell. */
  heardMs?: number | null;
  /** Why the lag is not known. */
  lagUnknown?: { code: string; message: string } | null;
}

/** Answer of the query `status`. */
export interface TableStatus {
  table: string;
  mode: string;
  source: string;
  format: string;
  phase: string;
  /** As the list of all tables shows it: `waiting` where a fault holds it, `pausing` while a batch still lands. */
  shownPhase: string;
  paused: boolean;
  pause: PauseNote | null;
  /** A changed config is not applied, or not yet: rows land by the one before it, which `pin` names. */
  configPending: boolean;
  /** The topic that it reads; null before it reads any. */
  reads: string | null;
  verified: VerifiedNote | null;
  pin: string | null;
  ingestWorkflowId: string;
  progress: TableProgress | null;
  /** What the snapshots start from, once a bootstrap is done. */
  base: BootstrapBase | null;
  /** How the bootstrap stands that runs now. */
  bootstrap: BootstrapProgress | null;
  snapshots: SnapshotState | null;
  fault: Fault | null;
  /** What runs, and what became of the last ones. */
  backfill: BackfillMemory | null;
  /** It ends as soon as what it is in the middle of is done. */
  stopping: boolean;
}
