import { mirrorTable } from '../changelog/mirror-table.js';
import { bucketingOf } from '../warehouse/snapshot/bucketing.js';
import { resolvePatches } from '../warehouse/snapshot/hive-documents.js';
import { hiveMerge, type HiveMergeRequest } from '../warehouse/snapshot/hive-merge.js';
import { snapshotCheckFailed } from '../warehouse/snapshot/errors.js';
import {
  previousBucket,
  readSnapshotManifest,
  type PreviousSnapshot,
} from '../warehouse/snapshot/manifest.js';
import { mergeBucket } from '../warehouse/snapshot/merge-bucket.js';
import { bucketChanges, bucketDeletes, bucketRows, type SplitResult } from '../warehouse/snapshot/split.js';
import type { BucketResult, MergeContext, SourceFile } from '../warehouse/snapshot/types.js';
import { attempt, withScratch, type Attempt } from './attempt.js';
import type { ActivityContext } from './context.js';
import {
  bucketPath,
  findDocument,
  keepDocument,
  readDocument,
  splitPath,
  splitResults,
  type SnapshotDocument,
} from './snapshot-document.js';
import { foldOf, tombstonesMs } from './snapshot-table.js';
import type { HeavyActivities } from './types.js';

/** Shares out some changelog files (or rows of the previous snapshot that are in no buckets yet) over buckets of keys. */
export function splitSnapshot(context: ActivityContext): HeavyActivities['splitSnapshot'] {
  return ({ plan, kind, task }) =>
    attempt(async (attempt) => {
      const path = splitPath(plan, kind, task);
      const done = await findDocument<SplitResult>(context.storage, path, attempt.signal);
      const result = done ?? (await split(context, attempt, plan, kind, task));
      const kept = done ?? (await keepDocument(context.storage, path, result, attempt.signal));
      return { read: kept.read, written: kept.written };
    });
}

function split(
  context: ActivityContext,
  attempt: Attempt,
  plan: string,
  kind: 'changes' | 'base',
  task: number,
): Promise<SplitResult> {
  return withMerge(
    context,
    attempt,
    `${plan.slice(0, plan.lastIndexOf('/'))}/${kind}-${task}`,
    async (merge) => {
      const document = await readDocument<SnapshotDocument>(context.storage, plan, attempt.signal);
      const table = mirrorTable(document.landing, document.key);
      const { boundary, buckets } = document;
      if (kind === 'base') return bucketRows(merge, { table, files: document.base[task]!, buckets });
      const files = document.changes[task]!;
      const { emptyings = [], storedFrom = document.changes.length } = document;
      if (task < storedFrom) return bucketChanges(merge, { table, boundary, files, buckets, emptyings });
      return bucketDeletes(merge, { table, files: files as SourceFile[], buckets, emptyings });
    },
  );
}

/** Merges some buckets, one after the other. */
export function mergeSnapshot(context: ActivityContext): HeavyActivities['mergeSnapshot'] {
  return ({ plan, from, to }) =>
    attempt(async (attempt) => {
      const { storage } = context;
      const document = await readDocument<SnapshotDocument>(storage, plan, attempt.signal);
      const previous = await previousOf(context, document, attempt.signal);
      const changes = await splitResults(storage, plan, 'changes', document.changes.length, attempt.signal);
      const base =
        document.base.length === 0
          ? undefined
          : await splitResults(storage, plan, 'base', document.base.length, attempt.signal);
      let rows = 0;
      for (let bucket = from; bucket < to; bucket++) {
        const path = bucketPath(plan, bucket);
        const done = await findDocument<BucketResult>(storage, path, attempt.signal);
        const result =
          done ?? (await mergeOne(context, attempt, { plan, document, previous, changes, base, bucket }));
        const kept = done ?? (await keepDocument(storage, path, result, attempt.signal));
        rows += kept.counts.rows;
      }
      return { rows };
    });
}

async function mergeOne(
  context: ActivityContext,
  attempt: Attempt,
  work: {
    plan: string;
    document: SnapshotDocument;
    previous: PreviousSnapshot | undefined;
    changes: SplitResult[];
    base: SplitResult[] | undefined;
    bucket: number;
  },
): Promise<BucketResult> {
  const { document, previous, bucket } = work;
  const { landing, boundary, buckets } = document;
  const table = mirrorTable(landing, document.key);
  const base = work.base?.flatMap((result) => result.buckets);
  return withMerge(context, attempt, bucketPath(work.plan, bucket).replace(/\.json$/, ''), (merge) =>
    mergeBucket(merge, {
      table,
      boundary,
      latenessMs: tombstonesMs(document.landing.spec),
      bucket,
      buckets,
      ...(previous && {
        previous: previousBucket(previous, table, bucketingOf(table, buckets), bucket, base),
      }),
      changes: work.changes.flatMap((result) => result.buckets.filter((part) => part.bucket === bucket)),
      ...foldOf(landing),
    }),
  );
}

/** Merges on the cluster, as one bucket. */
export function mergeSnapshotInHive(context: ActivityContext): HeavyActivities['mergeSnapshotInHive'] {
  return ({ plan }) =>
    attempt(async (attempt) => {
      const path = bucketPath(plan, 0);
      const done = await findDocument<BucketResult>(context.storage, path, attempt.signal);
      if (done) return { rows: done.counts.rows };
      const document = await readDocument<SnapshotDocument>(context.storage, plan, attempt.signal);
      const result = await withMerge(context, attempt, path.replace(/\.json$/, ''), (merge) =>
        mergeInHive(context, merge, attempt, plan, document),
      );
      return { rows: (await keepDocument(context.storage, path, result, attempt.signal)).counts.rows };
    });
}

async function mergeInHive(
  context: ActivityContext,
  merge: MergeContext,
  { id, signal }: Attempt,
  plan: string,
  document: SnapshotDocument,
): Promise<BucketResult> {
  const table = mirrorTable(document.landing, document.key);
  const previous = await previousOf(context, document, signal);
  const changes = await splitResults(context.storage, plan, 'changes', document.changes.length, signal);
  const hive = { ...merge, catalog: context.catalog, id };
  const request: HiveMergeRequest = {
    table,
    boundary: document.boundary,
    latenessMs: tombstonesMs(document.landing.spec),
    ...(previous && { previous }),
    events: changes.flatMap((result) => result.buckets),
  };
  const { foldPatches } = foldOf(document.landing);
  const resolved = foldPatches && (await resolvePatches(hive, request, foldPatches));
  return hiveMerge(hive, { ...request, ...(resolved && { resolved }) });
}

async function previousOf(
  context: ActivityContext,
  { previous, previousRows, landing }: SnapshotDocument,
  signal: AbortSignal,
): Promise<PreviousSnapshot | undefined> {
  if (previous === null) return undefined;
  const { directory } = previous;
  const manifest = await readSnapshotManifest(context.storage, directory, signal);
  if (manifest?.counts.rows === previousRows) return { directory, manifest };
  throw snapshotCheckFailed(
    landing.spec.name,
    `${directory}, which it starts from, is not what it was any more.`,
    {
      directory,
    },
  );
}

function withMerge<T>(
  context: ActivityContext,
  { id, signal }: Attempt,
  staging: string,
  body: (merge: MergeContext) => Promise<T>,
): Promise<T> {
  return withScratch(context.scratch, 'snapshot', (workDir) =>
    body({ storage: context.storage, workDir, stagingDir: `${staging}/${id}`, duck: context.duckdb, signal }),
  );
}
