export interface CatalogColumn {
  name: string;
  type: string;
  comment?: string;
}

export interface CatalogTable {
  name: string;
  columns: CatalogColumn[];
  /** All partition columns are strings: `dt` as yyyy-mm-dd, `hh` as two digits. */
  partitionColumns: string[];
  /** URI of the table's directory. */
  location: string;
  comment?: string;
  properties?: Record<string, string>;
}

/** Values of the partition columns by name. */
export type PartitionValues = Record<string, string>;

export interface CatalogPartition {
  values: PartitionValues;
  location: string;
}

export interface ExecuteOptions {
  signal?: AbortSignal;
  /** Called while the statement runs, for heartbeats. */
  onProgress?: () => void;
  /** Settings of this statement's session alone. */
  settings?: Record<string, string>;
}

/**
 * The metastore that readers ask. Every call may be repeated: repeating a call that already took effect changes nothing.
 * Raises TributaryError: CatalogUnavailable (retryable), CatalogRefused (the statement and Hive's words),
 * CatalogConflict (the table there does not fit; names the column), CatalogTableMissing, CatalogUnsupported.
 */
export interface Catalog {
  readonly kind: 'hive' | 'none';
  /**
   * Creates the database and the external Parquet table if missing; adds missing columns at the end and widens types, both with
   * CASCADE. A column that is wider than wanted stays.
   */
  ensureTable(
    table: CatalogTable,
    signal?: AbortSignal,
  ): Promise<{ created: boolean; addedColumns: string[] }>;
  /** Columns without the partition columns; undefined if the table is not there. */
  describe(table: string, signal?: AbortSignal): Promise<CatalogColumn[] | undefined>;
  /** Adds partitions that are missing. An existing one keeps its location. */
  addPartitions(table: string, partitions: CatalogPartition[], signal?: AbortSignal): Promise<void>;
  /** One statement: readers see the old directory or the new one. Adds the partition if it is missing. */
  movePartition(table: string, partition: CatalogPartition, signal?: AbortSignal): Promise<void>;
  /** Adds to the parameters of a partition, or replaces those of the same name. */
  setPartitionParameters(
    table: string,
    values: PartitionValues,
    parameters: Record<string, string>,
    signal?: AbortSignal,
  ): Promise<void>;
  /** Undefined if the partition is not there. */
  partitionLocation(
    table: string,
    values: PartitionValues,
    signal?: AbortSignal,
  ): Promise<string | undefined>;
  /** The `tributary.*` parameters; empty if the partition is not there. */
  partitionParameters(
    table: string,
    values: PartitionValues,
    signal?: AbortSignal,
  ): Promise<Record<string, string>>;
  /** Partitions in the order of their names; empty if the table is not there. */
  listPartitions(table: string, signal?: AbortSignal): Promise<PartitionValues[]>;
  /** Removes the metastore's entry, never the files (tables are external). */
  dropPartition(table: string, values: PartitionValues, signal?: AbortSignal): Promise<void>;
  /** Runs a query; every value comes back as text (cast in SQL to choose the notation), NULL as null. */
  query(sql: string, signal?: AbortSignal): Promise<Record<string, string | null>[]>;
  /** Runs a statement without a result, e.g. a merge. */
  execute(sql: string, options?: ExecuteOptions): Promise<void>;
  close(): Promise<void>;
}
