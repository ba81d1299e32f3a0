import { activityInfo } from '@temporalio/activity';
import { mirrorTable } from '../changelog/mirror-table.js';
import type { TableSpec } from '../config/spec.js';
import { removeOldGenerations } from '../sources/bootstrap-generation.js';
import { fenced } from '../warehouse/fence.js';
import { completePartition, retirePartition } from '../warehouse/partition-lifecycle.js';
import { ManifestStore } from '../warehouse/manifest-store.js';
import { switchPartition } from '../warehouse/partition-switch.js';
import { removeStagedRun } from '../warehouse/staging.js';
import { bucketingOf } from '../warehouse/snapshot/bucketing.js';
import { snapshotCheckFailed } from '../warehouse/snapshot/errors.js';
import { readSnapshotManifest, type SnapshotManifest } from '../warehouse/snapshot/manifest.js';
import { publishSnapshot as publish } from '../warehouse/snapshot/publish.js';
import type { SplitResult } from '../warehouse/snapshot/split.js';
import type { BucketResult } from '../warehouse/snapshot/types.js';
import { attempt } from './attempt.js';
import { ChangeLedger } from './change-ledger.js';
import type { ActivityContext } from './context.js';
import { boundaryOf } from './due-snapshots.js';
import { readBucket, readDocument, splitResults, type SnapshotDocument } from './snapshot-document.js';
import { recordSnapshot } from './metrics.js';
import { retiredBoundaries, boundaryAt } from './snapshot-calendar.js';
import { settledThrough } from './snapshot-inputs.js';
import { snapshotCatalogTable, snapshotTableName } from './snapshot-table.js';
import type { ControlActivities } from './types.js';

/**
 * Checks that the buckets add up, puts their files into the new version's directory, and moves the partition's pointer there.
 * Readers see the old snapshot or the new one; a zombie finds everything in its place already.
 */
export function publishSnapshot(context: ActivityContext): ControlActivities['publishSnapshot'] {
  return ({ plan }) =>
    attempt(async ({ signal, deadlineMs }) => {
      const document = await readDocument<SnapshotDocument>(context.storage, plan, signal);
      const { spec } = document.landing;
      const splits = await splitResults(context.storage, plan, 'changes', document.changes.length, signal);
      checkRowsRead(document, splits);
      const results: BucketResult[] = [];
      for (let bucket = 0; bucket < document.buckets; bucket++) {
        results.push(await readBucket(context.storage, plan, bucket, signal));
      }
      const table = mirrorTable(document.landing, document.key);
      await context.catalog.ensureTable(snapshotCatalogTable(spec, table, context.storage), signal);
      const options = { deadline: deadlineMs, signal };
      const partition = document.place.partition;
      const revision = (await currentRevision(context, document, signal)) + 1;
      const manifest = await fenced(context, options, ({ storage }, fence) =>
        publish(
          storage,
          {
            table,
            boundary: document.boundary,
            revision,
            engine: document.engine,
            bucketing: bucketingOf(table, document.engine === 'hive' ? 1 : document.buckets),
            results,
            expected: {
              previousRows: document.previousRows,
              changes: splits.reduce((sum, { written }) => sum + written, 0),
            },
            applied: document.applied,
            previous: document.previous,
            directory: document.directory,
          },
          fence,
        ),
      );
      const name = snapshotTableName(spec);
      await switchPartition(
        context,
        {
          table: name,
          partition,
          expectedDirectory: document.replaces ?? undefined,
          newDirectory: document.directory,
          newFiles: manifest.files.filter(({ kind }) => kind === 'rows').map((file) => file.name),
          mode: 'replace',
          rows: manifest.counts.rows,
          streams: [],
          graceMs: context.graceMs,
        },
        options,
      );
      const completedAt = new Date().toISOString();
      const done = await completePartition(
        context,
        { table: name, partition, positions: {}, completedAt },
        options,
      );
      await new ChangeLedger(context.storage, spec.kafka, spec.topic).settle(
        spec.name,
        document.applied,
        settledThrough(document.boundary),
        signal,
      );
      const run = activityInfo().workflowExecution?.runId;
      if (run !== undefined) await removeStagedRun(context.storage, run, signal);
      const result = resultOf(document, manifest, done.revision);
      recordSnapshot(spec.name, result.tookMs);
      return result;
    });
}

