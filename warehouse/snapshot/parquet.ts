import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { HIVE_PARQUET_METADATA, type Duck } from '../duckdb.js';
import { duckName, duckString } from '../sql.js';
import type { Storage } from '../storage.js';
import { duckType } from './duck-type.js';
import type { MergeContext, SnapshotColumn, StagedSnapshotFile } from './types.js';

/** Settings of every Parquet file that a merge writes. Row groups are small enough to be read in parallel. */
export const PARQUET_OPTIONS = `FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880, KV_METADATA ${HIVE_PARQUET_METADATA}`;

/** DuckDB SQL that scans local Parquet files, whose columns may differ: a column that a file lacks is NULL there. */
export function parquetScan(files: readonly string[]): string {
  return `read_parquet([${files.map(duckString).join(', ')}], union_by_name = true, hive_partitioning = false)`;
}

/** Columns of a scan with their DuckDB types. */
export async function scanSchema(duck: Duck, scan: string): Promise<Map<string, string>> {
  const rows = await duck.rows<{ column_name: string; column_type: string }>(
    `DESCRIBE SELECT * FROM ${scan}`,
  );
  return new Map(rows.map((row) => [row.column_name.toLowerCase(), row.column_type]));
}

/**
 * Select list that gives columns their types now, out of files that may have been written before a column was added (NULL)
 * or widened (cast).
 */
export function fittedColumns(
  columns: readonly Pick<SnapshotColumn, 'name' | 'type'>[],
  schema: ReadonlyMap<string, string>,
  alias = '',
): string[] {
  return columns.map((column) => {
    const name = duckName(column.name);
    const type = duckType(column.type);
    const found = schema.get(column.name.toLowerCase());
    if (found === undefined) return `CAST(NULL AS ${type}) AS ${name}`;
    return found === type ? `${alias}${name}` : `CAST(${alias}${name} AS ${type}) AS ${name}`;
  });
}

/**
 * A local path of a stored file: the file itself where storage is a local disk (stored files never change), else a copy
 * in the work directory.
 */
export async function localFile(
  ctx: Pick<MergeContext, 'storage' | 'workDir' | 'signal'>,
  path: string,
  name: string,
): Promise<string> {
  const direct = directPath(ctx.storage, path);
  if (direct !== undefined) return direct;
  const local = join(ctx.workDir, name);
  await ctx.storage.download(path, local, ctx.signal);
  return local;
}

/** `localFile` for many: numbered, so that files of one name in several directories stay apart. */
export async function localFiles(
  ctx: Pick<MergeContext, 'storage' | 'workDir' | 'signal' | 'onProgress'>,
  paths: readonly string[],
  prefix: string,
): Promise<string[]> {
  const local: string[] = [];
  for (const [index, path] of paths.entries()) {
    local.push(await localFile(ctx, path, `${prefix}-${index}.parquet`));
    ctx.onProgress?.();
  }
  return local;
}

function directPath(storage: Storage, path: string): string | undefined {
  return storage.kind === 'file' ? storage.uri(path).slice('file://'.length) : undefined;
}

/** Copies the rows of a query to a local Parquet file; answers how many. */
export async function copyToParquet(duck: Duck, query: string, path: string): Promise<number> {
  const stats = await duck.rows<{ count: string }>(
    `COPY (${query}) TO ${duckString(path)} (${PARQUET_OPTIONS}, RETURN_STATS)`,
  );
  return stats.reduce((sum, row) => sum + Number(row.count), 0);
}

/** Rows of a local Parquet file, from its footer. */
export async function parquetRows(duck: Duck, path: string): Promise<number> {
  const [row] = await duck.rows<{ rows: string }>(
    `SELECT num_rows AS rows FROM parquet_file_metadata(${duckString(path)})`,
  );
  return Number(row?.rows ?? 0);
}

/** Uploads a local file under its final name into the attempt's staging directory. */
export async function stageFile(
  ctx: Pick<MergeContext, 'storage' | 'stagingDir' | 'signal'>,
  local: string,
  file: Pick<StagedSnapshotFile, 'kind' | 'finalName' | 'rows'>,
): Promise<StagedSnapshotFile> {
  const stagedPath = `${ctx.stagingDir}/${file.finalName}`;
  const [checksum, { size: bytes }] = await Promise.all([fileChecksum(local), stat(local)]);
  await ctx.storage.upload(local, stagedPath, ctx.signal);
  return { ...file, stagedPath, bytes, checksum };
}

/** A stored file that can go into the next snapshot as it is. */
export interface UntouchedFile {
  path: string;
  rows: number;
  bytes: number;
  checksum: string;
}

/** Copies such a file inside the storage to a staged one. */
export async function copyStaged(
  ctx: Pick<MergeContext, 'storage' | 'stagingDir' | 'signal'>,
  file: UntouchedFile,
  finalName: string,
): Promise<StagedSnapshotFile> {
  const stagedPath = `${ctx.stagingDir}/${finalName}`;
  await ctx.storage.copy(file.path, stagedPath, ctx.signal);
  return { kind: 'rows', stagedPath, finalName, rows: file.rows, bytes: file.bytes, checksum: file.checksum };
}

/** CRC-32 of a file's bytes, as `crc32:` and eight hex digits. */
export async function fileChecksum(path: string): Promise<string> {
  let crc = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    crc = crc32(chunk as Buffer, crc);
  }
  return `crc32:${crc.toString(16).padStart(8, '0')}`;
}
