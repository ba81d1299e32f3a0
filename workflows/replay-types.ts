import type { CommitResult } from './ingest-types.js';

/** What a person asks for: quarantined records of a table, to be landed by its present config. */
export interface ReplayRequest {
  /** The table; or the name of the topic's own quarantine. */
  table: string;
  /** The topic's own quarantine: records land for the tables that read them together. */
  shared?: boolean;
  /** Names the request: sent twice, it is done once. */
  id: string;
  /** Spec by which the records are read now; empty for the topic's own quarantine, whose tables have theirs. */
  pin: string;
  /** Only records with this reason code. */
  reason?: string;
  /** Only records of this day of the quarantine, `yyyy-mm-dd`. */
  day?: string;
}

/** A replay as `status` shows it. */
export interface Replay extends ReplayRequest {
  status: 'waiting' | 'done' | 'failed';
  askedMs: number;
  /** Records that were tried, and those that became rows and left the quarantine. */
  tried: number;
  landed: number;
  /** Records that left a topic's quarantine for one of a table, which claims them by now. */
  moved?: number;
  /** Why the others stay: reason code -> records. */
  reasons: Record<string, number>;
  /** Why it failed, for a person. */
  message?: string;
}

export interface WriteReplayRequest {
  kafka: string;
  topic: string;
  batch: string;
  replay: ReplayRequest;
  /** Of a topic's own quarantine: its tables and their pins. */
  pins?: Record<string, string>;
}

export interface WriteReplayResult {
  /** Manifest of what lands and what leaves; null if nothing would. */
  manifest: string | null;
  /** Sequence that the commit must have: another replay of the table that came first has taken it. */
  seq: number;
  tried: number;
  landed: number;
  moved?: number;
  reasons: Record<string, number>;
  newColumns: Record<string, Record<string, string>>;
}

export interface CommitReplayRequest {
  kafka: string;
  topic: string;
  batch: string;
  table: string;
  pin: string;
  /** As it was written. */
  pins?: Record<string, string>;
  seq: number;
  manifest: string;
}

export interface CommitReplayResult {
  /** `outrun`: another replay of the table was committed since this one was written; nothing was changed. */
  outcome: 'committed' | 'outrun';
  rows: number;
  /** The earliest event among the rows, ms since the epoch. */
  minEventMs?: number;
  /** Of a topic's own quarantine: what each table got. */
  tables?: CommitResult['tables'];
}
