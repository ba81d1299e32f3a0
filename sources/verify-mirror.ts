import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Duck } from '../warehouse/duckdb.js';
import { duckName } from '../warehouse/sql.js';
import { duckType } from '../warehouse/snapshot/duck-type.js';
import { localFiles, parquetScan, scanSchema } from '../warehouse/snapshot/parquet.js';
import type { Storage } from '../warehouse/storage.js';
import type { MirrorColumn } from './mysql-values.js';
import type { ReadContext } from './read-chunk.js';
import { duckMd5, duckTexts, type ComparedColumn } from './verify-text.js';
import type { RowHash, RowTexts, SliceSums } from './verify-compare.js';
import { hexList } from './verify-source.js';

/** The mirror's side of a comparison: some files of a snapshot, as many as one activity should read. */
export interface MirrorSide {
  storage: Storage;
  /** Paths in the storage. */
  files: readonly string[];
  /** All columns of the mirror; one that a file lacks is NULL there. */
  mirror: readonly MirrorColumn[];
  columns: readonly ComparedColumn[];
  key: readonly ComparedColumn[];
  digits: number;
}

/** Sums of the files' rows by slice. */
export async function mirrorSlices(ctx: ReadContext, side: MirrorSide): Promise<SliceSums> {
  const bits = (from: number, length: number): string =>
    `CAST('0x' || substr(h, ${from}, ${length}) AS UBIGINT)`;
  const rows = await query<{ slice: string; n: string; x: string; s: string }>(
    ctx,
    side,
    (hashes) =>
      `SELECT left(k, ${side.digits}) AS slice, count(*) AS n, CAST(bit_xor(${bits(1, 16)}) AS VARCHAR) AS x, ` +
      `CAST(sum(CAST(${bits(17, 8)} AS HUGEINT)) AS VARCHAR) AS s FROM (${hashes}) GROUP BY slice`,
  );
  return Object.fromEntries(rows.map((row) => [row.slice, { rows: Number(row.n), xor: row.x, sum: row.s }]));
}

/** Rows of the files that lie in some slices. */
export async function mirrorHashes(
  ctx: ReadContext,
  side: MirrorSide,
  slices: readonly string[],
): Promise<RowHash[]> {
  if (slices.length === 0) return [];
  return query<RowHash>(
    ctx,
    side,
    (hashes) =>
      `SELECT k AS "key", h AS hash FROM (${hashes}) WHERE left(k, ${side.digits}) IN (${hexList(slices)})`,
  );
}

/** Texts of the rows whose keys have these MD5s; a key may have several. */
export async function mirrorTexts(
  ctx: ReadContext,
  side: MirrorSide,
  keys: readonly string[],
): Promise<Map<string, RowTexts[]>> {
  if (keys.length === 0) return new Map();
  const rows = await query<{ k: string; texts: string }>(
    ctx,
    side,
    (_, rows) =>
      `SELECT ${duckMd5(side.key)} AS k, ${duckTexts(side.columns)} AS texts FROM (${rows}) ` +
      `WHERE ${duckMd5(side.key)} IN (${hexList(keys)})`,
  );
  const byKey = new Map<string, RowTexts[]>();
  for (const { k, texts } of rows) byKey.set(k, [...(byKey.get(k) ?? []), JSON.parse(texts) as RowTexts]);
  return byKey;
}

async function query<T>(
  ctx: ReadContext,
  side: MirrorSide,
  sql: (hashes: string, rows: string) => string,
): Promise<T[]> {
  if (side.files.length === 0) return [];
  await mkdir(ctx.workDir, { recursive: true });
  const duck = await Duck.open({
    ...ctx.duck,
    tempDirectory: join(ctx.workDir, 'spill'),
    ...(ctx.signal && { signal: ctx.signal }),
  });
  try {
    const at = { storage: side.storage, workDir: ctx.workDir, ...(ctx.signal && { signal: ctx.signal }) };
    const scan = parquetScan(await localFiles(at, side.files, 'mirror'));
    const schema = await scanSchema(duck, scan);
    const lacking = side.mirror.filter(({ name }) => !schema.has(name.toLowerCase()));
    const nulls = lacking.map(({ name, type }) => `, CAST(NULL AS ${duckType(type)}) AS ${duckName(name)}`);
    const rows = `SELECT *${nulls.join('')} FROM ${scan}`;
    return await duck.rows<T>(
      sql(`SELECT ${duckMd5(side.key)} AS k, ${duckMd5(side.columns)} AS h FROM (${rows})`, rows),
    );
  } finally {
    duck.close();
  }
}
