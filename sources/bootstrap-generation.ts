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
  const numbers = (await storage.list(tableRoot(table), signal))
    .map(({ path }) => baseName(path))
    .filter((name) => /^[1-9]\d*$/.test(name))
    .map(Number);
  const newest = Math.max(1, ...numbers);
  const gone = await storage.read(`${generationDirectory(table, newest)}/${ABANDONED}`, signal);
  const number = gone ? newest + 1 : newest;
  const directory = generationDirectory(table, number);
  return { number, directory, finished: (await finishedBootstrap(storage, directory, signal)) ?? null };
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
