import { rangePredicate } from './keyset.js';
import type { Chunk } from './mysql-chunks.js';
import type { MysqlSession } from './mysql-session.js';
import { chunkKey, mysqlName, mysqlTable } from './mysql-sql.js';
import type { SourceTable } from './mysql-table.js';
import { sourceError } from './errors.js';
import { mysqlMd5, type ComparedColumn } from './verify-text.js';
import type { RowHash, RowTexts, SliceSums } from './verify-compare.js';

/** The source's side of a comparison. All queries read one chunk; the session's TSO says as of when. */
export interface SourceSide {
  table: SourceTable;
  columns: readonly ComparedColumn[];
  key: readonly ComparedColumn[];
  /** Hexadecimal digits of a slice: 2 are 256 slices. */
  digits: number;
}

/**
 * Refuses a server that cannot tell the mirror's wall clock, which would make every TIMESTAMP differ.
 * @throws TributaryError SourceUnsuitable
 */
export async function checkZone(session: MysqlSession, zone: string): Promise<void> {
  const name = zone.replaceAll("'", "''");
  const [row] = await session.rows(
    `SELECT CONVERT_TZ('2024-01-01 00:00:00', '+00:00', '${name}')`,
    'reading zones',
  );
  if (typeof row?.[0] === 'string') return;
  throw sourceError(
    'SourceUnsuitable',
    `The database does not know the time zone ${zone}: load its time zone tables (mysql_tzinfo_to_sql).`,
    { zone },
  );
}

/** Sums of a chunk by slice. */
export async function sourceSlices(
  session: MysqlSession,
  side: SourceSide,
  chunk: Chunk,
): Promise<SliceSums> {
  const bits = (from: number, length: number): string =>
    `CAST(CONV(SUBSTR(h, ${from}, ${length}), 16, 10) AS UNSIGNED)`;
  const rows = await session.rows(
    `SELECT LEFT(k, ${side.digits}), COUNT(*), BIT_XOR(${bits(1, 16)}), SUM(${bits(17, 8)}) ` +
      `FROM (${hashes(side, chunk)}) r GROUP BY 1`,
    what(side, chunk),
  );
  return Object.fromEntries(
    rows.map(([slice, count, xor, sum]) => [slice!, { rows: Number(count), xor: xor!, sum: sum! }]),
  );
}

/** Rows of a chunk that lie in some slices. */
export async function sourceHashes(
  session: MysqlSession,
  side: SourceSide,
  chunk: Chunk,
  slices: readonly string[],
): Promise<RowHash[]> {
  if (slices.length === 0) return [];
  const rows = await session.rows(
    `SELECT k, h FROM (${hashes(side, chunk)}) r WHERE LEFT(k, ${side.digits}) IN (${hexList(slices)})`,
    what(side, chunk),
  );
  return rows.map(([key, hash]) => ({ key: key!, hash: hash! }));
}

/** Texts of the rows of a chunk whose keys have these MD5s. */
export async function sourceTexts(
  session: MysqlSession,
  side: SourceSide,
  chunk: Chunk,
  keys: readonly string[],
): Promise<Map<string, RowTexts>> {
  if (keys.length === 0) return new Map();
  const list = side.columns.map(({ name, source }) => `${source} AS ${mysqlName(name)}`).join(', ');
  const rows = await session.rows(
    `SELECT ${mysqlMd5(side.key)}, ${list} FROM ${mysqlTable(side.table)} ` +
      `WHERE ${rangePredicate(chunkKey(side.table), chunk)} AND ${mysqlMd5(side.key)} IN (${hexList(keys)})`,
    what(side, chunk),
  );
  return new Map(
    rows.map(([key, ...texts]) => [
      key!,
      Object.fromEntries(side.columns.map(({ name }, i) => [name, texts[i] ?? null])),
    ]),
  );
}

function hashes({ table, columns, key }: SourceSide, chunk: Chunk): string {
  return (
    `SELECT ${mysqlMd5(key)} AS k, ${mysqlMd5(columns)} AS h FROM ${mysqlTable(table)} ` +
    `WHERE ${rangePredicate(chunkKey(table), chunk)}`
  );
}

function what({ table }: SourceSide, chunk: Chunk): string {
  return `comparing chunk ${chunk.index} of ${table.database}.${table.table}`;
}

/** Hexadecimal texts as literals. */
export function hexList(values: readonly string[]): string {
  for (const value of values) {
    if (!/^[0-9a-f]+$/.test(value)) throw new RangeError(`"${value}" is not hexadecimal`);
  }
  return values.map((value) => `'${value}'`).join(', ');
}