/** An empty read of a non-empty changelog must never become an empty snapshot. */
function checkRowsRead({ landing, expected }: SnapshotDocument, splits: readonly SplitResult[]): void {
  const read = splits.reduce((sum, split) => sum + split.read, 0);
  if (expected.exact ? read === expected.rows : read >= expected.rows) return;
  throw snapshotCheckFailed(
    landing.spec.name,
    `its changelog's partitions should have ${expected.exact ? '' : 'at least '}${expected.rows} rows, but ${read} were read.`,
    { expected: expected.rows, read },
  );
}

/** Revision of what readers see now; the same for every attempt, because only the switch changes it. */
async function currentRevision(
  { storage }: ActivityContext,
  { landing, place, directory }: SnapshotDocument,
  signal: AbortSignal,
): Promise<number> {
  const written = await readSnapshotManifest(storage, directory, signal);
  if (written !== undefined) return written.revision - 1;
  const state = await new ManifestStore(storage).readPartition(
    snapshotTableName(landing.spec),
    place.partition,
    signal,
  );
  return state?.revision ?? 0;
}

function resultOf(document: SnapshotDocument, { counts }: SnapshotManifest, revision: number) {
  const finishedMs = Date.now();
  return {
    boundaryMs: document.boundary.ms,
    name: document.place.name,
    revision,
    rows: counts.rows,
    inserted: counts.inserted,
    updated: counts.updated,
    deleted: counts.deleted,
    engine: document.engine,
    reason: document.reason,
    finishedMs,
    tookMs: finishedMs - document.startedMs,
  };
}

/** Takes snapshots out of the catalog that the table's policy does not keep any more; their files go after the grace period. */
export function retireSnapshots(context: ActivityContext): ControlActivities['retireSnapshots'] {
  return ({ spec, retiredThroughMs }) =>
    attempt(async ({ signal, deadlineMs }) => {
      const table = snapshotTableName(spec);
      const store = new ManifestStore(context.storage);
      const published = (
        await store.partitionNames(table, boundaryAt(0, spec).name.split('/').length, signal)
      )
        .map((partition) => boundaryOf({ partition }, spec))
        .filter((ms) => ms > (retiredThroughMs ?? -Infinity))
        .sort((a, b) => a - b);
      const retired = retiredBoundaries(published, spec);
      for (const ms of retired) {
        const { partition } = boundaryAt(ms, spec);
        const request = { table, partition, graceMs: context.graceMs };
        await retirePartition(context, request, { deadline: deadlineMs, signal });
      }
      await removeOldBases(context, store, spec, signal);
      const kept = published.slice(-spec.snapshot!.keep)[0];
      return { retired: retired.length, throughMs: kept === undefined ? retiredThroughMs : kept - 1 };
    });
}

/** Bootstraps that were made anew since, once retention has taken the last snapshot that was made of them. */
async function removeOldBases(
  context: ActivityContext,
  store: ManifestStore,
  spec: TableSpec,
  signal: AbortSignal,
): Promise<void> {
  if (spec.bootstrap === undefined) return;
  const states = await store.listPartitions(snapshotTableName(spec), signal);
  const boundaries = states.filter(({ dropped }) => dropped !== true).map((state) => boundaryOf(state, spec));
  const oldestMs = boundaries.length === 0 ? null : Math.min(...boundaries);
  const beforeMs = Date.now() - context.graceMs;
  const gone = await removeOldGenerations(context.storage, spec.name, { oldestMs, beforeMs }, signal);
  if (gone.length > 0) context.log.info({ generations: gone }, 'old bootstraps removed');
}
