import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';

import { HIVE_PARQUET_METADATA, ident, lit, type Duck } from '../warehouse/duckdb.js';

/** Name of the integer column that `copyPartitioned` sorts rows into files by; it is not in the files. */
export const KEY_COLUMN = '__key';

/** One file of a partitioned copy. */
export interface CopiedFile {
  key: number;
  path: string;
  rows: number;
  bytes: number;
  /** Text of the least and greatest value of a column, from the file's own statistics. */
  min: (column: string) => string | null;
  max: (column: string) => string | null;
}

interface StatsRow {
  filename: string;
  count: string;
  file_size_bytes: string;
  column_statistics: { key: string; value: { key: string; value: string }[] }[];
  partition_keys: { key: string; value: string }[];
}

/** What is read once and thrown away is not worth compressing, nor large dictionaries. */
const OPTIONS = {
  hive: `COMPRESSION zstd, KV_METADATA ${HIVE_PARQUET_METADATA}`,
  spool: 'COMPRESSION uncompressed, DICTIONARY_SIZE_LIMIT 1000, WRITE_BLOOM_FILTER false',
};

/**
 * Writes a query's rows to one Parquet file for each value of its `__key` column, in the order the rows come (with one
 * DuckDB thread). A key gets several files only if more keys are open at once than `partitioned_write_max_open_files`.
 */
export async function copyPartitioned(
  duck: Duck,
  query: string,
  directory: string,
  purpose: 'hive' | 'spool' = 'hive',
): Promise<CopiedFile[]> {
  await mkdir(directory, { recursive: true });
  const rows = await duck.rows<StatsRow>(
    `COPY (${query}) TO ${lit(directory)} (FORMAT parquet, ${OPTIONS[purpose]}, ROW_GROUP_SIZE 122880, ` +
      `PARTITION_BY (${ident(KEY_COLUMN)}), FILENAME_PATTERN 'part_{i}', OVERWRITE_OR_IGNORE, RETURN_STATS)`,
  );
  const files = rows.map((row) => copiedFile(row));
  files.sort((a, b) => a.key - b.key || fileIndex(a.path) - fileIndex(b.path));
  return files;
}

/** SQL of the rows of copied files. */
export function copiedRows(files: readonly Pick<CopiedFile, 'path'>[]): string {
  return `read_parquet([${files.map((file) => lit(file.path)).join(', ')}], hive_partitioning = false)`;
}

function copiedFile(row: StatsRow): CopiedFile {
  const statistic = (column: string, name: string): string | null => {
    const ofColumn = row.column_statistics.find((entry) => entry.key === ident(column));
    return ofColumn?.value.find((entry) => entry.key === name)?.value ?? null;
  };
  return {
    key: Number(row.partition_keys[0]!.value),
    path: row.filename,
    rows: Number(row.count),
    bytes: Number(row.file_size_bytes),
    min: (column) => statistic(column, 'min'),
    max: (column) => statistic(column, 'max'),
  };
}

function fileIndex(path: string): number {
  return Number(/part_(\d+)\.parquet$/.exec(path)?.[1] ?? 0);
}

/** Moves a file to its own name under `directory`. */
export async function moveTo(file: CopiedFile, directory: string, name: string): Promise<string> {
  await mkdir(directory, { recursive: true });
  const path = join(directory, name);
  await rename(file.path, path);
  return path;
}
