import type { OffsetSet } from '../common/offset-ranges.js';
import type { TableSpec } from '../config/spec.js';

/** What a person asks for. The interval is of event time, half open, ms since the epoch. */
export interface BackfillRequest {
  /** Names the backfill: the same id again is answered with what became of the first. */
  id: string;
  fromMs: number;
  toMs: number;
  /** Rebuild partitions of which Kafka has lost a part; rows of that part stay as they are. */
  acceptMissing?: boolean;
}

/** Answer of the update `backfill`. */
export interface BackfillAccepted {
  id: string;
  workflowId: string;
  /** `known`: this id was asked for before. */
  state: 'started' | 'known';
}

/** How a backfill reads; from the table's own settings. */
export interface BackfillSettings {
  parallelism: number;
  splitRecords: number;
  targetBytes: number;
}

export interface PlanBackfillRequest {
  table: string;
  request: BackfillRequest;
  spec: TableSpec;
  /** The table's pin; the topic's newer one is taken where there is one. */
  pin: string;
  settings: BackfillSettings;
  /** Only show; nothing is written down. */
  dry: boolean;
}

/**
 * `rebuild`: Kafka has all; `partly`: it has lost a part; `lost`: it has nothing of it any more; `unknown`: it is not known which
 * offsets are in; `recreated`: they belong to a topic that was deleted.
 */
export type Verdict = 'rebuild' | 'partly' | 'lost' | 'unknown' | 'recreated';

/** One partition as planned. */
export interface PlannedPartition {
  /** `dt=…[/hh=…]` */
  partition: string;
  startMs: number;
  verdict: Verdict;
  /** Whether it will be rebuilt. */
  taken: boolean;
  /** Why not, or what stays as it is; in words for a person. */
  reason: string | null;
  /** Rows and bytes in the warehouse now. */
  rows: number;
  bytes: number;
  read: OffsetSet;
  missing: OffsetSet;
}

/** A plan's outline: small enough for history. The whole of it is in storage. */
export interface BackfillOutline {
  /** Path of the plan in storage; null for a dry run. */
  plan: string | null;
  pin: string;
  partitions: number;
  taken: number;
  rows: number;
  bytes: number;
  /** Offsets that are read, each counted as often as it is read. */
  offsets: number;
  waves: number;
  /** The first partitions, for people; `taken` ones or not. */
  listed: Listed[];
  /** Partitions that are not rebuilt, the first of them. */
  refused: Refused[];
  refusedCount: number;
}

export interface Listed {
  partition: string;
  verdict: Verdict;
  taken: boolean;
  reason: string | null;
  rows: number;
  bytes: number;
  offsets: number;
  ranges: string;
}

export interface Refused {
  partition: string;
  reason: string;
}

/** A rebuilt partition, before and after its pointer move. */
export interface RebuildResult {
  /** Path of what the move needs; null: there is nothing to move. */
  rebuilt: string | null;
  /** Why not. */
  reason: string | null;
  /** Old rows that new ones take the place of, and old rows that stay. */
  replaced: number;
  kept: number;
  /** Rows of the new reading. */
  fresh: number;
  /** Records that would be rows of the partition now, and were not: they stay where they are. */
  notAdded: number;
}

/** To a topic: move a pointer between two batches, and say so. */
export interface SwitchOrder {
  requestId: string;
  table: string;
  rebuilt: string;
  replyTo: string;
}

export interface SwitchReply {
  requestId: string;
  /** `conflict`: the partition moved since it was read; `failed`: see the message. */
  outcome: 'switched' | 'already' | 'conflict' | 'failed';
  message: string | null;
}

export interface BackfillInput {
  table: string;
  request: BackfillRequest;
  spec: TableSpec;
  pin: string;
  settings: BackfillSettings;
  state?: BackfillProgress;
}

export interface BackfillProgress {
  startedMs: number;
  outline: BackfillOutline | null;
  pin: string;
  /** Waves that are done. */
  wave: number;
  rebuilt: number;
  unchanged: number;
  replaced: number;
  kept: number;
  fresh: number;
  notAdded: number;
  /** Partitions that were planned and could not be rebuilt. */
  failed: Refused[];
  failedCount: number;
  /** Start of the earliest partition that has new content. */
  firstMs: number | null;
}

/** Answer of the query `backfill`. */
export interface BackfillStatus extends BackfillProgress {
  id: string;
  table: string;
  fromMs: number;
  toMs: number;
  phase: 'planning' | 'running' | 'cancelling' | 'ended';
  /** The pointer move that its topic was asked for and has not answered. Absent: the run is of an older version. */
  ordered?: { partition: string; sinceMs: number } | null;
}

export interface BackfillResult {
  id: string;
  table: string;
  /** `partial`: some partitions were not rebuilt, and `refused` says why. */
  outcome: 'done' | 'partial' | 'cancelled' | 'failed';
  message: string | null;
  partitions: number;
  rebuilt: number;
  unchanged: number;
  replaced: number;
  kept: number;
  fresh: number;
  notAdded: number;
  refused: Refused[];
  refusedCount: number;
  firstMs: number | null;
}

/** A table's memory of its backfills. */
export interface BackfillMemory {
  running: BackfillEntry | null;
  /** Newest last. */
  recent: (BackfillEntry & { outcome: BackfillResult['outcome']; rebuilt: number })[];
  /** The last request that came as a signal and was refused: a signal has no answer. */
  refused: { id: string; message: string; atMs: number } | null;
}

export interface BackfillEntry {
  id: string;
  fromMs: number;
  toMs: number;
  startedMs: number;
}
