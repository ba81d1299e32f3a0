import { activityInfo } from '@temporalio/activity';
import { mirrorTable } from '../changelog/mirror-table.js';
import type { LandingTable } from '../changelog/types.js';
import { TributaryError } from '../common/errors.js';
import { partitionPath } from '../warehouse/layout.js';
import { baseBefore } from '../sources/bootstrap-generation.js';
import { ManifestStore } from '../warehouse/manifest-store.js';
import { claimDirectory } from '../warehouse/partition-switch.js';
import { bucketingOf } from '../warehouse/snapshot/bucketing.js';
import type { TableSpec } from '../config/spec.js';
import { chooseEngine } from '../warehouse/snapshot/choose-engine.js';
import type { Emptying } from '../warehouse/snapshot/emptying.js';
import { checkTable } from '../warehouse/snapshot/event-sql.js';
import { needsSplit, type PreviousSnapshot, type SnapshotReference } from '../warehouse/snapshot/manifest.js';
import { orderKind } from '../warehouse/snapshot/order-kind.js';
import { checkSnapshotFiles } from '../warehouse/snapshot/publish.js';
import type { FileKind, SourceFile } from '../warehouse/snapshot/types.js';
import type { SnapshotInput, SnapshotPlanned } from '../workflows/snapshot-types.js';
import { attempt } from './attempt.js';
import { ChangeLedger, type TableLedger } from './change-ledger.js';
import type { ActivityContext } from './context.js';
import { changelogTable } from './hive-tables.js';
import { findEmptyings } from './emptyings.js';
import { landingOf } from './prepare-table.js';
import { findDocument, keepDocument, snapshotStaging, type SnapshotDocument } from './snapshot-document.js';
import * as inputs from './snapshot-inputs.js';
import { snapshotTableName, tombstonesMs } from './snapshot-table.js';
import type { ControlActivities } from './types.js';

/** A bucket's share of a worker's memory decides how many rows it may have. */
const ROW_BYTES_IN_MEMORY = 512;
const MAX_ROWS_PER_BUCKET = 2_000_000;

/** Fixes what a snapshot is made of, before anything is read: the previous one, files, engine, buckets. */
export function planSnapshot(context: ActivityContext): ControlActivities['planSnapshot'] {
  return (input) =>
    attempt(async ({ signal }) => {
      const run = activityInfo().workflowExecution?.runId ?? 'standalone';
      const path = `${snapshotStaging(run)}/plan.json`;
      const kept =
        (await findDocument<SnapshotDocument>(context.storage, path, signal)) ??
        (await keepDocument(context.storage, path, await plan(context, input, run, signal), signal));
      return summaryOf(path, kept);
    });
}

async function plan(
  context: ActivityContext,
  input: SnapshotInput,
  run: string,
  signal: AbortSignal,
): Promise<SnapshotDocument> {
  const { spec, base, boundary: at } = input;
  const startedMs = Date.now();
  const store = new ManifestStore(context.storage);
  const ledgerFile = new ChangeLedger(context.storage, spec.kafka, spec.topic);
  const previous = await previousSnapshot(context, store, input, signal);
  const before = previous && { boundaryMs: previous.manifest.boundaryMs, applied: previous.manifest.applied };
  const known = await ledgerFile.read(spec.name, signal);
  // What is whole now is looked up before the partitions are: a commit that ends in between counts as not taken in, never the
  // other way round.
  const applied = await inputs.appliedNow(store, spec, known.partitions, before, signal);
  const ledger = await ledgerFile.read(spec.name, signal);
  const landing = await landingOf(context, spec, signal);
  const key = spec.key.length > 0 ? spec.key : (base?.key ?? ledger.key ?? []);
  const table = mirrorTable(landing, key);
  checkTable(table);
  const order = orderOf(landing, ledger, previous);
  const boundary = { order, ms: at.ms, wall: at.wall };
  // The ledger knows what has come since the newest snapshot; whoever starts from another one looks everywhere.
  const ledgerSuffices = !input.again && input.previous !== null && previous?.manifest.engine !== 'bootstrap';
  const candidates = ledgerSuffices
    ? ledger.partitions
    : inputs.candidatesOf(await store.listPartitions(changelogTable(spec), signal), ({ partition }) =>
        partitionPath(partition),
      );
  const partitions = inputs.selectPartitions(candidates, boundary, before);
  const changes = await inputs.listInputs(store, changelogTable(spec), partitions, signal);
  const emptyings = await findEmptyings(
    context,
    store,
    { spec, boundary, sinceMs: previous?.manifest.boundaryMs, latenessMs: tombstonesMs(spec) },
    signal,
  );
  const rowFiles = previous?.manifest.files.filter(({ kind }) => kind === 'rows') ?? [];
  const choice = chooseEngine(
    {
      previousRows: previous?.manifest.counts.rows ?? 0,
      previousBytes: rowFiles.reduce((sum, { bytes }) => sum + bytes, 0),
      changeRows: changes.rows,
      changeBytes: changes.files.reduce((sum, { bytes }) => sum + bytes, 0),
      previousBuckets: previous?.manifest.bucketing.count ?? 1,
    },
    { engine: spec.snapshot!.engine, catalog: context.catalog.kind, rowsPerBucket: rowsPerBucket(context) },
  );
  const bucketing = bucketingOf(table, choice.buckets);
  const split = choice.engine === 'duckdb' && previous !== undefined && needsSplit(previous, bucketing);
  const storedTasks = inputs.packFiles(storedFiles(previous, emptyings, spec));
  const changeTasks = inputs.packFiles(changes.files);
  const claim = { table: snapshotTableName(spec), partition: at.partition, attempt: run.slice(0, 8) };
  const directory = await claimDirectory(context, { ...claim, graceMs: context.graceMs }, signal);
  const now = await store.readPartition(claim.table, claim.partition, signal);
  return {
    version: 1,
    landing,
    key: table.key,
    boundary,
    place: { partition: at.partition, name: at.name },
    engine: choice.engine,
    reason: choice.reason,
    buckets: choice.buckets,
    previous: previous ? referenceTo(previous) : null,
    previousRows: previous?.manifest.counts.rows ?? 0,
    changes: [...changeTasks, ...storedTasks],
    ...(storedTasks.length > 0 && { storedFrom: changeTasks.length }),
    ...(emptyings.length > 0 && { emptyings }),
    expected: { rows: changes.rows, exact: changes.exact },
    base: split ? inputs.packFiles(placed(previous, ['rows'])) : [],
    directory,
    replaces: now?.directory ?? null,
    applied,
    startedMs,
  };
}

