import type { Catalog } from '../catalog.js';
import { baseName } from '../layout.js';
import { hiveName } from '../sql.js';
import type { Storage } from '../storage.js';
import { tombstoneFloor } from './boundary.js';
import { snapshotCheckFailed } from './errors.js';
import { checkTable } from './event-sql.js';
import {
  createScratchTable,
  dropScratchTable,
  MERGE_SETTINGS,
  mergeStatement,
  scratchColumns,
  type HiveTables,
} from './hive-sql.js';
import type { PreviousSnapshot } from './manifest.js';
import { reconcileBucket, sumCounts } from './reconcile.js';
import type {
  Boundary,
  BucketCounts,
  BucketResult,
  FileKind,
  SnapshotTable,
  SourceFile,
  StagedSnapshotFile,
} from './types.js';

export interface HiveMergeContext {
  storage: Storage;
  catalog: Catalog;
  /** Directory in storage that is private to this attempt; inputs are laid out and results written in it. */
  stagingDir: string;
  /** Names this attempt and no other: part of the names of the scratch tables. */
  id: string;
  /** Settings of the session beside the merge's own, e.g. a queue. */
  settings?: Record<string, string>;
  signal?: AbortSignal;
  onProgress?: () => void;
}

export interface HiveMergeRequest {
  table: SnapshotTable;
  boundary: Boundary;
  latenessMs: number;
  previous?: PreviousSnapshot;
  /** Files that `bucketChanges` wrote, of all buckets. */
  events: SourceFile[];
  /** Tables of documents: what `resolvePatches` made of the events. */
  resolved?: ResolvedEvents;
}

/** Events without patches, and what became of the patches. */
export interface ResolvedEvents {
  events: SourceFile[];
  /** Patches that wait. */
  pending: StagedSnapshotFile | undefined;
  counts: Pick<BucketCounts, 'changes' | 'pendingPatches' | 'latePatches' | 'unknownPatches'>;
}

/**
 * Merges a snapshot on the cluster, with one HiveQL statement. Gives the same rows as the buckets of the duckdb engine, as one
 * result for a bucketing of 1.
 * @throws TributaryError SnapshotCheckFailed, Catalog...
 */
export async function hiveMerge(ctx: HiveMergeContext, request: HiveMergeRequest): Promise<BucketResult> {
  const { table } = request;
  checkTable(table);
  const tables = scratchTables(ctx.id);
  try {
    await layOut(ctx, request, tables);
    const floor = tombstoneFloor(request.boundary, request.latenessMs);
    await execute(ctx, mergeStatement(table, tables, floor));
    const counts = await readCounts(ctx, request, tables);
    const rows = await writtenFiles(ctx, tables.outRows, 'rows', 'out-rows');
    const tombs = await writtenFiles(ctx, tables.outTombs, 'tombstones', 'out-tombs');
    counts.rows = sumRows(rows);
    counts.tombstones = sumRows(tombs);
    reconcileBucket(table.name, 0, counts);
    const pending = request.resolved?.pending;
    return { bucket: 0, counts, files: [...rows, ...tombs, ...(pending ? [pending] : [])] };
  } finally {
    await dropTables(ctx, Object.values(tables));
  }
}

/** Names of the tables that one attempt works with. */
export function scratchTables(id: string): HiveTables {
  const name = (part: string): string => `tributary_merge_${id.replaceAll(/\W/g, '_').toLowerCase()}_${part}`;
  return {
    base: name('base'),
    tombs: name('tombs'),
    events: name('events'),
    outRows: name('rows'),
    outTombs: name('tombs_out'),
    outCounts: name('counts'),
  };
}

/** Scratch tables over the inputs. Hidden tombstones and events are copied to where Hive sees them. */
async function layOut(ctx: HiveMergeContext, request: HiveMergeRequest, tables: HiveTables): Promise<void> {
  const { storage, stagingDir } = ctx;
  const { previous } = request;
  const directory = {
    base: previous?.directory ?? `${stagingDir}/no-base`,
    tombs: `${stagingDir}/tombs`,
    events: `${stagingDir}/events`,
    outRows: `${stagingDir}/out-rows`,
    outTombs: `${stagingDir}/out-tombs`,
    outCounts: `${stagingDir}/out-counts`,
  };
  for (const path of Object.values(directory)) await storage.makeDirectory(path, ctx.signal);
  const hidden = previous?.manifest.files.filter((file) => file.kind === 'tombstones') ?? [];
  const tombs = hidden.map((file) => `${previous!.directory}/${file.name}`);
  await copyInto(ctx, tombs, directory.tombs);
  await copyInto(
    ctx,
    eventsOf(request).map((file) => file.path),
    directory.events,
  );
  const columns = scratchColumns(request.table);
  for (const part of Object.keys(tables) as (keyof HiveTables)[]) {
    await execute(ctx, dropScratchTable(tables[part]));
    await execute(ctx, createScratchTable(tables[part], columns[part], storage.uri(directory[part])));
  }
}

