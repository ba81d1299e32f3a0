import { chooseBucketCount, MAX_BUCKETS } from './bucketing.js';

export interface EngineSizes {
  /** Rows and bytes of the previous snapshot (or the bootstrap). */
  previousRows: number;
  previousBytes: number;
  /** Changelog rows and bytes to merge. */
  changeRows: number;
  changeBytes: number;
  /** Buckets of the previous snapshot. */
  previousBuckets: number;
}

export interface EnginePolicy {
  /** What the table's config asks for. */
  engine: 'auto' | 'duckdb' | 'hive';
  /** Whether there is a Hive that could merge. */
  catalog: 'hive' | 'none';
  /** Rows a bucket should have. Default 2,000,000. */
  rowsPerBucket?: number;
  /** Bytes a bucket should have at most, for tables of wide rows. Default 256 MiB of Parquet. */
  bytesPerBucket?: number;
  /** Parquet bytes beyond which `auto` leaves a merge to the cluster. Default 200 GiB. */
  maxWorkerBytes?: number;
}

export interface EngineChoice {
  engine: 'duckdb' | 'hive';
  buckets: number;
  /** Why, with the numbers, for the status page and the log. */
  reason: string;
}

const ROWS_PER_BUCKET = 2_000_000;
const BYTES_PER_BUCKET = 256 * 2 ** 20;
const MAX_WORKER_BYTES = 200 * 2 ** 30;

/** Decides where a snapshot is merged, and in how many buckets. */
export function chooseEngine(sizes: EngineSizes, policy: EnginePolicy): EngineChoice {
  const rows = sizes.previousRows + sizes.changeRows;
  const bytes = sizes.previousBytes + sizes.changeBytes;
  const byRows = chooseBucketCount(rows, policy.rowsPerBucket ?? ROWS_PER_BUCKET, sizes.previousBuckets);
  const buckets = chooseBucketCount(bytes, policy.bytesPerBucket ?? BYTES_PER_BUCKET, byRows);
  const limit = policy.maxWorkerBytes ?? MAX_WORKER_BYTES;
  const size = `${gib(bytes)} GiB in ${rows} rows`;
  const duckdb = (why: string): EngineChoice => ({
    engine: 'duckdb',
    buckets,
    reason: `duckdb, ${buckets} ${buckets === 1 ? 'bucket' : 'buckets'}: ${why}`,
  });
  const hive = (why: string): EngineChoice => ({ engine: 'hive', buckets: 1, reason: `hive: ${why}` });
  if (policy.engine === 'duckdb') return duckdb(`the table's config says so (${size})`);
  if (policy.catalog === 'none') return duckdb(`there is no Hive to merge ${size}`);
  if (policy.engine === 'hive') return hive(`the table's config says so (${size})`);
  if (bytes > limit) return hive(`${size} is more than the ${gib(limit)} GiB that workers merge themselves`);
  if (buckets >= MAX_BUCKETS) return hive(`${size} would need more than ${MAX_BUCKETS} buckets`);
  return duckdb(`${size} is not more than the ${gib(limit)} GiB that workers merge themselves`);
}

function gib(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(1);
}
