import { join } from 'node:path';
import { stat } from 'node:fs/promises';
import type { Duck } from '../duckdb.js';
import { duckName } from '../sql.js';
import { bucketSql } from './bucketing.js';
import { snapshotCheckFailed, snapshotDamaged } from './errors.js';
import { snapshotColumns } from './event-sql.js';
import { changedFiles } from './changed-files.js';
import type { SnapshotFile, SnapshotManifest } from './manifest.js';
import {
  copyToParquet,
  fileChecksum,
  fittedColumns,
  localFile,
  localFiles,
  parquetScan,
  scanSchema,
} from './parquet.js';
import type { SnapshotTable } from './types.js';
import type { Storage } from '../storage.js';

export interface RepairRequest {
  table: SnapshotTable;
  manifest: SnapshotManifest;
  /** Directory of the snapshot as it is, and all its entries, hidden ones too. */
  from: string;
  present: readonly { path: string; size: number }[];
  /** Directory of the repaired one; nobody reads it before the partition's pointer moves there. */
  to: string;
  /** Local files with the right rows: the table's columns, `cdc_ts`, `cdc_seq`; rows of other keys are left out. */
  fresh: readonly string[];
  /** DuckDB expression of what tells a key, and the keys whose rows are taken from `fresh`, or away where it has none. */
  keyText: string;
  keys: readonly string[];
  revision: number;
}

/**
 * A snapshot with the rows of some keys put right, in a new directory: files that hold none of those keys are copied as they
 * are. Rows of files that someone else wrote there go into files of ours: readers see them, and the next snapshot must. The manifest is the old one with the new files and counts; the caller writes it and moves the pointer.
 * @throws TributaryError SnapshotCheckFailed if a row got lost on the way, SnapshotDamaged if files are gone that nobody can make anew
 */
export async function repairSnapshot(
  ctx: { storage: Storage; workDir: string; signal: AbortSignal },
  duck: Duck,
  request: RepairRequest,
): Promise<SnapshotManifest> {
  const { table, manifest, from, to } = request;
  const columns = snapshotColumns(table);
  await duck.run('CREATE OR REPLACE TEMP TABLE wrong (k VARCHAR)');
  for (let i = 0; i < request.keys.length; i += 5_000) {
    const values = request.keys.slice(i, i + 5_000).map((key) => `('${key.replaceAll("'", "''")}')`);
    await duck.run(`INSERT INTO wrong VALUES ${values.join(', ')}`);
  }
  const select = async (scan: string, where: string): Promise<string> =>
    `SELECT ${fittedColumns(columns, await scanSchema(duck, scan)).join(', ')} FROM ${scan} WHERE ${where}`;
  const isWrong = `${request.keyText} IN (SELECT k FROM wrong)`;
  await duck.run(
    request.fresh.length === 0
      ? `CREATE OR REPLACE TEMP TABLE fresh AS SELECT * FROM (SELECT ${fittedColumns(columns, new Map()).join(', ')}) WHERE false`
      : `CREATE OR REPLACE TEMP TABLE fresh AS ${await select(parquetScan(request.fresh), isWrong)}`,
  );
  const changed = changedFiles(manifest, request.present);
  const lost = changed.gone.find(({ kind }) => kind !== 'rows');
  if (lost) throw snapshotDamaged(table.name, manifest.boundaryMs, `${from}/${lost.name} is gone.`);
  if (changed.foreign.length > 0) {
    const scan = parquetScan(await localFiles(ctx, changed.foreign, 'foreign'));
    await duck.run(`INSERT INTO fresh ${await select(scan, `NOT (${isWrong})`)}`);
  }
  const countOf = async (sql: string): Promise<number> =>
    Number((await duck.rows<{ n: string }>(`SELECT count(*) AS n FROM (${sql})`))[0]!.n);
  const bucketOf = bucketSql(table, manifest.bucketing.count);
  const order = table.key.map((column) => duckName(column)).join(', ');
  const write = async (rows: string, name: string, bucket: number): Promise<SnapshotFile> => {
    const local = join(ctx.workDir, name);
    const written = await copyToParquet(duck, `SELECT * FROM (${rows}) ORDER BY ${order}`, local);
    await ctx.storage.upload(local, `${to}/${name}`, ctx.signal);
    const [checksum, { size: bytes }] = await Promise.all([fileChecksum(local), stat(local)]);
    return { kind: 'rows', name, bucket, rows: written, bytes, checksum };
  };
  const copy = async (file: SnapshotFile): Promise<SnapshotFile> => {
    await ctx.storage.copy(`${from}/${file.name}`, `${to}/${file.name}`, ctx.signal);
    return file;
  };
  const files: SnapshotFile[] = [];
  const served = new Set<number>();
  let expected = await countOf('SELECT * FROM fresh');
  for (const file of changed.intact) {
    if (file.kind !== 'rows') {
      files.push(await copy(file));
      continue;
    }
    const scan = parquetScan([await localFile(ctx, `${from}/${file.name}`, `old-${file.name}`)]);
    const kept = await select(scan, `NOT (${isWrong})`);
    const added = `SELECT * FROM fresh WHERE ${served.has(file.bucket) ? 'false' : `${bucketOf} = ${file.bucket}`}`;
    served.add(file.bucket);
    const [keptRows, addedRows] = [await countOf(kept), await countOf(added)];
    expected += keptRows;
    const same = keptRows === file.rows && addedRows === 0;
    const name = `${file.name.replace(/\.parquet$/, '')}-r${request.revision}.parquet`;
    files.push(same ? await copy(file) : await write(`${kept} UNION ALL ${added}`, name, file.bucket));
  }
  const left = await duck.rows<{ bucket: number }>(
    `SELECT DISTINCT ${bucketOf} AS bucket FROM fresh ORDER BY 1`,
  );
  for (const bucket of left.map((row) => Number(row.bucket)).filter((number) => !served.has(number))) {
    const rows = `SELECT * FROM fresh WHERE ${bucketOf} = ${bucket}`;
    files.push(await write(rows, `repair-${bucket}-r${request.revision}.parquet`, bucket));
  }
  const placed = files.filter(({ kind }) => kind === 'rows').reduce((sum, { rows }) => sum + rows, 0);
  if (placed !== expected) {
    throw snapshotCheckFailed(table.name, `its repair has ${placed} rows of ${expected}.`, {
      placed,
      expected,
    });
  }
  return {
    ...manifest,
    revision: request.revision,
    columns,
    counts: { ...manifest.counts, rows: placed },
    files: files.sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}
