/**
 * The resolved, secret-free description of one table: everything that decides which rows it gets and how they look.
 * A plan pins specs by content hash (design 4), so nothing in here may depend on the machine that reads it.
 */

export const FORMATS = [
  'json',
  'filebeat',
  'text',
  'drainer',
  'canal-json',
  'open-protocol',
  'maxwell',
  'debezium',
  'debezium-avro',
  'mongoshake',
  'mongo-change-stream',
] as const;
export type FormatName = (typeof FORMATS)[number];

export type TableMode = 'append' | 'mirror';

export interface ColumnSpec {
  /** Hive column name, lower case. */
  name: string;
  /** Hive type, normalised: `bigint`, `decimal(18,2)`, `array<string>` ... */
  type: string;
  /** JSON path into the record (append, MongoDB) or the source column's name (mirror of a relational table). */
  path: string;
}

/** Which records of a shared topic belong to the table. Patterns are anchored regular expressions. */
export interface MatchSpec {
  database?: string;
  /** Table or collection name. */
  table?: string;
  /** Column that keeps the source table's name when many shards land in one table. */
  shardColumn?: string;
}

export interface EventTimeSpec {
  /** JSON path of the event time; absent: the change's own time, else the Kafka timestamp if `kafka` is true. */
  path?: string;
  /** `auto` reads RFC 3339, `yyyy-mm-dd hh:mm:ss[.f]`, and epoch numbers by magnitude (s, ms, us, ns). */
  format: 'auto' | 'iso' | 's' | 'ms' | 'us' | 'ns';
  /** Zone of times written without an offset. */
  zone: string;
  /** Use the Kafka record's timestamp as the event time. */
  kafka: boolean;
}

export interface SnapshotSpec {
  /** `minute` is for trials. */
  every: 'day' | 'hour' | 'minute';
  engine: 'auto' | 'duckdb' | 'hive';
  /** Number of boundaries kept. */
  keep: number;
  /** Keep the last snapshot of every month beyond `keep`. */
  keepMonthEnds: boolean;
  /** What late rows inside the lateness window do to published snapshots. */
  late: 'rebuild' | 'next';
}

export interface BootstrapSpec {
  kind: 'tidb' | 'mongodb';
  /** Name of the table or collection at the source: `database.table`. */
  table: string;
  /** Anchored pattern of the tables' names inside the database, when shards are read into one; absent: just `table`. */
  pattern?: string;
  /** Name of the secret that holds the URL; the URL itself is read by the worker (`RuntimeConfig.secrets`), never pinned. */
  urlRef: string;
  chunkRows: number;
  maxChunksInFlight: number;
  rowsPerSecond?: number;
  /** MongoDB: members that may be read. */
  readPreference?: 'secondary' | 'secondaryPreferred' | 'nearest' | 'primary' | 'primaryPreferred';
  /** MongoDB: connect to the one node of the URL only. */
  direct?: boolean;
}

export interface TableSpec {
  name: string;
  mode: TableMode;
  kafka: string;
  topic: string;
  format: FormatName;
  /** Options of the format, e.g. `{ zone }` of a Drainer, `{ registry }` of Avro, `{ message: 'json' | 'text' }` of Filebeat. */
  formatOptions: Record<string, string | number | boolean>;
  match?: MatchSpec;
  eventTime: EventTimeSpec;
  /** Zone of the partitions and of `event_time`. IANA name. */
  timezone: string;
  /** Directory levels: `dt`, or `dt` and `hh`. */
  partition: 'day' | 'hour';
  /** Empty for a mirror whose columns come from the source. */
  columns: ColumnSpec[];
  /** Name of a column that keeps the raw value of the record; absent: not kept. */
  rawColumn?: string;
  /** Primary key columns, in order; empty if the source tells. */
  key: string[];
  /** Source column name -> Hive column name, for names that clash with canonical columns. */
  rename: Record<string, string>;
  latenessSeconds: number;
  schemaChange: 'evolve' | 'ignore' | 'fail';
  /** The table pauses when its quarantine passes these. Absent: never. */
  quarantine: { maxRecords?: number; maxShare?: number };
  /** How TIMESTAMP columns are written: `native` (Hive 4) or `string` (Hive 3 cannot read INT64 timestamps). */
  timestamps: 'native' | 'string';
  bootstrap?: BootstrapSpec;
  snapshot?: SnapshotSpec;
}

/** Columns that Tributary adds (design 6). A source column of the same name is refused unless renamed. */
export const RECORD_COLUMNS = [
  { name: 'kafka_partition', type: 'int' },
  { name: 'kafka_offset', type: 'bigint' },
  { name: 'ingest_batch', type: 'string' },
  { name: 'event_time', type: 'timestamp' },
] as const;
export const CHANGE_COLUMNS = [
  { name: 'cdc_op', type: 'string' },
  { name: 'cdc_ts', type: 'bigint' },
  { name: 'cdc_seq', type: 'bigint' },
  { name: 'cdc_before', type: 'string' },
] as const;
