import { TributaryError } from '../../common/errors.js';
import { duckName } from '../sql.js';
import { keyText, keyTextClass } from './duck-type.js';
import type { SnapshotTable } from './types.js';

/** How a snapshot's rows are spread over its files. */
export interface Bucketing {
  /** A power of two; 1 also for files that were not split at all. */
  count: number;
  /** Key columns with the classes of their texts: another spelling gives other buckets. */
  key: string[];
}

export const MAX_BUCKETS = 65_536;

export function bucketingOf(table: SnapshotTable, count: number): Bucketing {
  return {
    count,
    key: table.key.map((name) => `${name}:${keyTextClass(columnType(table, name))}`),
  };
}

/**
 * DuckDB SQL of a row's bucket: the last bits of the 9th and 10th byte (little-endian) of the MD5 of the key's text.
 * MD5 is the same in every release of DuckDB, which its own `hash` is not.
 */
export function bucketSql(table: SnapshotTable, count: number, alias = ''): string {
  if (!isBucketCount(count)) {
    throw new TributaryError({
      code: 'BucketCountInvalid',
      message: `The number of buckets is a power of two up to ${MAX_BUCKETS}, not ${count}.`,
    });
  }
  const texts = table.key.map((name) => keyText(alias + duckName(name), columnType(table, name)));
  const text = texts.join(` || chr(1) || `);
  return `CAST(md5_number_lower(${text}) & ${count - 1} AS INTEGER)`;
}

export function isBucketCount(count: number): boolean {
  return Number.isInteger(count) && count >= 1 && count <= MAX_BUCKETS && (count & (count - 1)) === 0;
}

/** Smallest power of two with at most `rowsPerBucket` rows a bucket; never below `atLeast`, so that buckets do not flap. */
export function chooseBucketCount(rows: number, rowsPerBucket: number, atLeast = 1): number {
  let count = 1;
  while (count < MAX_BUCKETS && rows / count > rowsPerBucket) count *= 2;
  return Math.max(count, Math.min(atLeast, MAX_BUCKETS));
}

/**
 * Buckets of the previous snapshot that hold the rows of bucket `bucket` of `now`, and whether they hold others too.
 * Null if the keys' texts changed, so that any old bucket may hold them: split the old files anew first.
 */
export function previousBuckets(
  previous: Bucketing,
  now: Bucketing,
  bucket: number,
): { buckets: number[]; filter: boolean } | null {
  if (previous.count === 1) return { buckets: [0], filter: now.count > 1 };
  if (previous.key.join() !== now.key.join()) return null;
  if (previous.count <= now.count) {
    return { buckets: [bucket & (previous.count - 1)], filter: previous.count < now.count };
  }
  const buckets: number[] = [];
  for (let old = bucket; old < previous.count; old += now.count) buckets.push(old);
  return { buckets, filter: false };
}

/** The Hive type of one of the table's columns. */
export function columnType(table: SnapshotTable, name: string): string {
  const column = table.columns.find((candidate) => candidate.name === name);
  if (column) return column.type;
  throw new TributaryError({
    code: 'SnapshotTableInvalid',
    message: `Table ${table.name} has no column ${name}, but its key names it. Name a column of the table in \`key\`.`,
    attributes: { table: table.name, column: name },
  });
}
