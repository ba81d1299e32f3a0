import type {
  BootstrapPage,
  BootstrapStarted,
  PlanBootstrapRequest,
  ReadChunkRequest,
  StartBootstrapRequest,
} from '../workflows/bootstrap-types.js';
import type { ColumnFate } from '../warehouse/column-fates.js';
import type { TableSpec } from '../config/spec.js';
import type {
  CommitReplayRequest,
  CommitReplayResult,
  ReplayRequest,
  WriteReplayRequest,
  WriteReplayResult,
} from '../workflows/replay-types.js';
import type {
  BackfillEntry,
  BackfillOutline,
  PlanBackfillRequest,
  RebuildResult,
  SwitchOrder,
  SwitchReply,
} from '../workflows/backfill-types.js';
import type {
  LogPlan,
  OffsetsReport,
  SnapshotReport,
  VerifyInput,
  VerifyRequest,
} from '../workflows/verify-types.js';
import type { BootstrapBase } from '../workflows/bootstrap-types.js';
import type {
  AcceptedLoss,
  CommitRequest,
  CommitResult,
  CompactResult,
  CompleteRequest,
  CompletionRequest,
  DuePartition,
  JoinRequest,
  Plan,
  PlanRequest,
  Positions,
  RecoveredTopic,
  SplitPlan,
  TopicLook,
  WriteRequest,
  WriteResult,
} from '../workflows/ingest-types.js';
import type { TableProgress } from '../workflows/table-types.js';

import type {
  DueRequest,
  DueSnapshots,
  SnapshotDone,
  SnapshotInput,
  SnapshotPlanned,
} from '../workflows/snapshot-types.js';

