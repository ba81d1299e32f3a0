import type { TableSpec } from '../config/spec.js';
import type { OffsetRange, RecordBlock } from '../kafka/types.js';
import type { SchemaEvent } from '../warehouse/manifest.js';
import type { PartitionValues } from '../warehouse/catalog.js';
import type { SchemaLookup } from './avro-lines.js';

/** One member of a topic as a plan pins it. */
export interface LandingTable {
  spec: TableSpec;
  /** Columns of the Hive table now, in order, without canonical and partition columns. For append: spec.columns. */
  columns: LandingColumn[];
  /** What the log's columns were when the table began, source name -> Hive type: a table that stops at schema changes compares. */
  logShape?: Record<string, string>;
}

/** True once a table has a column of its source, be it declared or learnt from the log. */
export function hasSourceColumns({ spec, columns }: LandingTable): boolean {
  return columns.some(({ name }) => name !== spec.match?.shardColumn);
}

export interface LandingColumn {
  name: string;
  /** Hive type. */
  type: string;
  path: string;
  /**
   * The source's full type text where it is known, e.g. from `information_schema`: `enum('a','b')`, `binary(16)`. Logs that do not
   * carry it are read by it: names of ENUM and SET members for their numbers, the zeros at the end of BINARY, what base64 stands for.
   */
  sourceType?: string;
}

export interface LandSplitRequest {
  kafka: string;
  topic: string;
  batch: string;
  ranges: OffsetRange[];
  tables: LandingTable[];
  /** Where the split's files get their names from: a function of ranges and specs. */
  fileStem: string;
  /** Local directory private to this attempt; the caller removes it. */
  workDir: string;
  /** Records of all ranges, partition by partition, each in offset order. */
  blocks: AsyncIterable<RecordBlock>;
  /**
   * What the log says of schemas goes to the topic's schema log: `all` of it, or, where tables read by themselves what the topic
   * has read before or never will, only what their snapshots need to know (see `emptied`). Default: nothing.
   */
  schemaLog?: 'all' | 'own';
  /** Schemas of a registry by its address, for formats that need one. */
  schemas?: (registry: string) => SchemaLookup;
  /** DuckDB limits. */
  threads: number;
  memoryLimitMb: number;
  signal?: AbortSignal;
  onProgress?: () => void;
}

/** A Parquet file on the local disk, with what the manifest needs. */
export interface LandedFile {
  table: string;
  partition: PartitionValues;
  localPath: string;
  finalName: string;
  rows: number;
  bytes: number;
  minEventMs: number | null;
  maxEventMs: number | null;
  minCdcTs: string | null;
  maxCdcTs: string | null;
  /** Mirrors: the key columns (Hive names) that the log names, where the config names none. */
  key?: string[];
}

export interface LandSplitResult {
  files: LandedFile[];
  records: number;
  bytesRead: number;
  quarantined: number;
  unmatched: number;
  withoutRows: number;
  /** table -> reason code -> count. */
  quarantineReasons: Record<string, Record<string, number>>;
  watermarks: Record<number, string>;
  schemaEvents: SchemaEvent[];
  newColumns: Record<string, Record<string, string>>;
  /** Table -> Hive column -> Hive type that the log asks for, where the column's own does not hold it. */
  retyped: Record<string, Record<string, string>>;
  /** Table -> the log's columns with their Hive types, where a table is to stop when they change. */
  shapes: Record<string, Record<string, string>>;
}

/**
 * A value of a row as text in the source's own notation (MySQL text for relational sources; canonical extended JSON v2
 * for MongoDB), or null. A member that is absent was not on the wire: that is not the same as null.
 * Binary values are `hex:` + lower-case hex digits only where `binary` lists the column.
 */
export type RowImage = Record<string, string | null>;

/** One change in canonical form, as the decoders of binary formats give it and as the SQL of textual formats shapes it. */
export interface CanonicalChange {
  database: string;
  table: string;
  op: 'i' | 'u' | 'd';
  /** Order key of the source (TSO, oplog timestamp as seconds << 32 | increment, or ms); null: use the Kafka offset. */
  ts: bigint | null;
  /** Tie-break inside one ts: larger is later. */
  seq: bigint;
  /** Time of the change, ms since the epoch. */
  eventMs: number;
  /** Image after an insert or update; the removed row (or what is known of it, at least the key) for a delete. */
  row: RowImage;
  /** Old image where the log has one. For an update it may be only the changed columns. */
  before: RowImage | null;
  /** MongoDB partial update: what to do to the stored document; `row` then has only `doc_id`. */
  patch?: string;
  /** Source types where the log carries them: column -> e.g. `bigint unsigned`, `varchar(20)`. */
  types?: Record<string, string>;
  /** Key columns where the log names them. */
  key?: string[];
}

/** What one Kafka record means. All empty for a tombstone or a heartbeat. */
export interface DecodedRecord {
  changes: CanonicalChange[];
  ddl?: { database: string; table: string | null; ts: bigint | null; kind: string; sql: string }[];
  /** Everything at or below this order key has been sent in this Kafka partition. */
  watermark?: bigint;
}

/**
 * Decoder of one binary record.
 * @throws TributaryError RecordUndecodable (attributes partition, offset): the record goes to the quarantine.
 */
export type RecordDecoder = (record: {
  key: Buffer | null;
  value: Buffer | null;
  partition: number;
  offset: number;
  timestamp: number;
}) => DecodedRecord;
