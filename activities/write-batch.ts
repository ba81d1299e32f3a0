import { join } from 'node:path';
import { activityInfo } from '@temporalio/activity';
import { landSplit } from '../changelog/land-split.js';
import type { LandedFile, LandingTable } from '../changelog/types.js';
import { contentHash } from '../common/hash.js';
import type { RangeReader, ReadOptions, RecordBlock } from '../kafka/types.js';
import { baseName, stagingDirectory, parentOf } from '../warehouse/layout.js';
import type { SplitManifest, StagedFile } from '../warehouse/manifest.js';
import { ManifestStore } from '../warehouse/manifest-store.js';
import { mapParallel } from '../warehouse/parallel.js';
import type { WriteRequest, WriteResult } from '../workflows/ingest-types.js';
import { attempt, withScratch } from './attempt.js';
import type { ActivityContext } from './context.js';
import { recordFetched } from './metrics.js';
import type { HeavyActivities } from './types.js';

const UPLOADS = 4;
const MANIFEST = 'manifest.json';

/**
 * Reads a split's ranges and leaves Parquet files and a manifest in a staging directory of its own. Nothing that a
 * reader of the warehouse sees is touched, so any number of attempts may run, early, late or at the same time.
 */
export function writeBatch(context: ActivityContext): HeavyActivities['writeBatch'] {
  return (request) =>
    attempt(async ({ signal, id }) => {
      const store = new ManifestStore(context.storage);
      const run = activityInfo().workflowExecution?.runId ?? 'standalone';
      // Pins are part of the name: a batch that is written again with more columns must not find its older self.
      const split = `${request.split.id}-${contentHash([request.split, request.pins], 8)}`;
      const staging = stagingDirectory({ run, batch: request.batch, split, attempt: id });
      const finished = await finishedAttempt(store, parentOf(staging), signal);
      if (finished) return finished;
      const tables = await Promise.all(request.pins.map((pin) => store.readSpec<LandingTable>(pin, signal)));
      let fetched = 0;
      const onFetched = (bytes: number): void => {
        fetched += bytes;
      };
      return withScratch(context.scratch, split, async (workDir) => {
        const landed = await landSplit({
          kafka: request.kafka,
          topic: request.topic,
          batch: request.batch,
          ranges: request.split.ranges,
          tables,
          fileStem: fileStem(request),
          workDir,
          schemaLog: request.split.lane === null ? 'all' : 'own',
          schemas: (registry) => context.schemas(request.kafka, registry),
          blocks: readRanges(context.reader(request.kafka), request, { signal, onFetched }),
          ...context.duckdb,
          signal,
        });
        recordFetched(request.topic, fetched);
        const files = await mapParallel(landed.files, UPLOADS, async (file, i): Promise<StagedFile> => {
          const stagedPath = `${staging}/${String(i).padStart(4, '0')}-${baseName(file.localPath)}`;
          await context.storage.upload(file.localPath, stagedPath, signal);
          return stagedFile(file, stagedPath);
        });
        const { records, quarantined, unmatched, withoutRows, bytesRead } = landed;
        const { quarantineReasons, watermarks, schemaEvents, newColumns, retyped, shapes } = landed;
        const manifest: SplitManifest = {
          version: 1,
          batch: request.batch,
          ranges: request.split.ranges,
          ...{ records, quarantined, unmatched, withoutRows, bytesRead, files },
          ...{ quarantineReasons, watermarks, schemaEvents, newColumns, retyped, shapes },
        };
        const path = join(staging, MANIFEST);
        await store.writeManifest(path, manifest, signal);
        return resultOf(path, manifest);
      });
    });
}

/** An attempt that wrote its manifest and then lost its answer on the way: its work is done and must not be repeated. */
async function finishedAttempt(
  store: ManifestStore,
  splitDirectory: string,
  signal: AbortSignal,
): Promise<WriteResult | undefined> {
  for (const attemptDirectory of await store.storage.list(splitDirectory, signal)) {
    const path = `${attemptDirectory.path}/${MANIFEST}`;
    if (await store.storage.stat(path, signal)) return resultOf(path, await store.readManifest(path, signal));
  }
  return undefined;
}

/** One after the other: a split's memory is then that of one fetch, however many partitions it spans. */
async function* readRanges(
  reader: RangeReader,
  { topic, topicId, split }: WriteRequest,
  how: Required<Pick<ReadOptions, 'signal' | 'onFetched'>>,
): AsyncGenerator<RecordBlock> {
  const options = { ...how, ...(topicId !== null && { topicId }) };
  for (const range of split.ranges) yield* reader.readRange(topic, range, options);
}

/** Same ranges, same rows, same name: whatever attempt wrote it. */
function fileStem({ kafka, topic, batch, split, pins }: WriteRequest): string {
  return `${batch}-${contentHash([kafka, topic, split.lane, split.ranges, pins], 12)}`;
}

function stagedFile(file: LandedFile, stagedPath: string): StagedFile {
  const { localPath: _local, ...rest } = file;
  return { ...rest, stagedPath };
}

function resultOf(path: string, manifest: SplitManifest): WriteResult {
  return {
    manifest: path,
    records: manifest.records,
    bytesRead: manifest.bytesRead,
    files: manifest.files.length,
    quarantined: manifest.quarantined,
    newColumns: manifest.newColumns,
    ...(some(manifest.retyped) && { retyped: manifest.retyped }),
    ...(some(manifest.shapes) && { shapes: manifest.shapes }),
  };
}

function some(found: object | undefined): boolean {
  return found !== undefined && Object.keys(found).length > 0;
}