/** Short activities; they run beside the workflows. */
export interface ControlActivities {
  /** Pins the spec with the columns its Hive table has now, and makes the tables that are missing. */
  prepareTable(request: { spec: TableSpec }): Promise<{ pin: string; learns: boolean }>;
  /** What another config would do to the columns of the table's changelog in Hive. */
  planColumns(request: { spec: TableSpec }): Promise<ColumnFate[]>;
  /** Starts the topic's workflow if it does not run, and makes the table a member of it. */
  joinIngest(request: { kafka: string; topic: string; join: JoinRequest }): Promise<void>;
  /** The same for a table that is paused: nothing is read for it, and it hears how far it falls behind. */
  watchIngest(request: { kafka: string; topic: string; join: JoinRequest }): Promise<void>;
  /** Tells the topic's workflow something about a member; no error if the topic does not run. */
  signalIngest(request: {
    kafka: string;
    topic: string;
    signal: 'pauseMember' | 'resumeMember' | 'leave';
    args: { table: string; acceptLoss?: boolean };
  }): Promise<void>;
  /** What storage knows of a topic, after rolling an unfinished commit forward. */
  recoverTopic(request: { kafka: string; topic: string }): Promise<RecoveredTopic | null>;
  /** Waits for data or the flush interval; fixes what the next batch reads. */
  planBatch(request: PlanRequest): Promise<Plan>;
  /** What Kafka holds of a topic now, or why that cannot be told. */
  lookAtTopic(request: { kafka: string; topic: string }): Promise<TopicLook>;
  /** Brings Hive tables to the columns that the log shows; answers each table's new pin, or why it must wait. */
  evolveTables(request: {
    pins: Record<string, string>;
    newColumns: Record<string, Record<string, string>>;
    retyped?: Record<string, Record<string, string>>;
    shapes?: Record<string, Record<string, string>>;
  }): Promise<Record<string, string | { fault: { code: string; message: string } }>>;
  /** Asks the topic's workflow for a replay, and starts it if it does not run. */
  requestReplay(request: { kafka: string; topic: string; replay: ReplayRequest }): Promise<void>;
  commitReplay(request: CommitReplayRequest): Promise<CommitReplayResult>;
  commitBatch(request: CommitRequest): Promise<CommitResult>;
  /** Partitions whose time has come, of the tables asked for. */
  planCompletion(request: CompletionRequest): Promise<DuePartition[]>;
  /** Moves the partition's pointer if it was compacted, and marks it complete. */
  completePartition(request: CompleteRequest): Promise<{ revision: number; rows: number }>;
  /** Records the offsets that Kafka has lost, and answers where its log begins now. */
  recordLoss(request: {
    kafka: string;
    topic: string;
    positions: Positions;
    tables: string[];
    /** Kafka's id of the topic that was read so far. */
    topicId?: string | null;
    /** The last batch that was cut before the loss is accepted. */
    lastBatch?: string;
  }): Promise<{ starts: Positions; topicId: string | null; record: string; lost: AcceptedLoss['lost'] }>;
  /** Signals each table how its topic stands; answers which of them do not run. Versions before this one answered nothing. */
  reportProgress(request: {
    tables: Record<string, TableProgress>;
  }): Promise<{ gone: string[] } | null | undefined>;
  /** Begins a table's bootstrap, or finds the one that was begun or is finished. */
  startBootstrap(request: StartBootstrapRequest): Promise<BootstrapStarted>;
  /** Cuts a page of the source into chunks, or finds it cut. */
  planBootstrap(request: PlanBootstrapRequest): Promise<BootstrapPage>;
  /** Makes the chunks that were read the base of the table's snapshots. */
  finishBootstrap(request: { spec: TableSpec; directory: string }): Promise<BootstrapBase>;
  /** Snapshots that a table owes by now. */
  dueSnapshots(request: DueRequest): Promise<DueSnapshots>;
  planSnapshot(input: SnapshotInput): Promise<SnapshotPlanned>;
  publishSnapshot(request: { plan: string }): Promise<SnapshotDone>;
  /** Retention; answers up to where the published boundaries need no look any more. */
  retireSnapshots(request: {
    spec: TableSpec;
    retiredThroughMs: number | null;
  }): Promise<{ retired: number; throughMs: number | null }>;
  /** A table's backfills that run, whoever started them; the newest first. */
  runningBackfills(request: { table: string }): Promise<BackfillEntry[]>;
  /** Which partitions a backfill rebuilds from which offsets, and which it cannot. */
  planBackfill(request: PlanBackfillRequest): Promise<BackfillOutline>;
  /** What one wave of a plan reads and rebuilds. */
  openBackfillWave(request: { plan: string; wave: number }): Promise<{
    topicId: string | null;
    splits: SplitPlan[];
    partitions: { index: number; partition: string; startMs: number }[];
  }>;
  /** Asks the topic for the pointer move of a rebuilt partition. */
  orderSwitch(request: { kafka: string; topic: string; order: SwitchOrder }): Promise<void>;
  /** Moves the pointer of a rebuilt partition; between two batches of its topic only. */
  switchRebuilt(request: {
    kafka: string;
    topic: string;
    rebuilt: string;
  }): Promise<Omit<SwitchReply, 'requestId'>>;
  /** Removes what a wave has staged, and at the end the plan. */
  closeBackfillWave(request: {
    table: string;
    id: string;
    batch: string | null;
    ended: boolean;
  }): Promise<void>;
  /** Which offsets of a table can be compared with Kafka. */
  planVerifyLog(request: VerifyInput): Promise<LogPlan>;
  /** Removes directories whose grace period is over, old commit records, and the staging area of a workflow run that has ended. */
  sweepGarbage(request: {
    kafka: string;
    topic: string;
    nowMs: number;
    endedRun: string | null;
  }): Promise<{ removed: number }>;
}

/** Long, heavy activities; a worker runs as many at a time as it has cores. */
export interface HeavyActivities {
  writeBatch(request: WriteRequest): Promise<WriteResult>;
  writeReplay(request: WriteReplayRequest): Promise<WriteReplayResult>;
  compactPartition(request: { due: DuePartition }): Promise<CompactResult | null>;
  /** Reads a chunk of a bootstrap's source, unless it is read already. */
  readBootstrapChunk(request: ReadChunkRequest): Promise<{ rows: number; bytes: number }>;
  splitSnapshot(request: {
    plan: string;
    kind: 'changes' | 'base';
    task: number;
  }): Promise<{ read: number; written: number }>;
  /** Buckets `[from, to)`. */
  mergeSnapshot(request: { plan: string; from: number; to: number }): Promise<{ rows: number }>;
  mergeSnapshotInHive(request: { plan: string }): Promise<{ rows: number }>;
  /** Compares a snapshot with its source, and repairs it if asked to. Null while its revision is not after `after`. */
  verifySnapshot(request: {
    spec: TableSpec;
    request: VerifyRequest;
    after?: number;
  }): Promise<SnapshotReport | null>;
  /** Compares a part of the log with what the table holds of it. */
  verifyLogSplit(request: {
    spec: TableSpec;
    plan: string;
    split: number;
    pin: string;
    topicId: string | null;
    lastForeign?: string;
  }): Promise<OffsetsReport>;
  /** Makes the new files of a partition from its old ones and what a wave has staged. */
  rebuildPartition(request: { plan: string; index: number; manifests: string[] }): Promise<RebuildResult>;
}
