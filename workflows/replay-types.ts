/** What a person asks for: quarantined records of a table, to be landed by its present config. */
export interface ReplayRequest {
  table: string;
  /** Names the request: sent twice, it is done once. */
  id: string;
  /** Spec by which the records are read now. */
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
}

export interface WriteReplayResult {
  /** Manifest of what lands and what leaves; null if nothing would. */
  manifest: string | null;
  /** Sequence that the commit must have: another replay of the table that came first has taken it. */
  seq: number;
  tried: number;
  landed: number;
  reasons: Record<string, number>;
  newColumns: Record<string, Record<string, string>>;
}

export interface CommitReplayRequest {
  kafka: string;
  topic: string;
  batch: string;
  table: string;
  pin: string;
  seq: number;
  manifest: string;
}

export interface CommitReplayResult {
  /** `outrun`: another replay of the table was committed since this one was written; nothing was changed. */
  outcome: 'committed' | 'outrun';
  rows: number;
  /** The earliest event among the rows, ms since the epoch. */
  minEventMs?: number;
}
