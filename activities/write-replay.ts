import { join } from 'node:path';
import { activityInfo } from '@temporalio/activity';
import { quarantineTable } from '../changelog/quarantine.js';
import { replayQuarantine, type ReplayInput, type ReplayResult } from '../changelog/quarantine-replay.js';
import { replayTopicQuarantine, type TopicReplayResult } from '../changelog/topic-replay.js';
import type { LandingTable } from '../changelog/types.js';
import { TributaryError } from '../common/errors.js';
import { MAX_INTERVALS, unionByTopic } from '../common/offset-ranges.js';
import { nextSequence, pendingCommit } from '../warehouse/commit-pending.js';
import { baseName, stagingDirectory, versionDirectory, versionOf } from '../warehouse/layout.js';
import type { CommitRemoval, PartitionState, SplitManifest, StagedFile } from '../warehouse/manifest.js';
import { ManifestStore } from '../warehouse/manifest-store.js';
import { mapParallel } from '../warehouse/parallel.js';
import type { WriteReplayRequest } from '../workflows/replay-types.js';
import { attempt, withScratch } from './attempt.js';
import { replayStream } from './commit-replay.js';
import type { ActivityContext } from './context.js';
import type { HeavyActivities } from './types.js';

const TRANSFERS = 4;

/**
 * Lands quarantined records again into staging, and stages what stays in the quarantine. Nothing that a reader sees is touched,
 * so any number of attempts may run. The sequence is read before the quarantine: whatever is committed after that look makes
 * the commit of this one come to nothing.
 */
export function writeReplay(context: ActivityContext): HeavyActivities['writeReplay'] {
  return (request) =>
    attempt(async ({ signal, id }) => {
      const { storage } = context;
      const store = new ManifestStore(storage);
      const stream = replayStream(request.kafka, request.topic, request.replay.table);
      if ((await pendingCommit(context, stream, signal)) !== undefined) throw pending(request);
      const seq = await nextSequence(context, stream, signal);
      const states = await partitionsOf(store, request, signal);
      return withScratch(context.scratch, request.batch, async (dir) => {
        const inputs = await mapParallel(states, 1, (state, i) => download(context, state, dir, i, signal));
        const { reason } = request.replay;
        const result = await landAgain(store, request, {
          ...{ kafka: request.kafka, topic: request.topic, batch: request.batch },
          filter: { ...(reason !== undefined && { reason }) },
          partitions: inputs.map((files) => ({ files: files.map(({ local }) => local) })),
          workDir: dir,
          // Two databases are open at a time: one holds the records, one lands them.
          limits: {
            threads: 1,
            memoryLimitMb: Math.max(128, Math.floor(context.duckdb.memoryLimitMb / 2)),
            signal,
          },
        });
        const answer = {
          ...{ seq, tried: result.tried, landed: result.landed, ...moved(result) },
          ...{ reasons: result.reasons, newColumns: result.newColumns },
        };
        if (result.files.length === 0) return { ...answer, manifest: null };
        const run = activityInfo().workflowExecution?.runId ?? 'standalone';
        const staging = stagingDirectory({ run, batch: request.batch, split: 'replay', attempt: id });
        const files = await mapParallel(result.files, TRANSFERS, async (file, i): Promise<StagedFile> => {
          const { localPath, ...rest } = file;
          const stagedPath = `${staging}/${String(i).padStart(4, '0')}-${baseName(localPath)}`;
          await storage.upload(localPath, stagedPath, signal);
          return { ...rest, stagedPath };
        });
        const removals: CommitRemoval[] = [];
        for (const [i, state] of states.entries()) {
          const left = result.left[i]!;
          if (left.rows === 0) continue;
          removals.push({
            ...{ table: state.table, partition: state.partition, rows: left.rows },
            expectedDirectory: state.directory,
            newDirectory: versionDirectory(
              state.table,
              state.partition,
              versionOf(state.directory) + 1,
              `q${seq}`,
            ),
            inputs: inputs[i]!.map(({ path }) => path),
            files: await stageKept(context, left, `${staging}/kept-${i}.parquet`, signal),
          });
        }
        const manifest: SplitManifest = {
          ...{ version: 1, batch: request.batch, ranges: [], records: result.landed, quarantined: 0 },
          ...{ unmatched: 0, withoutRows: 0, bytesRead: 0, files, removals, newColumns: {} },
          ...{ quarantineReasons: {}, watermarks: {}, schemaEvents: [] },
          ...offsetsOf(states.filter((_, i) => result.left[i]!.rows > 0)),
        };
        const path = `${staging}/manifest.json`;
        await store.writeManifest(path, manifest, signal);
        return { ...answer, manifest: path };
      });
    });
}

/** By the rules of one table, or for all that read a topic's records together. */
async function landAgain(
  store: ManifestStore,
  { replay, pins }: WriteReplayRequest,
  input: ReplayInput,
): Promise<ReplayResult | TopicReplayResult> {
  const { signal } = input.limits;
  const spec = (pin: string) => store.readSpec<LandingTable>(pin, signal);
  if (!pins) return replayQuarantine({ ...input, table: await spec(replay.pin) });
  return replayTopicQuarantine({ ...input, tables: await mapParallel(Object.values(pins), TRANSFERS, spec) });
}

function moved(result: ReplayResult | TopicReplayResult): { moved?: number } {
  return 'moved' in result ? { moved: result.moved } : {};
}

/** Records that leave partitions of the quarantine have offsets of those; nothing is told if one of them does not know its own. */
function offsetsOf(states: readonly PartitionState[]): Pick<SplitManifest, 'offsets'> {
  const known = states.map(({ offsets }) => offsets).filter((offsets) => offsets !== undefined);
  return known.length === states.length ? { offsets: unionByTopic(known, MAX_INTERVALS) } : {};
}

async function partitionsOf(
  store: ManifestStore,
  { replay, pins }: WriteReplayRequest,
  signal: AbortSignal,
): Promise<PartitionState[]> {
  const states = await store.listPartitions(pins ? replay.table : quarantineTable(replay.table), signal);
  return states.filter(
    ({ dropped, rows, partition }) =>
      dropped !== true && rows > 0 && (replay.day === undefined || partition['dt'] === replay.day),
  );
}

async function download(
  { storage }: ActivityContext,
  state: PartitionState,
  dir: string,
  index: number,
  signal: AbortSignal,
): Promise<{ path: string; local: string }[]> {
  const listed = await storage.list(state.directory, signal);
  const data = listed.filter((file) => !file.directory && !/^[._]/.test(baseName(file.path)));
  return mapParallel(data, TRANSFERS, async ({ path }, i) => {
    const local = join(dir, `in-${index}-${i}.parquet`);
    await storage.download(path, local, signal);
    return { path, local };
  });
}

async function stageKept(
  { storage }: ActivityContext,
  { kept }: ReplayResult['left'][number],
  stagedPath: string,
  signal: AbortSignal,
): Promise<CommitRemoval['files']> {
  if (!kept) return [];
  await storage.upload(kept.localPath, stagedPath, signal);
  return [{ stagedPath, finalName: kept.name, bytes: kept.bytes }];
}

function pending({ topic, replay }: WriteReplayRequest): TributaryError {
  return new TributaryError({
    code: 'CommitPending',
    message: `An earlier replay of ${replay.table} (${topic}) is half done; its workflow finishes it first.`,
    retryable: true,
    attributes: { table: replay.table },
  });
}
