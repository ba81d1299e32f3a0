import type { DuckOptions } from '../duckdb.js';
import type { Storage } from '../storage.js';

/** A column of the mirrored table, as the snapshot shows it. */
export interface SnapshotColumn {
  name: string;
  /** Hive type. */
  type: string;
  /** Member of `cdc_before` that holds the column's old value; the column's name if absent. */
  before?: string;
  /**
   * `cdc_before` writes the column's values in the log's own notation, which says nothing beside the column: bytes as text, an
   * instant of another zone, the number of an enum's member.
   */
  ownNotation?: boolean;
  /**
   * Document tables: DuckDB expression of the column's value, given one of the document's text. Needed for every column
   * but `doc_id` and `doc`, because a folded document has no row in the changelog to take them from.
   */
  fromDocument?: (doc: string) => string;
}

/** What a merge must know of a table. */
export interface SnapshotTable {
  name: string;
  /** The table's own columns in the order of the Hive table, key columns among them. */
  columns: SnapshotColumn[];
  key: string[];
  /** `document`: the key is `doc_id`, and changes may be partial (`cdc_patch`). */
  kind: 'relational' | 'document';
}

/** What `cdc_ts` counts; `offset` stands for every order that is no time (Kafka offset, binlog position, LSN). */
export type OrderKind = 'tso' | 'oplog' | 'ms' | 'offset';

/** An instant up to which (exclusive) changes belong to a snapshot. */
export interface Boundary {
  order: OrderKind;
  /** The instant, ms since the epoch. */
  ms: number;
  /** The same instant as a wall clock of the table's zone, `yyyy-mm-dd hh:mm:ss[.fff]`: decides only for order `offset`. */
  wall: string;
}

/** A Parquet file in storage and what its writer says of it. */
export interface SourceFile {
  path: string;
  rows: number;
}

/** A changelog file; its rows where they are known, else whoever reads it counts and the merge's plan has the sum. */
export interface ChangeFile {
  path: string;
  rows?: number;
}

/** What every piece of a merge needs of the machine that it happens to run on. */
export interface MergeContext {
  storage: Storage;
  /** Private to this attempt; the caller removes it. */
  workDir: string;
  /** Directory in storage that is private to this attempt. */
  stagingDir: string;
  duck: Pick<DuckOptions, 'threads' | 'memoryLimitMb'>;
  signal?: AbortSignal;
  onProgress?: () => void;
}

/** `tombstones` and `pending` (patches that wait for their document) are hidden from readers. */
export type FileKind = 'rows' | 'tombstones' | 'pending';

/** A file that a piece of a merge wrote under its staging directory. */
export interface StagedSnapshotFile {
  kind: FileKind;
  stagedPath: string;
  /** Name in the snapshot's directory: a function of the bucket, never of the attempt. */
  finalName: string;
  rows: number;
  bytes: number;
  /** Of the file's bytes. */
  checksum: string;
}

/** One bucket of one split task. */
export interface SplitBucket {
  bucket: number;
  path: string;
  rows: number;
}

/** The document (canonical extended JSON) after partial updates, oldest first. */
export type FoldPatches = (doc: string, patches: readonly string[]) => string;

/** What a bucket starts from. */
export interface PreviousBucket {
  rows: (SourceFile & { bytes?: number; checksum?: string })[];
  tombstones: SourceFile[];
  pending: SourceFile[];
  /** The files have rows of other buckets too. */
  filterRows: boolean;
  filterHidden: boolean;
  /** The keys of the rows are known to be unique. */
  checked: boolean;
  /** The files have exactly the columns that the table has now, so that an untouched one can be copied as it is. */
  sameColumns: boolean;
}

/** Numbers of a merge, of one bucket or of all. */
export interface BucketCounts {
  /** Events read. */
  changes: number;
  /** Rows before, and what became of them: previous + inserted - deleted = rows. */
  previous: number;
  inserted: number;
  updated: number;
  deleted: number;
  rows: number;
  tombstones: number;
  /** Partial updates that wait for a document which the mirror does not have: the source must be asked. */
  pendingPatches: number;
  /** Partial updates older than the stored document. Repeats are; one that never came before is missing in it. */
  latePatches: number;
  /** Updates of which the log does not say what they changed: the source must be asked. */
  unknownPatches: number;
}

export interface BucketResult {
  bucket: number;
  counts: BucketCounts;
  /** Kinds without a file have no rows. */
  files: StagedSnapshotFile[];
}
