import { join } from 'node:path';
import { activityInfo, getClient } from '@temporalio/activity';
import { z } from 'zod';
import { rebuildPartition as rebuild } from '../changelog/rebuild.js';
import { isTributaryError } from '../common/errors.js';
import { contentHash } from '../common/hash.js';
import { sizeOf } from '../common/offset-ranges.js';
import { Duck } from '../warehouse/duckdb.js';
import { jsonText } from '../warehouse/json-file.js';
import { baseName, CONTROL, parsePartitionPath, partitionPath, quoteSegment } from '../warehouse/layout.js';
import { ManifestStore } from '../warehouse/manifest-store.js';
import { mapParallel } from '../warehouse/parallel.js';
import { claimDirectory, switchPartition } from '../warehouse/partition-switch.js';
import { inputPath } from '../warehouse/rewrite-parquet.js';
import { removeStagedBatch } from '../warehouse/staging.js';
import type { PlannedPartition, SwitchReply } from '../workflows/backfill-types.js';
import { ingestWorkflowId } from '../workflows/names.js';
import type { IngestInput } from '../workflows/ingest-types.js';
import { attempt, withScratch } from './attempt.js';
import { cutSplits, cutWaves, listed, planPartitions, waveOffsets } from './backfill-plan.js';
import type { ActivityContext } from './context.js';
import { currentPin } from './current-pin.js';
import { changelogTable } from './hive-tables.js';
import type { ControlActivities, HeavyActivities } from './types.js';
import { parquetScan } from '../warehouse/snapshot/parquet.js';

const DOWNLOADS = 4;
const LISTED = 200;

/** A plan as storage keeps it: too large for a workflow's history. */
interface StoredPlan {
  version: 1;
  kafka: string;
  topic: string;
  topicId: string | null;
  hiveTable: string;
  splitRecords: number;
  targetBytes: number;
  partitions: PlannedPartition[];
  waves: number[][];
}

/** What a pointer move needs. */
const rebuiltSchema = z.object({
  version: z.literal(1),
  hiveTable: z.string(),
  partition: z.record(z.string(), z.string()),
  expectedDirectory: z.string(),
  newDirectory: z.string(),
  newFiles: z.array(z.string()),
  inputs: z.array(z.string()),
  rows: z.number(),
  minEventMs: z.number().nullable(),
  maxEventMs: z.number().nullable(),
});
type StoredRebuild = z.infer<typeof rebuiltSchema>;

/** Fixes which offsets are read again for which partitions. */
export function planBackfill(context: ActivityContext): ControlActivities['planBackfill'] {
  return ({ table, request, spec, pin, settings, dry }) =>
    attempt(async ({ signal }) => {
      const store = new ManifestStore(context.storage);
      const hiveTable = changelogTable(spec);
      // States first: what lands after them is not in the plan, and comes along when the pointer moves.
      const states = await store.listPartitions(hiveTable, signal);
      const seen = await context.reader(spec.kafka).positions(spec.topic, signal);
      const partitions = planPartitions(states, seen, spec.timezone, request);
      const waves = cutWaves(partitions);
      const taken = partitions.filter((partition) => partition.taken);
      const refused = partitions.filter((partition) => !partition.taken);
      const sum = (of: (partition: PlannedPartition) => number): number =>
        taken.reduce((total, partition) => total + of(partition), 0);
      let path: string | null = null;
      if (!dry) {
        const plan: StoredPlan = {
          version: 1,
          kafka: spec.kafka,
          topic: spec.topic,
          topicId: seen.topicId ?? null,
          hiveTable,
          splitRecords: settings.splitRecords,
          targetBytes: settings.targetBytes,
          partitions,
          waves,
        };
        path = `${backfillDirectory(table, request.id)}/plan.json`;
        await context.storage.write(path, jsonText(plan), signal);
      }
      return {
        plan: path,
        pin: await currentPin(store, spec, pin, signal),
        partitions: partitions.length,
        taken: taken.length,
        rows: sum((partition) => partition.rows),
        bytes: sum((partition) => partition.bytes),
        offsets: waves.reduce((total, wave) => total + sizeOf(waveOffsets(partitions, wave)), 0),
        waves: waves.length,
        listed: dry ? partitions.slice(0, LISTED).map(listed) : [],
        refused: refused
          .slice(0, LISTED)
          .map(({ partition, reason }) => ({ partition, reason: reason ?? '' })),
        refusedCount: refused.length,
      };
    });
}

