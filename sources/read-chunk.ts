import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Duck, type DuckOptions } from '../warehouse/duckdb.js';
import { duckName } from '../warehouse/sql.js';
import { copyToParquet, fileChecksum } from '../warehouse/snapshot/parquet.js';
import { isTributaryError } from '../common/errors.js';
import { sourceError } from './errors.js';
import { keyOrder, rangePredicate } from './keyset.js';
import type { Chunk } from './mysql-chunks.js';
import type { MysqlSession } from './mysql-session.js';
import { chunkKey, mysqlTable } from './mysql-sql.js';
import type { SourceTable } from './mysql-table.js';
import { planColumns, type ColumnPlan, type MirrorColumn, type ValueOptions } from './mysql-values.js';
import { RowSpool } from './row-spool.js';
import type { Throttle } from './throttle.js';

/** Where a piece of a bootstrap does its work. */
export interface ReadContext {
  /** Private to this attempt; the caller removes it. */
  workDir: string;
  duck: Pick<DuckOptions, 'threads' | 'memoryLimitMb'>;
  throttle?: Throttle;
  signal?: AbortSignal;
  /** Called now and then with the rows read so far. */
  onProgress?: (rows: number) => void;
}

/** A chunk on the local disk. */
export interface LocalChunk {
  path: string;
  rows: number;
  bytes: number;
  checksum: string;
}

export interface ReadChunkRequest {
  table: SourceTable;
  columns: readonly MirrorColumn[];
  options: ValueOptions;
  chunk: Chunk;
  /** `cdc_ts` of the rows, decimal: the log's changes from there on win over them. */
  cdcTs: string;
}

const PROGRESS_ROWS = 5_000;

/**
 * Reads one chunk, as of the session's TSO, into a Parquet file with the mirror's columns, `cdc_ts` and `cdc_seq` 0. The
 * rows come in the order of the key, so that the same chunk as of the same TSO gives the same bytes.
 * @throws TributaryError Source...
 */
export async function readChunk(
  ctx: ReadContext,
  session: MysqlSession,
  request: ReadChunkRequest,
): Promise<LocalChunk> {
  const { table, chunk } = request;
  const plan = planColumns(table, request.columns, request.options);
  const spool = await spoolRows(ctx, session, table, chunk, plan);
  return writeRows(ctx, spool, {
    select: selectValues(plan, request.cdcTs),
    path: join(ctx.workDir, `chunk-${chunk.index}.parquet`),
    what: `chunk ${chunk.index} of ${table.database}.${table.table}`,
  });
}

async function spoolRows(
  ctx: ReadContext,
  session: MysqlSession,
  table: SourceTable,
  chunk: Chunk,
  plan: readonly ColumnPlan[],
): Promise<RowSpool> {
  await mkdir(ctx.workDir, { recursive: true });
  const read = plan.filter((column) => column.read !== null);
  const key = chunkKey(table);
  // A table without any column of the mirror still has its rows.
  const list = read.length === 0 ? 'NULL' : read.map((column) => column.read).join(', ');
  const order = key.length === 0 ? '' : ` ORDER BY ${keyOrder(key)}`;
  const sql = `SELECT ${list} FROM ${mysqlTable(table)} WHERE ${rangePredicate(key, chunk)}${order}`;
  const spool = await RowSpool.create(join(ctx.workDir, `chunk-${chunk.index}.ndjson`));
  try {
    const what = `reading chunk ${chunk.index} of ${table.database}.${table.table}`;
    for await (const row of session.stream(sql, what)) {
      await spool.add(row.map((value, i) => textOf(value, read[i]?.bytes ?? false)));
      if (spool.rows % PROGRESS_ROWS > 0) continue;
      ctx.onProgress?.(spool.rows);
      await ctx.throttle?.passed(PROGRESS_ROWS, ctx.signal);
    }
    await ctx.throttle?.passed(spool.rows % PROGRESS_ROWS, ctx.signal);
    await spool.close();
    return spool;
  } catch (error) {
    await spool.abandon();
    throw error;
  }
}

function textOf(value: Buffer | null, bytes: boolean): string | null {
  if (value === null) return null;
  return value.toString(bytes ? 'hex' : 'utf8');
}

function selectValues(plan: readonly ColumnPlan[], cdcTs: string): string {
  if (!/^-?\d+$/.test(cdcTs)) throw new RangeError(`"${cdcTs}" is no order key`);
  let index = 0;
  const columns = plan.map(({ name, read, value }) => {
    if (read !== null) index += 1;
    return `${value(`v[${index}]`)} AS ${duckName(name)}`;
  });
  return [...columns, `CAST(${cdcTs} AS BIGINT) AS cdc_ts`, `CAST(0 AS BIGINT) AS cdc_seq`].join(', ');
}

/** Turns spooled rows into a Parquet file. */
export async function writeRows(
  ctx: Pick<ReadContext, 'workDir' | 'duck' | 'signal'>,
  spool: RowSpool,
  to: { select: string; path: string; what: string },
): Promise<LocalChunk> {
  const duck = await Duck.open({
    ...ctx.duck,
    tempDirectory: join(ctx.workDir, 'spill'),
    ...(ctx.signal && { signal: ctx.signal }),
  });
  try {
    const rows = await copyToParquet(duck, `SELECT ${to.select} FROM ${spool.scan()}`, to.path);
    if (rows !== spool.rows) {
      throw sourceError('SourceRefused', `Of ${spool.rows} rows of ${to.what} ${rows} were written.`);
    }
    await rm(spool.path, { force: true });
    const [{ size }, checksum] = await Promise.all([stat(to.path), fileChecksum(to.path)]);
    return { path: to.path, rows, bytes: size, checksum };
  } catch (error) {
    if (!isTributaryError(error, 'DuckDbFailed') || !error.message.includes('Conversion Error')) throw error;
    throw sourceError(
      'SourceValueDoesNotFit',
      `A value in ${to.what} does not fit its column: ${error.message} Declare the column as string.`,
      {},
      error,
    );
  } finally {
    duck.close();
  }
}
