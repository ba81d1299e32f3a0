import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Duck, HIVE_PARQUET_METADATA } from '../duckdb.js';
import { duckString } from '../sql.js';
import { beforeBoundary } from './boundary.js';
import { snapshotCheckFailed, snapshotKeyNull } from './errors.js';
import { deletesOfStored, withoutEmptied, type Emptying } from './emptying.js';
import {
  changeRows,
  checkTable,
  EVENT,
  eventsOf,
  keyChanged,
  nullKey,
  snapshotColumns,
  withBucket,
} from './event-sql.js';
import { fittedColumns, localFiles, parquetScan, scanSchema } from './parquet.js';
import type { Boundary, ChangeFile, MergeContext, SnapshotTable, SourceFile, SplitBucket } from './types.js';

/** What one split task wrote: a file for every bucket that got rows. */
export interface SplitResult {
  buckets: SplitBucket[];
  /** Rows of the input files. */
  read: number;
  /** Rows of them that lie at or beyond the boundary. */
  beyond: number;
  /** Rows of the bucket files: for changes one more than read for every update that changed the key. */
  written: number;
}

export interface BucketChangesRequest {
  table: SnapshotTable;
  boundary: Boundary;
  files: ChangeFile[];
  buckets: number;
  /** Older changes count as deletes. */
  emptyings?: Emptying[];
}

/**
 * Splits changelog files into one file of events for each bucket of keys. The files of a merge may be shared out over any
 * number of such tasks.
 * @throws TributaryError SnapshotCheckFailed if the files do not have the rows that they should; SnapshotKeyNull
 */
export async function bucketChanges(ctx: MergeContext, request: BucketChangesRequest): Promise<SplitResult> {
  const { table, boundary, buckets } = request;
  checkTable(table);
  if (request.files.length === 0) return { buckets: [], read: 0, beyond: 0, written: 0 };
  return withDuck(ctx, async (duck) => {
    const scan = parquetScan(await localFiles(ctx, paths(request.files), 'changelog'));
    const rows = changeRows(scan, await scanSchema(duck, scan), table);
    const before = beforeBoundary(boundary);
    const [counts] = await duck.rows<Record<'read' | 'inside' | 'moved' | 'nulls', string>>(
      `SELECT count(*) AS read, count(*) FILTER (${before}) AS inside, count(*) FILTER (${nullKey(table)}) AS nulls, ` +
        `count(*) FILTER (${before} AND ${keyChanged(table)}) AS moved FROM (${rows})`,
    );
    const read = checkRead(table, 'the changelog', request.files, counts!.read);
    checkKeys(table, 'changelog', counts!.nulls);
    const inside = Number(counts!.inside);
    const moved = Number(counts!.moved);
    const changes = `(SELECT * FROM (${rows}) WHERE ${before})`;
    const events = eventsOf(changes, table, boundary, moved > 0);
    const query = withBucket(withoutEmptied(events, table, request.emptyings ?? []), table, buckets);
    const written = await writeBuckets(ctx, duck, query);
    const made = rowsOf(written);
    if (made !== inside + moved) {
      throw snapshotCheckFailed(
        table.name,
        `${inside} changes, ${moved} of which changed the key, became ${made} events.`,
        { inside, moved, events: made },
      );
    }
    return { buckets: written, read, beyond: read - inside, written: made };
  });
}

export interface BucketRowsRequest {
  table: SnapshotTable;
  /** Files of rows with `cdc_ts` and `cdc_seq`: chunks of a bootstrap, or a snapshot that was not split into buckets. */
  files: SourceFile[];
  buckets: number;
}

/**
 * Splits whole rows into one file for each bucket, so that a merge finds the rows of its keys in one place.
 * @throws TributaryError SnapshotCheckFailed, SnapshotKeyNull
 */
export async function bucketRows(ctx: MergeContext, request: BucketRowsRequest): Promise<SplitResult> {
  const { table, buckets } = request;
  checkTable(table);
  if (request.files.length === 0) return { buckets: [], read: 0, beyond: 0, written: 0 };
  return withDuck(ctx, async (duck) => {
    const rows = await wholeRows(ctx, duck, request);
    const [counts] = await duck.rows<{ read: string; nulls: string }>(
      `SELECT count(*) AS read, count(*) FILTER (${nullKey(table)}) AS nulls FROM (${rows})`,
    );
    const read = checkRead(table, 'the rows to start from', request.files, counts!.read);
    checkKeys(table, 'base', counts!.nulls);
    const written = await writeBuckets(ctx, duck, withBucket(rows, table, buckets));
    if (rowsOf(written) !== read) {
      throw snapshotCheckFailed(table.name, `Of ${read} rows ${rowsOf(written)} came into buckets.`);
    }
    return { buckets: written, read, beyond: 0, written: read };
  });
}