/** The splits of one wave, and its partitions. */
export function openBackfillWave(context: ActivityContext): ControlActivities['openBackfillWave'] {
  return ({ plan, wave }) =>
    attempt(async ({ signal }) => {
      const { partitions, waves, splitRecords, topicId } = await readPlan(context, plan, signal);
      const indexes = waves[wave] ?? [];
      return {
        topicId,
        splits: cutSplits(waveOffsets(partitions, indexes), splitRecords),
        partitions: indexes.map((index) => ({
          index,
          partition: partitions[index]!.partition,
          startMs: partitions[index]!.startMs,
        })),
      };
    });
}

/** Makes the new files of one partition, in a directory that nobody reads yet. */
export function rebuildPartition(context: ActivityContext): HeavyActivities['rebuildPartition'] {
  return ({ plan: planPath, index, manifests }) =>
    attempt(async ({ signal, id }) => {
      const { storage } = context;
      const store = new ManifestStore(storage);
      const plan = await readPlan(context, planPath, signal);
      const path = plan.partitions[index]!.partition;
      const partition = parsePartitionPath(path);
      const state = await store.readPartition(plan.hiveTable, partition, signal);
      if (!state || state.dropped === true) return nothing('it was retired meanwhile');
      const old = (await storage.list(state.directory, signal)).filter(
        (file) => !file.directory && !/^[._]/.test(baseName(file.path)),
      );
      const read = await mapParallel(manifests, DOWNLOADS, (manifest) =>
        store.readManifest(manifest, signal),
      );
      const fresh = read
        .flatMap(({ files }) => files)
        .filter((file) => file.table === plan.hiveTable && partitionPath(file.partition) === path);
      return withScratch(context.scratch, 'rebuild', async (dir) => {
        const inputs = [...old.map((file) => file.path), ...fresh.map((file) => file.stagedPath)];
        const local = inputs.map((_, i) => inputPath(dir, i));
        await mapParallel(inputs, DOWNLOADS, (input, i) => storage.download(input, local[i]!, signal));
        const { files, rows, ...counts } = await rebuild(
          {
            old: local.slice(0, old.length),
            fresh: local.slice(old.length),
            directory: join(dir, 'out'),
            targetBytes: plan.targetBytes,
          },
          { ...context.duckdb, tempDirectory: join(dir, 'duckdb'), signal },
        );
        if (files.length === 0) return { ...nothing('no record of it was read again'), ...counts };
        const claim = { table: plan.hiveTable, partition, attempt: id, graceMs: context.graceMs };
        const newDirectory = await claimDirectory(context, claim, signal);
        const stem = contentHash([planPath, index, inputs.map(baseName)], 16);
        const newFiles = files.map((_, i) => `r-${stem}-${i}.parquet`);
        await mapParallel(files, DOWNLOADS, (file, i) =>
          storage.upload(file, `${newDirectory}/${newFiles[i]!}`, signal),
        );
        const stored: StoredRebuild = {
          version: 1,
          hiveTable: plan.hiveTable,
          partition,
          expectedDirectory: state.directory,
          newDirectory,
          newFiles,
          inputs: old.map((file) => file.path),
          rows,
          minEventMs: bound(Math.min, [state.minEventMs, ...fresh.map((file) => file.minEventMs)]),
          maxEventMs: bound(Math.max, [state.maxEventMs, ...fresh.map((file) => file.maxEventMs)]),
        };
        const rebuilt = `${planPath.replace(/plan\.json$/, '')}rebuilt-${quoteSegment(id)}-${index}.json`;
        await storage.write(rebuilt, jsonText(stored), signal);
        return { rebuilt, reason: null, ...counts };
      });
    });
}

