import { z } from 'zod';
import { jsonText, parseStored } from '../warehouse/json-file.js';
import { writeSnapshotManifest, type SnapshotManifest } from '../warehouse/snapshot/manifest.js';
import { bucketingOf } from '../warehouse/snapshot/bucketing.js';
import { snapshotColumns } from '../warehouse/snapshot/event-sql.js';
import { sumCounts } from '../warehouse/snapshot/reconcile.js';
import type { Boundary, SnapshotTable } from '../warehouse/snapshot/types.js';
import { TributaryError } from '../common/errors.js';
import type { Storage } from '../warehouse/storage.js';
import type { LocalChunk } from './read-chunk.js';

/**
 * A bootstrap's directory in storage. It holds all that is known of it, so that a bootstrap killed anywhere goes on from
 * what is there: `_start.json` (the instant and the shape), `_plan-<page>.json` (chunks, as far as they are cut),
 * `_chunk-<n>.json` for each chunk that is done, which names its Parquet file. Nothing in it is ever changed.
 */

/** Chunks a page of the plan; a lost attempt repeats at most one. */
const PAGE_CHUNKS = 200;

const page = z.looseObject({ chunks: z.array(z.looseObject({ index: z.number() })), last: z.boolean() });
const record = z.looseObject({
  file: z.string().min(1),
  rows: z.number().int().nonnegative(),
  bytes: z.number().int().nonnegative(),
  checksum: z.string(),
});

/** What is kept of a chunk that is done. */
export interface ChunkRecord {
  index: number;
  /** Name in the bootstrap's directory. */
  file: string;
  rows: number;
  bytes: number;
  checksum: string;
}

/**
 * The start of a bootstrap: what the first attempt decided (the TSO above all). Later attempts, on other workers too, get the
 * same.
 */
export async function startBootstrap<T extends object>(
  storage: Storage,
  directory: string,
  decide: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const path = `${directory}/_start.json`;
  const found = await storage.read(path, signal);
  if (!found) await storage.create(path, jsonText(await decide()), signal);
  const bytes = found ?? (await storage.read(path, signal));
  return parseStored(z.looseObject({}), path, bytes!) as T;
}

/**
 * Cuts the source into chunks, page by page; goes on after the pages that are there.
 * @param cut gives the chunks after the last one that is known
 * @returns how many chunks there are
 */
export async function planBootstrap<C extends { index: number }>(
  storage: Storage,
  directory: string,
  cut: (known: C | undefined) => AsyncIterable<C>,
  options: { signal?: AbortSignal; onProgress?: (chunks: number) => void } = {},
): Promise<number> {
  let chunks = 0;
  for (let n = 1; ; n++) {
    const onProgress = (cutNow: number): void => options.onProgress?.(chunks + cutNow);
    const planned = await ensurePlanPage(storage, directory, n, cut, { ...options, onProgress });
    chunks += planned.chunks.length;
    if (planned.last) return chunks;
  }
}

/** A page of the plan. */
export interface PlanPage<C> {
  chunks: C[];
  /** The source ends with it. */
  last: boolean;
}

/**
 * A page of the plan, cut now or by an attempt before.
 * @param n from 1; the page before must be there
 * @param cut gives the chunks after the last one that is known
 */
export async function ensurePlanPage<C extends { index: number }>(
  storage: Storage,
  directory: string,
  n: number,
  cut: (known: C | undefined) => AsyncIterable<C>,
  options: { signal?: AbortSignal; onProgress?: (chunks: number) => void } = {},
): Promise<PlanPage<C>> {
  const { signal, onProgress } = options;
  const found = await readPlanPage<C>(storage, directory, n, signal);
  if (found) return found;
  const before = n === 1 ? undefined : await readPlanPage<C>(storage, directory, n - 1, signal);
  const chunks: C[] = [];
  let last = true;
  for await (const chunk of cut(before?.chunks.at(-1))) {
    chunks.push(chunk);
    onProgress?.(chunks.length);
    last = chunks.length < PAGE_CHUNKS;
    if (!last) break;
  }
  // Another attempt may have written this page; of two, the first counts, and both cut as of the same instant.
  await storage.create(pagePath(directory, n), jsonText({ chunks, last }), signal);
  return (await readPlanPage<C>(storage, directory, n, signal))!;
}

/** A page of the plan; undefined if it is not cut yet. */
export async function readPlanPage<C extends { index: number }>(
  storage: Storage,
  directory: string,
  n: number,
  signal?: AbortSignal,
): Promise<PlanPage<C> | undefined> {
  const path = pagePath(directory, n);
  const bytes = await storage.read(path, signal);
  if (!bytes) return undefined;
  const { chunks, last } = parseStored(page, path, bytes);
  return { chunks: chunks as unknown as C[], last };
}