export interface BucketDeletesRequest {
  table: SnapshotTable;
  emptyings: Emptying[];
  /** Files of the previous snapshot: rows, or patches that wait. */
  files: SourceFile[];
  buckets: number;
}

/**
 * Makes the deletes of stored rows (and of patches that wait) that emptyings call for, as events like those of `bucketChanges`.
 * `read` is 0: no change was read.
 * @throws TributaryError SnapshotCheckFailed
 */
export async function bucketDeletes(ctx: MergeContext, request: BucketDeletesRequest): Promise<SplitResult> {
  const { table, emptyings, files, buckets } = request;
  checkTable(table);
  return withDuck(ctx, async (duck) => {
    const rows = await wholeRows(ctx, duck, request);
    const [counts] = await duck.rows<{ read: string }>(`SELECT count(*) AS read FROM (${rows})`);
    checkRead(table, 'the previous snapshot', files, counts!.read);
    const deletes = deletesOfStored(`(${rows})`, table, emptyings);
    const written = await writeBuckets(ctx, duck, withBucket(deletes, table, buckets));
    return { buckets: written, read: 0, beyond: 0, written: rowsOf(written) };
  });
}

/** Query of the rows of stored files, with the columns and types that the table has now. */
async function wholeRows(
  ctx: MergeContext,
  duck: Duck,
  { table, files }: { table: SnapshotTable; files: SourceFile[] },
): Promise<string> {
  const scan = parquetScan(await localFiles(ctx, paths(files), 'rows'));
  const columns = fittedColumns(snapshotColumns(table), await scanSchema(duck, scan));
  return `SELECT ${columns.join(', ')} FROM ${scan}`;
}

/** Opens DuckDB for one piece of work. */
export async function withDuck<T>(ctx: MergeContext, work: (duck: Duck) => Promise<T>): Promise<T> {
  await mkdir(ctx.workDir, { recursive: true });
  const duck = await Duck.open({
    ...ctx.duck,
    tempDirectory: join(ctx.workDir, 'spill'),
    ...(ctx.signal && { signal: ctx.signal }),
  });
  try {
    return await work(duck);
  } finally {
    duck.close();
  }
}

/** An empty read of files that should have rows is the fault that must never become an empty snapshot. */
function checkRead(table: SnapshotTable, what: string, files: ChangeFile[], count: string): number {
  const expected = files.reduce((sum, file) => sum + (file.rows ?? NaN), 0);
  const read = Number(count);
  if (read === expected || Number.isNaN(expected)) return read;
  throw snapshotCheckFailed(
    table.name,
    `${what} should have ${expected} rows in ${files.length} files, but ${read} were read.`,
    { expected, read, files: files.length },
  );
}

function checkKeys(table: SnapshotTable, where: 'changelog' | 'base', nulls: string): void {
  if (nulls !== '0') throw snapshotKeyNull(table.name, table.key, Number(nulls), where);
}

async function writeBuckets(ctx: MergeContext, duck: Duck, query: string): Promise<SplitBucket[]> {
  const directory = join(ctx.workDir, 'buckets');
  // These files live for minutes: Snappy takes a third less time than zstd, and Hive reads it.
  const stats = await duck.rows<{
    filename: string;
    count: string;
    partition_keys: { key: string; value: string }[];
  }>(
    `COPY (${query}) TO ${duckString(directory)} (FORMAT parquet, COMPRESSION snappy, KV_METADATA ${HIVE_PARQUET_METADATA}, ` +
      `PARTITION_BY (${EVENT.bucket}), FILENAME_PATTERN 'part_{i}', OVERWRITE_OR_IGNORE, RETURN_STATS)`,
  );
  const files = stats
    .map((row) => ({
      local: row.filename,
      rows: Number(row.count),
      bucket: Number(row.partition_keys[0]!.value),
    }))
    .sort((a, b) => a.bucket - b.bucket || (a.local < b.local ? -1 : 1));
  const buckets: SplitBucket[] = [];
  for (const [index, file] of files.entries()) {
    const path = `${ctx.stagingDir}/split-${String(file.bucket).padStart(5, '0')}-${index}.parquet`;
    await ctx.storage.upload(file.local, path, ctx.signal);
    ctx.onProgress?.();
    buckets.push({ bucket: file.bucket, path, rows: file.rows });
  }
  return buckets;
}

function rowsOf(buckets: readonly SplitBucket[]): number {
  return buckets.reduce((sum, bucket) => sum + bucket.rows, 0);
}

function paths(files: readonly ChangeFile[]): string[] {
  return files.map((file) => file.path);
}
