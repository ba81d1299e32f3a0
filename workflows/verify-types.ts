import type { OffsetFinding, OffsetsReport } from '../changelog/verify-offsets.js';
import type { TableSpec } from '../config/spec.js';
import type { SplitPlan } from './ingest-types.js';

/** `log`: landed rows against Kafka's offsets; `snapshot`: a snapshot against its source. */
export type VerifyWhat = 'log' | 'snapshot';

export interface VerifyRequest {
  /** Names the verification; the same id again is answered with the first one's result. */
  id: string;
  what: VerifyWhat;
  /** snapshot: the one of the last boundary at or before this instant; absent: the newest. */
  atMs?: number | null;
  /** snapshot: put differing rows right, as a new revision. */
  repair?: boolean;
}

/** What a table remembers of its last verification. */
export interface VerifiedNote {
  id: string;
  what: VerifyWhat;
  outcome: VerifyResult['outcome'];
  endedMs: number;
  /** What was compared and found, in words. */
  found: string;
}

export interface VerifyAccepted {
  id: string;
  workflowId: string;
  state: 'started' | 'known';
}

export interface VerifyInput {
  table: string;
  request: VerifyRequest;
  spec: TableSpec;
  pin: string;
  settings: { parallelism: number; splitRecords: number };
  state?: LogProgress;
}

/** Which offsets can be compared: those that Kafka has and the table has landed. */
export interface LogPlan {
  pin: string;
  topicId: string | null;
  /** The last batch of a topic of the same name that was deleted, if there was one. */
  lastForeign?: string;
  /** Path of the splits in storage. */
  plan: string;
  splits: number;
  offsets: number;
  /** What is compared, and what cannot be, for people. */
  compared: string;
  leftOut: string[];
}

export interface LogProgress {
  plan: LogPlan | null;
  done: number;
  report: OffsetsReport;
}

export interface VerifyStatus {
  id: string;
  table: string;
  what: VerifyWhat;
  done: number;
  of: number;
}

/** One differing row or document, with what each side has; long texts are cut. */
export interface SnapshotDifference {
  kind: 'missing' | 'extra' | 'different' | 'twice';
  source: Record<string, string | null> | null;
  mirror: Record<string, string | null> | null;
  columns: string[];
  /** twice: the snapshot's further rows of the key. */
  copies?: Record<string, string | null>[];
}

export interface SnapshotReport {
  /** `dt=…` */
  name: string;
  boundaryMs: number;
  /** The snapshot's, as it was compared. */
  revision: number;
  /** How the source was read: as of the boundary, or as it is now. */
  source: string;
  sourceRows: number;
  mirrorRows: number;
  /** Rows or documents that were compared one by one; null: all, by checksums. */
  sampled: number | null;
  /** Differing rows that were found; null: too many to count. */
  different: number | null;
  differences: SnapshotDifference[];
  more: boolean;
  /** What someone else did to the snapshot's files; null: they are as they were published. */
  files?: string | null;
  /** Revision that the repair made; null: nothing was repaired. */
  repaired: number | null;
}

export interface VerifyResult {
  id: string;
  table: string;
  what: VerifyWhat;
  outcome: 'equal' | 'different' | 'cancelled' | 'failed';
  message: string | null;
  snapshot?: SnapshotReport | null;
  log: (OffsetsReport & Pick<LogPlan, 'compared' | 'leftOut' | 'offsets'>) | null;
}

export interface StoredLogPlan {
  version: 1;
  splits: SplitPlan[];
}

export type { OffsetFinding, OffsetsReport };
