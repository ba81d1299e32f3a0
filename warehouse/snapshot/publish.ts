import { TributaryError } from '../../common/errors.js';
import { baseName } from '../layout.js';
import type { Storage } from '../storage.js';
import type { Bucketing } from './bucketing.js';
import { snapshotCheckFailed, snapshotDamaged } from './errors.js';
import {
  readSnapshotManifest,
  SNAPSHOT_MANIFEST,
  writeSnapshotManifest,
  type SnapshotFile,
  type SnapshotManifest,
  type SnapshotReference,
} from './manifest.js';
import { reconcile, type Expected } from './reconcile.js';
import { snapshotColumns } from './event-sql.js';
import type { Boundary, BucketResult, SnapshotTable } from './types.js';

export interface PublishRequest {
  table: SnapshotTable;
  boundary: Boundary;
  revision: number;
  engine: SnapshotManifest['engine'];
  bucketing: Bucketing;
  results: readonly BucketResult[];
  expected: Omit<Expected, 'buckets'>;
  applied: Record<string, number>;
  previous: SnapshotReference | null;
  /** The new version's directory; nobody reads it before the partition's pointer moves there. */
  directory: string;
}

/**
 * Puts the winning attempts' files into the snapshot's directory, after checking that they add up, and writes its manifest.
 * The pointer still has to be moved. May be repeated, by a zombie too: a file that has its name already stays as it is.
 * @throws TributaryError SnapshotCheckFailed, SnapshotFileLost
 */
export async function publishSnapshot(
  storage: Storage,
  request: PublishRequest,
  signal?: AbortSignal,
): Promise<SnapshotManifest> {
  const { table, directory } = request;
  const counts = reconcile(table.name, request.results, {
    ...request.expected,
    buckets: request.bucketing.count,
  });
  const staged = request.results.flatMap(filesOf).sort((a, b) => (a.file.name < b.file.name ? -1 : 1));
  await storage.makeDirectory(directory, signal);
  for (const { file, stagedPath } of staged) {
    await place(storage, stagedPath, `${directory}/${file.name}`, file.bytes, table.name, signal);
  }
  const files = staged.map(({ file }) => file);
  await refuseStrangers(storage, directory, files, table.name, signal);
  const manifest: SnapshotManifest = {
    version: 1,
    table: table.name,
    boundaryMs: request.boundary.ms,
    order: request.boundary.order,
    revision: request.revision,
    engine: request.engine,
    bucketing: request.bucketing,
    columns: snapshotColumns(table),
    counts,
    files,
    applied: request.applied,
    previous: request.previous,
  };
  await writeSnapshotManifest(storage, directory, manifest, signal);
  return manifest;
}

function filesOf({ bucket, files }: BucketResult): { file: SnapshotFile; stagedPath: string }[] {
  return files.map(({ kind, stagedPath, finalName, rows, bytes, checksum }) => ({
    stagedPath,
    file: { kind, name: finalName, bucket, rows, bytes, checksum },
  }));
}

async function place(
  storage: Storage,
  from: string,
  to: string,
  bytes: number,
  table: string,
  signal?: AbortSignal,
): Promise<void> {
  const there = await storage.stat(to, signal);
  if (there === undefined && !(await storage.rename(from, to, signal))) {
    // Between the look and the move another attempt may have moved it.
    if ((await storage.stat(to, signal)) === undefined) {
      throw new TributaryError({
        code: 'SnapshotFileLost',
        message:
          `${from} was merged for the snapshot of ${table}, but it is neither there nor at ${to}. ` +
          `Something removed it from the staging area: start the snapshot again.`,
        attributes: { table, from, to },
      });
    }
  }
  const size = (await storage.stat(to, signal))?.size;
  if (size !== bytes) {
    throw snapshotCheckFailed(table, `${to} should have ${bytes} bytes, but it has ${size ?? 'none'}.`, {
      path: to,
    });
  }
}

/** Hive reads every file of the directory whose name is not hidden: one too many doubles its rows. */
async function refuseStrangers(
  storage: Storage,
  directory: string,
  files: readonly SnapshotFile[],
  table: string,
  signal?: AbortSignal,
): Promise<void> {
  const known = new Set([...files.map((file) => file.name), SNAPSHOT_MANIFEST]);
  const strangers = (await storage.list(directory, signal))
    .map((file) => baseName(file.path))
    .filter((name) => !known.has(name) && !/^[_.]/.test(name));
  if (strangers.length === 0) return;
  throw snapshotCheckFailed(
    table,
    `${directory} has ${strangers.length} entries that are not the snapshot's, such as ${strangers[0] ?? ''}.`,
    { directory, strangers: strangers.slice(0, 10) },
  );
}

/**
 * Looks whether all files of a published snapshot are as its manifest says.
 * @throws TributaryError SnapshotDamaged if one is missing or has another size
 */
export async function checkSnapshotFiles(
  storage: Storage,
  directory: string,
  signal?: AbortSignal,
): Promise<SnapshotManifest | undefined> {
  const manifest = await readSnapshotManifest(storage, directory, signal);
  for (const file of manifest?.files ?? []) {
    const size = (await storage.stat(`${directory}/${file.name}`, signal))?.size;
    if (size === file.bytes) continue;
    throw snapshotDamaged(
      manifest!.table,
      manifest!.boundaryMs,
      `${directory}/${file.name} should have ${file.bytes} bytes, but ${size === undefined ? 'is gone' : `has ${size}`}.`,
      { path: `${directory}/${file.name}` },
    );
  }
  return manifest;
}
