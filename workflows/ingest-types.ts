import type { OffsetRange } from '../kafka/types.js';
import type { Replay } from './replay-types.js';

/** Next offset to read, by Kafka partition. A partition that is missing has never been read: it begins at the log start. */
export type Positions = Record<number, number>;

/** Ranges that one table reads alone, to reach the topic's positions at which it joined or came back. */
export interface Lane {
  /** Names the sequence of the lane's own commits in storage; a later lane of the same table has another. */
  id: string;
  /** The lane's last commit. */
  seq: number;
  positions: Positions;
  until: Positions;
}

/** How a topic is cut into batches; every member brings its own and the topic takes the most demanding of each. */
export interface IngestSettings {
  /** Longest time that a record waits in Kafka before a batch is cut. */
  flushMs: number;
  /** A batch is cut at once when this many records wait. */
  maxRecords: number;
  /** Upper bound of a split's bytes, estimated from the records seen so far. */
  splitBytes: number;
  /** Splits written at the same time. */
  parallelism: number;
  /** Completed partitions with at least `minFiles` files below `targetBytes` are rewritten. */
  compaction: { targetBytes: number; minFiles: number };
}

/** One table's part in a topic. */
export interface Member {
  table: string;
  /** Content hash of the pinned spec and columns, under which storage keeps them. */
  pin: string;
  settings: IngestSettings;
  latenessMs: number;
  status: 'active' | 'paused';
  /** Where the table stopped reading with the others, while it is paused. */
  pausedAt?: Positions;
  /** While it is paused: instant up to which it has landed all that Kafka held; null while not known. */
  pausedFreshAsOf?: number | null;
  /** Its table was stopped: nobody hears how it stands. */
  left?: boolean;
  /** What it has still to read alone, oldest first; one at a time is read. */
  lanes: Lane[];
  rows: number;
  quarantined: number;
  quarantineLimit: QuarantineLimit;
  /** Quarantined records up to the last time that a person let the table go on. */
  quarantineAccepted: number;
  lastCompletePartition?: string;
  /** Every event before this instant has landed, as far as the lateness bound tells. */
  completeThroughMs?: number;
  /** The earliest event that landed after its time was taken for complete, since the table was last told. */
  lateFromMs?: number;
  fault?: Fault;
  /** Replays of its quarantine that were asked for, the newest ones. */
  replays?: Replay[];
  /** Number of the batch after which it joined without any column. */
  learnsSince?: number;
}

/** What a table's quarantine may grow by before it is held. */
export interface QuarantineLimit {
  maxRecords?: number;
  /** Share of one batch, 0 to 1. */
  maxShare?: number;
}

/** Why something does not go on, in words for a person. */
export interface Fault {
  code: string;
  message: string;
  sinceMs: number;
}

/** Ends that Kafka showed at a look, which was at `asOf` at the earliest. */
export interface Observation {
  asOf: number;
  ends: Positions;
  /** Where the log begins; absent where only positions that are known were asked for. */
  starts?: Positions;
  topicId: string | null;
}

/** What a look at a topic has found, or why it found nothing. */
export type TopicLook = Observation | { fault: { code: string; message: string } };

export interface IngestInput {
  kafka: string;
  topic: string;
  state?: IngestState;
}

export interface IngestState {
  /** Sequence of the last commit; 0 before the first. */
  seq: number;
  /** Number of the last batch. A batch that only lets tables catch up has a number and no commit of the topic. */
  batch: number;
  topicId: string | null;
  positions: Positions;
  members: Record<string, Member>;
  /** Ends that Kafka showed at an instant; when the positions pass them, everything up to that instant has landed. */
  target: { asOf: number; ends: Positions } | null;
  /** Latest instant up to which everything that Kafka held has been committed. */
  freshAsOf: number | null;
  lagRecords: number;
  /** What Kafka held at the last look. */
  seen?: Observation;
  /** Why Kafka could not be looked at since. */
  blind?: Fault | null;
  /** Mean bytes of a record so far; sizes the splits. */
  meanRecordBytes: number;
  fault: Fault | null;
  /** Whether membership changed since the last commit, so that `positions.json` must be written even without data. */
  membershipChanged: boolean;
  /** A person has accepted a loss since the last commit: the next one may begin where storage does not expect it. */
  rebase: boolean;
  /** The last batch of this run that is committed in all its parts: its staging area is not needed any more. */
  finishedBatch: string | null;
  lastSweepMs: number;
  lastReportMs: number;
  /** Replays of the topic's own quarantine that were asked for, the newest ones. */
  replays?: Replay[];
  /** Losses that people have accepted, the newest ones. */
  losses?: AcceptedLoss[];
}

