import { z } from 'zod';
import { jsonText, parseStored } from '../warehouse/json-file.js';
import { baseName, CONTROL, quoteSegment } from '../warehouse/layout.js';
import type { Storage } from '../warehouse/storage.js';

/**
 * A table's bootstraps in storage: `_tributary/bootstrap/<table>/<generation>`. The highest number counts. One that was given up
 * (the source lost its instant, or other columns are wanted) is marked, and the next one begins beside it.
 */

const ABANDONED = '_abandoned.json';
const DONE = '_done.json';
const REPLACED = '_replaced.json';

const doneSchema = z.looseObject({
  boundaryMs: z.number(),
  rows: z.number(),
  cdcTs: z.string(),
  key: z.array(z.string()),
});

/** A bootstrap that is finished, as its directory says. */
export interface FinishedBootstrap {
  directory: string;
  boundaryMs: number;
  rows: number;
  cdcTs: string;
  /** Key columns by their names in Hive. */
  key: string[];
}

export interface Generation {
  number: number;
  directory: string;
  finished: FinishedBootstrap | null;
}

export function generationDirectory(table: string, generation: number): string {
  return `${tableRoot(table)}/${generation}`;
}

/** The generation that a table's bootstrap goes on with, or the finished one. */
export async function currentGeneration(
  storage: Storage,
  table: string,
  signal?: AbortSignal,
): Promise<Generation> {
  const newest = (await generations(storage, table, signal)).at(-1) ?? 1;
  const marks = await Promise.all(
    [ABANDONED, REPLACED].map((mark) =>
      storage.stat(`${generationDirectory(table, newest)}/${mark}`, signal),
    ),
  );
  const number = marks.some((mark) => mark !== undefined) ? newest + 1 : newest;
  const directory = generationDirectory(table, number);
  return { number, directory, finished: (await finishedBootstrap(storage, directory, signal)) ?? null };
}

/** Lets a finished generation be followed by another. Its files stay: snapshots before the next one's instant may need them. */
export async function replaceGeneration(
  storage: Storage,
  table: string,
  generation: number,
  signal?: AbortSignal,
): Promise<void> {
  await storage.create(`${generationDirectory(table, generation)}/${REPLACED}`, jsonText({}), signal);
}

/**
 * The finished bootstrap that a snapshot of an instant may start from: the newest one that shows an earlier instant.
 * @param ms the snapshot's boundary
 */
export async function baseBefore(
  storage: Storage,
  table: string,
  ms: number,
  signal?: AbortSignal,
): Promise<FinishedBootstrap | undefined> {
  for (const generation of (await generations(storage, table, signal)).reverse()) {
    const found = await finishedBootstrap(storage, generationDirectory(table, generation), signal);
    if (found && found.boundaryMs < ms) return found;
  }
  return undefined;
}

/**
 * Removes generations that no snapshot can start from any more: those that were given up, and finished ones that a later one takes the
 * place of for every snapshot that there is. The highest number always stays. Answers which went.
 * @param oldestMs boundary of the oldest snapshot that readers see; null if there is none
 * @param beforeMs only what was marked before this instant: a snapshot under way may still read it
 */
export async function removeOldGenerations(
  storage: Storage,
  table: string,
  { oldestMs, beforeMs }: { oldestMs: number | null; beforeMs: number },
  signal?: AbortSignal,
): Promise<number[]> {
  const numbers = await generations(storage, table, signal);
  const removed: number[] = [];
  /** A finished generation after the one that is looked at shows an instant before every snapshot. */
  let superseded = false;
  for (const number of numbers.toReversed()) {
    const directory = generationDirectory(table, number);
    const finished = await finishedBootstrap(storage, directory, signal);
    const needed = number === numbers.at(-1) || (finished !== undefined && !superseded);
    if (finished && oldestMs !== null && finished.boundaryMs < oldestMs) superseded = true;
    if (needed) continue;
    const marks = await Promise.all(
      [ABANDONED, REPLACED].map((mark) => storage.stat(`${directory}/${mark}`, signal)),
    );
    const markedMs = Math.max(...marks.map((mark) => mark?.modifiedMs ?? -Infinity));
    if (markedMs === -Infinity || markedMs >= beforeMs) continue;
    await storage.remove(directory, signal);
    removed.push(number);
  }
  return removed;
}

async function generations(storage: Storage, table: string, signal?: AbortSignal): Promise<number[]> {
  return (await storage.list(tableRoot(table), signal))
    .map(({ path }) => baseName(path))
    .filter((name) => /^[1-9]\d*$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}

/**
 * Gives a generation up. What it has read goes, so that repeated beginnings do not fill the disk; a straggler of it may still
 * leave a file behind, which nobody reads.
 */
export async function abandonGeneration(
  storage: Storage,
  table: string,
  generation: number,
  reason: string,
  signal?: AbortSignal,
): Promise<void> {
  const directory = generationDirectory(table, generation);
  await storage.create(`${directory}/${ABANDONED}`, jsonText({ reason }), signal);
  for (const { path } of await storage.list(directory, signal)) {
    if (baseName(path) !== ABANDONED) await storage.remove(path, signal);
  }
}

/** Says in storage that a bootstrap is whole: from then on nobody reads the source for it again. */
export async function markFinished(
  storage: Storage,
  { directory, ...about }: FinishedBootstrap,
  signal?: AbortSignal,
): Promise<void> {
  await storage.write(`${directory}/${DONE}`, jsonText(about), signal);
}

export async function finishedBootstrap(
  storage: Storage,
  directory: string,
  signal?: AbortSignal,
): Promise<FinishedBootstrap | undefined> {
  const path = `${directory}/${DONE}`;
  const bytes = await storage.read(path, signal);
  if (!bytes) return undefined;
  const { boundaryMs, rows, cdcTs, key } = parseStored(doneSchema, path, bytes);
  return { directory, boundaryMs, rows, cdcTs, key };
}

function tableRoot(table: string): string {
  return `${CONTROL}/bootstrap/${quoteSegment(table)}`;
}
