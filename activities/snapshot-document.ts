import type { LandingTable } from '../changelog/types.js';
import { jsonText } from '../warehouse/json-file.js';
import { quoteSegment, STAGING } from '../warehouse/layout.js';
import type { Storage } from '../warehouse/storage.js';
import type { Emptying } from '../warehouse/snapshot/emptying.js';
import type { Boundary, BucketResult, ChangeFile, SourceFile } from '../warehouse/snapshot/types.js';
import type { SnapshotReference } from '../warehouse/snapshot/manifest.js';
import type { SplitResult } from '../warehouse/snapshot/split.js';
import { TributaryError } from '../common/errors.js';
import type { SnapshotBoundary } from '../workflows/snapshot-types.js';

/**
 * What the pieces of one snapshot hand to each other, as documents in the staging area of its workflow run: lists of files may
 * be longer than Temporal carries. Each is created once; a second attempt finds what the first has written.
 */
export interface SnapshotDocument {
  version: 1;
  landing: LandingTable;
  key: string[];
  boundary: Boundary;
  place: Pick<SnapshotBoundary, 'partition' | 'name'>;
  engine: 'duckdb' | 'hive';
  reason: string;
  buckets: number;
  /** The snapshot or bootstrap that the merge starts from. */
  previous: SnapshotReference | null;
  previousRows: number;
  /** Changelog files, shared out over tasks. */
  changes: ChangeFile[][];
  /** When the source was truncated or dropped; absent in plans of before there was this. */
  emptyings?: Emptying[];
  /** The tasks of `changes` from this one on have files of the previous snapshot, whose emptied rows are to be deleted. */
  storedFrom?: number;
  /** Rows that the partitions of those files are known to have. */
  expected: { rows: number; exact: boolean };
  /** Files of the previous rows, where those must be split into buckets first. */
  base: SourceFile[][];
  /** Directory of the new version, and of the content that it replaces. */
  directory: string;
  replaces: string | null;
  applied: Record<string, number>;
  startedMs: number;
}

/** Directory of one run's documents and staged files. */
export function snapshotStaging(runId: string): string {
  return `${STAGING}/${quoteSegment(runId)}/snapshot`;
}

/** Keeps a document unless there is one already; answers the one that is kept. */
export async function keepDocument<T>(
  storage: Storage,
  path: string,
  content: T,
  signal?: AbortSignal,
): Promise<T> {
  await storage.create(path, jsonText(content), signal);
  return readDocument<T>(storage, path, signal);
}

/** @throws TributaryError SnapshotFileLost if someone has cleaned the staging area. */
export async function readDocument<T>(storage: Storage, path: string, signal?: AbortSignal): Promise<T> {
  const found = await findDocument<T>(storage, path, signal);
  if (found !== undefined) return found;
  throw new TributaryError({
    code: 'SnapshotFileLost',
    message: `${path} is not there: the staging area was cleaned while a snapshot was under way. It is begun again.`,
    attributes: { path },
  });
}

export async function findDocument<T>(
  storage: Storage,
  path: string,
  signal?: AbortSignal,
): Promise<T | undefined> {
  const bytes = await storage.read(path, signal);
  return bytes && (JSON.parse(bytes.toString('utf8')) as T);
}

export const splitPath = (plan: string, kind: 'changes' | 'base', task: number): string =>
  `${plan.slice(0, plan.lastIndexOf('/'))}/${kind}-${task}.json`;

export const bucketPath = (plan: string, bucket: number): string =>
  `${plan.slice(0, plan.lastIndexOf('/'))}/bucket-${bucket}.json`;

/** Results of all split tasks of a kind, in order. */
export async function splitResults(
  storage: Storage,
  plan: string,
  kind: 'changes' | 'base',
  tasks: number,
  signal?: AbortSignal,
): Promise<SplitResult[]> {
  const results: SplitResult[] = [];
  for (let task = 0; task < tasks; task++) {
    results.push(await readDocument<SplitResult>(storage, splitPath(plan, kind, task), signal));
  }
  return results;
}

export const readBucket = (
  storage: Storage,
  plan: string,
  bucket: number,
  signal?: AbortSignal,
): Promise<BucketResult> => readDocument<BucketResult>(storage, bucketPath(plan, bucket), signal);