/** The chunks that are cut so far. */
export async function readPlan<C extends { index: number }>(
  storage: Storage,
  directory: string,
  signal?: AbortSignal,
): Promise<{ chunks: C[]; complete: boolean; pages: number }> {
  const chunks: C[] = [];
  for (let pages = 0; ; pages++) {
    const found = await readPlanPage<C>(storage, directory, pages + 1, signal);
    if (!found) return { chunks, complete: false, pages };
    chunks.push(...found.chunks);
    if (found.last) return { chunks, complete: true, pages: pages + 1 };
  }
}

/**
 * A chunk's file, read now or by an attempt before. A source that moves on (MongoDB) may give a second attempt other rows: of
 * several attempts the first to write the record wins, and the record names its file.
 */
export async function ensureChunk(
  storage: Storage,
  directory: string,
  index: number,
  read: () => Promise<LocalChunk>,
  signal?: AbortSignal,
): Promise<ChunkRecord> {
  const done = await chunkRecord(storage, directory, index, signal);
  if (done) return done;
  const { path, rows, bytes, checksum } = await read();
  const file = `chunk-${padded(index)}-${checksum.replace(/\W/g, '')}.parquet`;
  await storage.upload(path, `${directory}/${file}`, signal);
  const content = jsonText({ file, rows, bytes, checksum });
  await storage.create(recordPath(directory, index), content, signal);
  const winner = (await chunkRecord(storage, directory, index, signal))!;
  if (winner.file !== file) await storage.remove(`${directory}/${file}`, signal);
  return winner;
}

/** The record of a chunk that is done; undefined before. */
export async function chunkRecord(
  storage: Storage,
  directory: string,
  index: number,
  signal?: AbortSignal,
): Promise<ChunkRecord | undefined> {
  const path = recordPath(directory, index);
  const bytes = await storage.read(path, signal);
  return bytes && { index, ...parseStored(record, path, bytes) };
}

/** Numbers of chunks that are done, for progress: one listing. */
export async function chunksDone(
  storage: Storage,
  directory: string,
  signal?: AbortSignal,
): Promise<number[]> {
  const names = (await storage.list(directory, signal)).map((file) =>
    /\/_chunk-(\d+)\.json$/.exec(file.path),
  );
  return names.flatMap((match) => (match?.[1] === undefined ? [] : [Number(match[1])])).sort((a, b) => a - b);
}

/**
 * Makes the finished bootstrap a snapshot that the first merge starts from.
 * @param boundary the instant that its rows show
 * @throws TributaryError BootstrapIncomplete
 */
export async function finishBootstrap(
  storage: Storage,
  directory: string,
  table: SnapshotTable,
  boundary: Boundary,
  signal?: AbortSignal,
): Promise<SnapshotManifest> {
  const { chunks, complete } = await readPlan(storage, directory, signal);
  if (!complete) throw incomplete(table, directory, 'it is not cut into chunks to its end');
  const files: SnapshotManifest['files'] = [];
  for (const { index } of chunks) {
    const done = await chunkRecord(storage, directory, index, signal);
    if (!done) throw incomplete(table, directory, `chunk ${index} is missing`);
    const { file: name, rows, bytes, checksum } = done;
    files.push({ kind: 'rows', name, bucket: 0, rows, bytes, checksum });
  }
  const rows = files.reduce((sum, file) => sum + file.rows, 0);
  const manifest: SnapshotManifest = {
    version: 1,
    table: table.name,
    boundaryMs: boundary.ms,
    order: boundary.order,
    revision: 0,
    engine: 'bootstrap',
    bucketing: bucketingOf(table, 1),
    columns: snapshotColumns(table),
    counts: { ...sumCounts([]), inserted: rows, rows },
    files,
    applied: {},
    previous: null,
  };
  await writeSnapshotManifest(storage, directory, manifest, signal);
  return manifest;
}

function incomplete(table: SnapshotTable, directory: string, what: string): TributaryError {
  return new TributaryError({
    code: 'BootstrapIncomplete',
    message: `The bootstrap of ${table.name} is not done: ${what}. Go on with it first.`,
    attributes: { table: table.name, directory },
  });
}

function pagePath(directory: string, n: number): string {
  return `${directory}/_plan-${padded(n)}.json`;
}

function recordPath(directory: string, index: number): string {
  return `${directory}/_chunk-${padded(index)}.json`;
}

function padded(n: number): string {
  return String(n).padStart(6, '0');
}
