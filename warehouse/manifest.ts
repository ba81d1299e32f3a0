import type { OffsetSet } from '../common/offset-ranges.js';
import type { OffsetRange } from '../kafka/types.js';
import type { PartitionValues } from './catalog.js';

/** One Parquet file that a split wrote, still under `_staging`. */
export interface StagedFile {
  /** Hive table that it belongs to: a table of the config, or its `_quarantine`, or its `_changelog`. */
  table: string;
  partition: PartitionValues;
  /** Path under the storage root now. */
  stagedPath: string;
  /** File name (no directory) in its final place: a function of the ranges and the spec, never of the attempt. */
  finalName: string;
  rows: number;
  bytes: number;
  /** Bounds of `event_time` as instants, ms since the epoch; null where no row has one. */
  minEventMs: number | null;
  maxEventMs: number | null;
  /** Bounds of `cdc_ts` as decimal text; null for append tables. */
  minCdcTs: string | null;
  maxCdcTs: string | null;
  /** Mirrors: the key columns (Hive names) that the log names, where the config names none. */
  key?: string[];
}

/** DDL or watermark that a split met; rows of the topic's schema log. */
export interface SchemaEvent {
  table: string | null;
  cdcTs: string | null;
  partition: number;
  offset: number;
  kind: string;
  /** At the source; null where the statement is of no one table or database. */
  sourceDatabase?: string | null;
  sourceTable?: string | null;
  /** Of the Kafka record, ms since the epoch. */
  timestamp?: number | null;
  sql: string;
}

/** What one attempt of one split wrote; stored beside the files, its path travels through Temporal. */
export interface SplitManifest {
  version: 1;
  batch: string;
  ranges: OffsetRange[];
  /** Records read, and where they went. */
  records: number;
  quarantined: number;
  /** Records of the shared topic that match none of the member tables, and records without rows (tombstones, DDL, watermarks). */
  unmatched: number;
  withoutRows: number;
  bytesRead: number;
  files: StagedFile[];
  /** Quarantined records by table and reason code. */
  quarantineReasons: Record<string, Record<string, number>>;
  /** Highest source watermark seen in each Kafka partition, as decimal text. */
  watermarks: Record<number, string>;
  schemaEvents: SchemaEvent[];
  /** Columns that the log shows and a table does not have yet: table -> column name -> Hive type. */
  newColumns: Record<string, Record<string, string>>;
  /** Rows that leave other partitions when the files land. */
  removals?: CommitRemoval[];
  /** Columns whose type does not hold the log's any more: table -> Hive column -> the log's Hive type. */
  retyped?: Record<string, Record<string, string>>;
  /** The log's columns of tables that are to stop when they change: table -> source column -> Hive type. */
  shapes?: Record<string, Record<string, string>>;
  /** A superset of the offsets of its rows, by Kafka's id of the topic, where they do not come from `ranges`. */
  offsets?: Record<string, OffsetSet>;
}

/** Sums over the manifests of a commit. */
export interface CommitCounts {
  records: number;
  quarantined: number;
  unmatched: number;
  withoutRows: number;
  bytesRead: number;
}

/** A file of a commit, with its place. */
export interface CommitFile extends StagedFile {
  /** Final place as planned; if the partition moved to another directory since, the file goes there instead. */
  finalPath: string;
  /** Revision of the partition that this commit makes: 0 while the partition is not complete. */
  revision: number;
}

/**
 * Rows that leave a partition by the same commit that lands them elsewhere. What stays is staged as new files; the partition's
 * pointer moves to a directory with them and whatever came into the old one meanwhile.
 */
export interface CommitRemoval {
  table: string;
  partition: PartitionValues;
  /** Directory of the content from which the rows are taken. */
  expectedDirectory: string;
  newDirectory: string;
  /** Paths of the files whose rows stay or leave. */
  inputs: string[];
  /** Files with the rows that stay; none if all leave. */
  files: { stagedPath: string; finalName: string; bytes: number }[];
  /** Rows that leave. */
  rows: number;
}

/** A table's part in a topic, as its workflow keeps it; storage passes it on and does not look inside. */
export type StoredMembers = Record<string, unknown>;

/** The write-ahead record of a commit: from the moment it exists, recovery rolls forward. Never changed. */
export interface CommitRecord {
  version: 1;
  kafka: string;
  topic: string;
  /** Set for the sequence of a table that catches up alone, or of a backfill. */
  member?: string;
  topicId?: string;
  /** 1 for the first commit of a stream, then one more each. */
  seq: number;
  batch: string;
  /** Positions before this commit, of all Kafka partitions known then. */
  fromPositions: Record<number, number>;
  /** Positions after this commit: partition -> next offset to read. */
  positions: Record<number, number>;
  /** Tables that read the topic, and where those stand that are not at its positions. */
  members?: StoredMembers;
  counts: CommitCounts;
  files: CommitFile[];
  removals?: CommitRemoval[];
  /** As the manifests have it, of a commit that moves no positions. */
  offsets?: Record<string, OffsetSet>;
  /** How long queries may go on reading what a removal has replaced, ms. */
  graceMs?: number;
}

/** `positions.json`: what has been committed, for people and for a start without Temporal's history. */
export interface StoredPositions {
  version: 1;
  kafka: string;
  topic: string;
  member?: string;
  /** Kafka's own id of the topic, where the client can see it; tells a recreated topic. */
  topicId?: string;
  seq: number;
  positions: Record<number, number>;
  members?: StoredMembers;
  updatedAt: string;
}

/** State of one partition of one Hive table, kept in storage beside the data. */
export interface PartitionState {
  version: 1;
  table: string;
  partition: PartitionValues;
  /** Directory of the current content, under the storage root. */
  directory: string;
  /** Counts content changes after completion: 0 until complete, then 1, and one more with every late commit. */
  revision: number;
  complete: boolean;
  /** The catalog's entry was removed (retention); a late row begins a new directory. */
  dropped?: boolean;
  rows: number;
  files: number;
  bytes: number;
  /** Stream name -> sequence of the last of its commits that is counted in here. */
  applied: Record<string, number>;
  minEventMs: number | null;
  maxEventMs: number | null;
  /**
   * Offsets of the batches whose rows are in here, by Kafka's id of the topic ('' where it is not known): a superset of the rows'
   * own. Backfill reads them again. Absent: landed before this was kept.
   */
  offsets?: Record<string, OffsetSet>;
  /** When it was completed, and the positions of its stream then. */
  completedAt?: string;
  completedPositions?: Record<number, number>;
}