/** Asks the topic's workflow for a pointer move; starts it if nobody reads the topic now. */
export function orderSwitch(context: ActivityContext): ControlActivities['orderSwitch'] {
  return async ({ kafka, topic, order }) => {
    const input: IngestInput = { kafka, topic };
    await getClient().workflow.signalWithStart('ingest', {
      workflowId: ingestWorkflowId(kafka, topic),
      taskQueue: context.taskQueue,
      args: [input],
      signal: 'switchRebuilt',
      signalArgs: [order],
      staticSummary: `reads ${topic} (${kafka}) for all its tables`,
    });
  };
}

/** Moves the pointer; to be called between two batches of the topic only. What came in since the rebuilding comes along. */
export function switchRebuilt(context: ActivityContext): ControlActivities['switchRebuilt'] {
  return ({ kafka, topic, rebuilt: path }) =>
    attempt(async ({ signal, deadlineMs }): Promise<Omit<SwitchReply, 'requestId'>> => {
      const { storage } = context;
      const bytes = await storage.read(path, signal);
      if (!bytes) return { outcome: 'failed', message: `${path} is not there: the backfill has ended` };
      const rebuilt = rebuiltSchema.parse(JSON.parse(bytes.toString('utf8')));
      const { hiveTable: table, partition, expectedDirectory, newDirectory, inputs } = rebuilt;
      const inInputs = new Set(inputs);
      const came = (await storage.list(expectedDirectory, signal)).filter(
        (file) => !file.directory && !/^[._]/.test(baseName(file.path)) && !inInputs.has(file.path),
      );
      const cameRows = await rowsOf(
        context,
        came.map((file) => file.path),
        signal,
      );
      const state = await new ManifestStore(storage).readPartition(table, partition, signal);
      try {
        const { outcome } = await switchPartition(
          context,
          {
            ...{ table, partition, expectedDirectory, newDirectory, inputs },
            newFiles: rebuilt.newFiles,
            mode: 'rebuild',
            rows: rebuilt.rows + cameRows,
            minEventMs: bound(Math.min, [rebuilt.minEventMs, state?.minEventMs ?? null]),
            maxEventMs: bound(Math.max, [rebuilt.maxEventMs, state?.maxEventMs ?? null]),
            streams: [{ kafka, topic }],
            graceMs: context.graceMs,
          },
          { deadline: deadlineMs, signal },
        );
        return { outcome, message: null };
      } catch (error) {
        if (!isTributaryError(error, 'SwitchConflict')) throw error;
        return { outcome: 'conflict', message: error.message };
      }
    });
}

/** Removes what a wave has staged; and with `ended` the backfill's own notes. */
export function closeBackfillWave(context: ActivityContext): ControlActivities['closeBackfillWave'] {
  return ({ table, id, batch, ended }) =>
    attempt(async ({ signal }) => {
      const run = activityInfo().workflowExecution?.runId;
      if (run !== undefined && batch !== null) await removeStagedBatch(context.storage, run, batch, signal);
      if (ended) await context.storage.remove(backfillDirectory(table, id), signal);
    });
}

function backfillDirectory(table: string, id: string): string {
  return `${CONTROL}/backfill/${quoteSegment(table)}/${quoteSegment(id)}`;
}

async function readPlan(context: ActivityContext, path: string, signal: AbortSignal): Promise<StoredPlan> {
  const bytes = await context.storage.read(path, signal);
  if (!bytes) throw new Error(`the plan ${path} is not there: someone removed it`);
  return JSON.parse(bytes.toString('utf8')) as StoredPlan;
}

async function rowsOf(context: ActivityContext, paths: string[], signal: AbortSignal): Promise<number> {
  if (paths.length === 0) return 0;
  return withScratch(context.scratch, 'count', async (dir) => {
    const local = paths.map((_, i) => inputPath(dir, i));
    await mapParallel(paths, DOWNLOADS, (path, i) => context.storage.download(path, local[i]!, signal));
    const duck = await Duck.open({ ...context.duckdb, tempDirectory: join(dir, 'duckdb'), signal });
    try {
      const [row] = await duck.rows<{ n: string }>(`SELECT count(*) AS n FROM ${parquetScan(local)}`);
      return Number(row!.n);
    } finally {
      duck.close();
    }
  });
}

function nothing(reason: string) {
  return { rebuilt: null, reason, replaced: 0, kept: 0, fresh: 0, notAdded: 0 };
}

function bound(pick: (...values: number[]) => number, values: (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : pick(...known);
}