/** Offsets that Kafka had lost and a person gave up. */
export interface AcceptedLoss {
  atMs: number;
  /** Tables that read the topic then. */
  tables: string[];
  /** Where it is written down in storage. */
  record: string;
  /** `to` is null where the topic was made anew, and how far the old one went is not known. */
  lost: { partition: number; from: number; to: number | null }[];
}

/** What `join` carries. */
export interface JoinRequest {
  table: string;
  pin: string;
  settings: IngestSettings;
  latenessMs: number;
  quarantineLimit: QuarantineLimit;
  /** The table has no columns yet; absent where that is not known. */
  learns?: boolean;
}

export interface PlanRequest {
  kafka: string;
  topic: string;
  topicId: string | null;
  positions: Positions;
  lanes: Record<string, Lane>;
  /** Whether any table reads at the topic's positions; if not, only lanes are planned. */
  mainActive: boolean;
  flushMs: number;
  /** Answer without data after this long. */
  idleMs: number;
  maxRecords: number;
  splitRecords: number;
  /** Plan at once, even for a single record. */
  immediate: boolean;
}

export interface SplitPlan {
  id: string;
  /** The one table that reads it, for a lane; null: every active member. */
  lane: string | null;
  ranges: OffsetRange[];
}

export interface Plan {
  topicId: string | null;
  observed: { asOf: number; ends: Positions };
  splits: SplitPlan[];
  /** The topic's positions before and after the batch, with every partition resolved. */
  from: Positions;
  to: Positions;
  /** Each lane's positions before and after the batch. */
  lanes: Record<string, { from: Positions; to: Positions }>;
  laneFaults: Record<string, { code: string; message: string }>;
  /** Records that wait beyond `to`. */
  lagRecords: number;
}

export interface WriteRequest {
  kafka: string;
  topic: string;
  /** The topic that was planned; one of the same name made anew since has another id. */
  topicId: string | null;
  batch: string;
  split: SplitPlan;
  /** Pins of the tables that the split writes. */
  pins: string[];
}

/** A split's outcome, small enough for history; the manifest itself stays in storage. */
export interface WriteResult {
  manifest: string;
  records: number;
  bytesRead: number;
  files: number;
  quarantined: number;
  /** Columns that the log shows and a pinned table lacks: table -> column -> Hive type. */
  newColumns: Record<string, Record<string, string>>;
  /** Columns whose type does not hold the log's any more: table -> Hive column -> the log's Hive type. */
  retyped?: Record<string, Record<string, string>>;
  /** The log's columns of tables that are to stop when they change: table -> source column -> Hive type. */
  shapes?: Record<string, Record<string, string>>;
}

/** Membership as `positions.json` keeps it. */
export type StoredMembers = Record<
  string,
  { status: 'active' | 'paused'; pausedAt?: Positions; lanes: Lane[]; rows: number; quarantined: number }
>;

export interface CommitRequest {
  kafka: string;
  topic: string;
  /** Set for a lane's own sequence of commits. */
  member?: string;
  topicId: string | null;
  seq: number;
  batch: string;
  manifests: string[];
  from: Positions;
  to: Positions;
  /** Membership to keep with the topic's positions; absent for a lane. */
  members?: StoredMembers;
  rebase?: boolean;
  /** An earlier batch of this run whose staging area may go. */
  finishedBatch: string | null;
  /** Pins of the tables that it may touch, for the shape of their Hive tables. */
  pins: string[];
}

export interface CommitResult {
  /** The topic's positions that storage holds now: those of the request, unless an earlier record was rolled forward. */
  positions: Positions;
  rows: number;
  bytes: number;
  files: number;
  /** By table of the config: rows landed, records quarantined, late commits into complete partitions. */
  tables: Record<
    string,
    {
      rows: number;
      quarantined: number;
      revised: string[];
      /** The earliest event among the rows, ms since the epoch. */
      minEventMs?: number;
      fault?: { code: string; message: string };
    }
  >;
}

export interface RecoveredTopic {
  seq: number;
  positions: Positions;
  topicId: string | null;
  members: StoredMembers;
}

export interface CompletionRequest {
  kafka: string;
  topic: string;
  /** Per table: pin, and the instant before which its partitions are complete. */
  tables: {
    table: string;
    pin: string;
    completeThroughMs: number;
    compaction: IngestSettings['compaction'];
  }[];
  limit: number;
}

/** A partition whose time has come. */
export interface DuePartition {
  table: string;
  pin: string;
  hiveTable: string;
  partition: Record<string, string>;
  directory: string;
  /** Files worth rewriting, a group for each new file; empty if the partition is fine as it is. */
  compact: string[][];
}

export interface CompactResult {
  newDirectory: string;
  newFiles: string[];
}

export interface CompleteRequest {
  kafka: string;
  topic: string;
  due: DuePartition;
  compaction: CompactResult | null;
  positions: Positions;
}
