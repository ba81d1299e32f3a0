import { snapshotCheckFailed } from './errors.js';
import type { BucketCounts, BucketResult } from './types.js';

/**
 * previous + inserted - deleted = rows.
 * @throws TributaryError SnapshotCheckFailed, with the numbers
 */
export function reconcileBucket(table: string, bucket: number | null, counts: BucketCounts): void {
  const { previous, inserted, deleted, updated, rows } = counts;
  if (previous + inserted - deleted === rows && updated <= previous - deleted) return;
  throw snapshotCheckFailed(
    table,
    `${previous} rows before + ${inserted} inserted - ${deleted} deleted is not ${rows} rows after` +
      `${bucket === null ? '' : ` in bucket ${bucket}`}.`,
    { previous, inserted, updated, deleted, rows, ...(bucket !== null && { bucket }) },
  );
}

/** What the whole of a merge must add up to. */
export interface Expected {
  buckets: number;
  /** Rows of the previous snapshot, or of the bootstrap; 0 for a table that begins empty. */
  previousRows: number;
  /** Events that the split tasks wrote. */
  changes: number;
}

/**
 * Sums of all buckets, after checking that every bucket is there once and that nothing got lost between them.
 * @throws TributaryError SnapshotCheckFailed, with the numbers
 */
export function reconcile(table: string, results: readonly BucketResult[], expected: Expected): BucketCounts {
  const found = new Set(results.map((result) => result.bucket));
  if (found.size !== results.length || results.length !== expected.buckets) {
    throw snapshotCheckFailed(
      table,
      `${results.length} results for ${found.size} of ${expected.buckets} buckets.`,
    );
  }
  const counts = sumCounts(results.map((result) => result.counts));
  if (counts.previous !== expected.previousRows) {
    throw snapshotCheckFailed(
      table,
      `The previous rows are ${expected.previousRows}, but the buckets began with ${counts.previous}.`,
      { expected: expected.previousRows, read: counts.previous },
    );
  }
  if (counts.changes !== expected.changes) {
    throw snapshotCheckFailed(
      table,
      `The split wrote ${expected.changes} changes, but the buckets read ${counts.changes}.`,
      { expected: expected.changes, read: counts.changes },
    );
  }
  reconcileBucket(table, null, counts);
  return counts;
}

/** Member by member sums. */
export function sumCounts(all: readonly BucketCounts[]): BucketCounts {
  const sum: BucketCounts = {
    changes: 0,
    previous: 0,
    inserted: 0,
    updated: 0,
    deleted: 0,
    rows: 0,
    tombstones: 0,
    pendingPatches: 0,
    latePatches: 0,
    unknownPatches: 0,
  };
  for (const counts of all) {
    for (const name of Object.keys(sum) as (keyof BucketCounts)[]) sum[name] += counts[name];
  }
  return sum;
}
