import type { OffsetFinding, OffsetsReport } from '../changelog/verify-offsets.js';
import type { TableSpec } from '../config/spec.js';
import type { SplitPlan } from './types.js';

/** `log`: landed rows against Kafka's offsets. */
export type VerifyWhat = 'log';

export interface VerifyRequest {
  /** Names the verification; the same id again is answered with the first one's result. */
  id: string;
  what: VerifyWhat;
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

export interface VerifyResult {
  id: string;
  table: string;
  what: VerifyWhat;
  outcome: 'equal' | 'different' | 'cancelled' | 'failed';
  message: string | null;
  log: (OffsetsReport & Pick<LogPlan, 'compared' | 'leftOut' | 'offsets'>) | null;
}

export interface StoredLogPlan {
  version: 1;
  splits: SplitPlan[];
}

export type { OffsetFinding, OffsetsReport };