/** The published snapshot that the merge starts from, else the bootstrap, else nothing; its files are looked at. */
async function previousSnapshot(
  context: ActivityContext,
  store: ManifestStore,
  { spec, previous, boundary }: SnapshotInput,
  signal: AbortSignal,
): Promise<PreviousSnapshot | undefined> {
  const state =
    previous === null
      ? undefined
      : await store.readPartition(snapshotTableName(spec), previous.partition, signal);
  const published = state !== undefined && state.dropped !== true ? state.directory : undefined;
  const base = await baseBefore(context.storage, spec.name, boundary.ms, signal);
  // A bootstrap that was made anew is the better word of the source than the snapshots before it.
  const renewed = base !== undefined && previous !== null && base.boundaryMs > previous.ms;
  const directory = renewed ? base.directory : (published ?? base?.directory);
  if (directory === undefined) {
    // The changelog is whole since the log's start: a table without a bootstrap can always be made from it alone.
    if (spec.bootstrap === undefined) return undefined;
  }
  const manifest =
    directory === undefined ? undefined : await checkSnapshotFiles(context.storage, directory, signal);
  if (manifest !== undefined) return { directory: directory!, manifest };
  throw new TributaryError({
    code: 'SnapshotBaseMissing',
    message:
      `The snapshot of ${spec.name} before this one (${previous?.name ?? 'its bootstrap'}) is not in storage${directory === undefined ? '' : ` at ${directory}`}. ` +
      `Restore it, or bootstrap the table anew.`,
    attributes: { table: spec.name, ...(directory !== undefined && { directory }) },
  });
}

/** Files of the previous snapshot, in which an emptying that it has not seen may find rows, and patches that wait. */
function storedFiles(
  previous: PreviousSnapshot | undefined,
  emptyings: readonly Emptying[],
  { latenessSeconds }: TableSpec,
): PlacedFile[] {
  if (previous === undefined) return [];
  const unseenMs = previous.manifest.boundaryMs - latenessSeconds * 1000;
  return emptyings.some(({ instantMs }) => instantMs >= unseenMs)
    ? placed(previous, ['rows', 'pending'])
    : [];
}

type PlacedFile = SourceFile & { bytes: number };

/** Files of a snapshot with their paths. */
function placed({ directory, manifest }: PreviousSnapshot, kinds: readonly FileKind[]): PlacedFile[] {
  return manifest.files
    .filter(({ kind }) => kinds.includes(kind))
    .map(({ name, rows, bytes }) => ({ path: `${directory}/${name}`, rows, bytes }));
}

/** @throws TributaryError SnapshotOrderChanged if the log does not count as the previous rows do. */
function orderOf(landing: LandingTable, ledger: TableLedger, previous: PreviousSnapshot | undefined) {
  const { spec } = landing;
  const before = previous?.manifest.order;
  if (ledger.sample === undefined) return before ?? orderKind(spec.format, undefined);
  const order = orderKind(spec.format, ledger.sample);
  if (before === undefined || before === order) return order;
  throw new TributaryError({
    code: 'SnapshotOrderChanged',
    message:
      `The changes of ${spec.name} are ordered by ${order} now (cdc_ts ${ledger.sample.cdcTs}), its snapshots so far by ${before}: ` +
      `the two cannot be compared, so nothing tells which row is newer. Bootstrap the table anew under another name.`,
    attributes: { table: spec.name, order, before },
  });
}

function referenceTo({ directory, manifest: { boundaryMs, revision } }: PreviousSnapshot): SnapshotReference {
  return { directory, boundaryMs, revision };
}

function rowsPerBucket({ duckdb }: ActivityContext): number {
  return Math.min(MAX_ROWS_PER_BUCKET, Math.floor((duckdb.memoryLimitMb * 2 ** 20) / ROW_BYTES_IN_MEMORY));
}

function summaryOf(path: string, document: SnapshotDocument): SnapshotPlanned {
  const files = document.changes.flat() as { bytes?: number }[];
  return {
    plan: path,
    engine: document.engine,
    reason: document.reason,
    buckets: document.buckets,
    splitTasks: document.changes.length,
    baseTasks: document.base.length,
    changeFiles: files.length,
    changeBytes: files.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0),
    previousRows: document.previousRows,
  };
}
