import { z } from 'zod';
import { jsonText, parseStored } from '../json-file.js';
import type { Storage } from '../storage.js';
import { snapshotColumns } from './event-sql.js';
import { isBucketCount, previousBuckets, type Bucketing } from './bucketing.js';
import type {
  BucketCounts,
  FileKind,
  OrderKind,
  PreviousBucket,
  SnapshotTable,
  SplitBucket,
} from './types.js';

/** Name of the manifest in a snapshot's directory; hidden from Hive. */
export const SNAPSHOT_MANIFEST = '_snapshot.json';

export interface SnapshotFile {
  kind: FileKind;
  /** File name in the snapshot's directory. */
  name: string;
  /** 0 where the files are not split into buckets. */
  bucket: number;
  rows: number;
  bytes: number;
  checksum: string;
}

/** Points at another snapshot. */
export interface SnapshotReference {
  directory: string;
  boundaryMs: number;
  revision: number;
}

/** All that is known of a published snapshot; the next one starts from it. Its content depends on nothing but the merge. */
export interface SnapshotManifest {
  version: 1;
  /** Name of the mirror, without `_snapshot`. */
  table: string;
  boundaryMs: number;
  order: OrderKind;
  revision: number;
  engine: 'duckdb' | 'hive' | 'bootstrap';
  bucketing: Bucketing;
  columns: { name: string; type: string }[];
  counts: BucketCounts;
  files: SnapshotFile[];
  /** Stream of commits -> sequence of the last commit whose changes are in here. */
  applied: Record<string, number>;
  previous: SnapshotReference | null;
}

const count = z.number().int().nonnegative();

const manifestSchema: z.ZodType<SnapshotManifest> = z.looseObject({
  version: z.literal(1),
  table: z.string().min(1),
  boundaryMs: count,
  order: z.enum(['tso', 'oplog', 'ms', 'offset']),
  revision: count,
  engine: z.enum(['duckdb', 'hive', 'bootstrap']),
  bucketing: z.looseObject({ count: z.number().refine(isBucketCount), key: z.array(z.string()) }),
  columns: z.array(z.looseObject({ name: z.string(), type: z.string() })),
  counts: z.looseObject({
    changes: count,
    previous: count,
    inserted: count,
    updated: count,
    deleted: count,
    rows: count,
    tombstones: count,
    pendingPatches: count,
    latePatches: count,
    unknownPatches: count,
  }),
  files: z.array(
    z.looseObject({
      kind: z.enum(['rows', 'tombstones', 'pending']),
      name: z.string().min(1),
      bucket: count,
      rows: count,
      bytes: count,
      checksum: z.string(),
    }),
  ),
  applied: z.record(z.string(), count),
  previous: z.looseObject({ directory: z.string(), boundaryMs: count, revision: count }).nullable(),
});

/** The manifest of a snapshot's directory; undefined if there is none. */
export async function readSnapshotManifest(
  storage: Storage,
  directory: string,
  signal?: AbortSignal,
): Promise<SnapshotManifest | undefined> {
  const path = `${directory}/${SNAPSHOT_MANIFEST}`;
  const bytes = await storage.read(path, signal);
  return bytes && parseStored(manifestSchema, path, bytes);
}

/** Writes the manifest; the same manifest gives the same bytes. */
export async function writeSnapshotManifest(
  storage: Storage,
  directory: string,
  manifest: SnapshotManifest,
  signal?: AbortSignal,
): Promise<void> {
  await storage.write(`${directory}/${SNAPSHOT_MANIFEST}`, jsonText(manifest), signal);
}

/** A previous snapshot as a merge uses it. */
export interface PreviousSnapshot {
  directory: string;
  manifest: SnapshotManifest;
}

/** True if the previous rows lie so that every bucket would have to read all of them: run `bucketRows` over them first. */
export function needsSplit(previous: PreviousSnapshot, now: Bucketing): boolean {
  const { bucketing } = previous.manifest;
  return now.count > 1 && (bucketing.count === 1 || previousBuckets(bucketing, now, 0) === null);
}

/**
 * What bucket `bucket` starts from.
 * @param split the results of `bucketRows` over the previous rows, if `needsSplit` asked for it
 */
export function previousBucket(
  previous: PreviousSnapshot,
  table: SnapshotTable,
  now: Bucketing,
  bucket: number,
  split?: readonly SplitBucket[],
): PreviousBucket {
  const { manifest, directory } = previous;
  const whole = { buckets: [...Array(manifest.bucketing.count).keys()], filter: now.count > 1 };
  const from = previousBuckets(manifest.bucketing, now, bucket) ?? whole;
  const files = (kind: SnapshotFile['kind']) =>
    manifest.files
      .filter((file) => file.kind === kind && from.buckets.includes(file.bucket))
      .map((file) => ({
        path: `${directory}/${file.name}`,
        rows: file.rows,
        bytes: file.bytes,
        checksum: file.checksum,
      }));
  return {
    rows: split
      ? split.filter((part) => part.bucket === bucket).map(({ path, rows }) => ({ path, rows }))
      : files('rows'),
    tombstones: files('tombstones'),
    pending: files('pending'),
    filterRows: split === undefined && from.filter,
    filterHidden: from.filter,
    // A bootstrap's chunks are read from a source that may have changed its key under way.
    checked: manifest.engine !== 'bootstrap',
    sameColumns: split === undefined && columnText(manifest.columns) === columnText(snapshotColumns(table)),
  };
}

function columnText(columns: readonly { name: string; type: string }[]): string {
  return columns.map(({ name, type }) => `${name} ${type}`).join();
}