function eventsOf(request: HiveMergeRequest): SourceFile[] {
  return request.resolved?.events ?? request.events;
}

/** Copies files into a directory of their own, under names that Hive reads. */
export async function copyInto(
  ctx: HiveMergeContext,
  paths: readonly string[],
  directory: string,
): Promise<void> {
  for (const [index, path] of paths.entries()) {
    await ctx.storage.copy(path, `${directory}/${index}.parquet`, ctx.signal);
    ctx.onProgress?.();
  }
}

export async function execute(ctx: HiveMergeContext, statement: string): Promise<void> {
  await ctx.catalog.execute(statement, {
    settings: { ...MERGE_SETTINGS, ...ctx.settings },
    ...(ctx.signal && { signal: ctx.signal }),
    ...(ctx.onProgress && { onProgress: ctx.onProgress }),
  });
}

async function readCounts(
  ctx: HiveMergeContext,
  request: HiveMergeRequest,
  tables: HiveTables,
): Promise<BucketCounts> {
  const [row] = await ctx.catalog.query(`SELECT * FROM ${hiveName(tables.outCounts)}`, ctx.signal);
  const number = (name: string): number => Number(row?.[`n_${name}`] ?? 0);
  const expected = request.previous?.manifest.counts.rows ?? 0;
  if (number('previous') !== expected || number('doubles') > 0) {
    throw snapshotCheckFailed(
      request.table.name,
      `Hive read ${number('previous')} of ${expected} previous rows, and found ${number('doubles')} keys more than once.`,
      { read: number('previous'), expected, doubles: number('doubles') },
    );
  }
  if (number('patches') > 0) {
    throw snapshotCheckFailed(
      request.table.name,
      `Hive met ${number('patches')} partial updates, which it cannot apply: resolvePatches comes first.`,
    );
  }
  const changes = eventsOf(request).reduce((sum, file) => sum + file.rows, 0);
  const [read] = await ctx.catalog.query(
    `SELECT CAST(count(*) AS STRING) AS n FROM ${hiveName(tables.events)}`,
    ctx.signal,
  );
  if (Number(read?.['n']) !== changes) {
    throw snapshotCheckFailed(request.table.name, `Hive read ${read?.['n'] ?? 'no'} of ${changes} events.`, {
      expected: changes,
    });
  }
  return {
    ...sumCounts([]),
    changes,
    ...request.resolved?.counts,
    previous: number('previous'),
    inserted: number('inserted'),
    updated: number('updated'),
    deleted: number('deleted'),
  };
}

/** The files that Hive wrote, with the rows that it finds in them now. */
export async function writtenFiles(
  ctx: HiveMergeContext,
  table: string,
  kind: FileKind,
  directory: string,
): Promise<StagedSnapshotFile[]> {
  const counted = await ctx.catalog.query(
    `SELECT INPUT__FILE__NAME AS file, CAST(count(*) AS STRING) AS n FROM ${hiveName(table)} GROUP BY INPUT__FILE__NAME`,
    ctx.signal,
  );
  const rows = new Map(counted.map((row) => [baseName(row['file'] ?? ''), Number(row['n'])]));
  const found = await ctx.storage.list(`${ctx.stagingDir}/${directory}`, ctx.signal);
  const files: StagedSnapshotFile[] = [];
  for (const file of found) {
    const name = baseName(file.path);
    if (/^[_.]/.test(name)) continue;
    // A leftover of a union or of a second attempt of a task: some readers would see its rows, and others not.
    if (file.directory) {
      throw snapshotCheckFailed(ctx.id, `Hive left a directory ${name} among the files of ${directory}.`);
    }
    const n = rows.get(name) ?? 0;
    if (n === 0) continue;
    files.push({
      kind,
      stagedPath: file.path,
      finalName: `${kind === 'rows' ? '' : '_tombstones-'}hive-${String(files.length).padStart(5, '0')}.parquet`,
      rows: n,
      bytes: file.size,
      checksum: 'none',
    });
  }
  return files;
}

export async function dropTables(ctx: HiveMergeContext, names: readonly string[]): Promise<void> {
  for (const name of names) {
    // The merge's own outcome matters more than what it leaves behind in the metastore.
    await ctx.catalog.execute(dropScratchTable(name)).catch(() => undefined);
  }
}

function sumRows(files: readonly StagedSnapshotFile[]): number {
  return files.reduce((sum, file) => sum + file.rows, 0);
}
