import type { BootstrapSpec } from '../config/spec.js';
import type { BootstrapPage, BootstrapStarted } from './bootstrap-types.js';
import type { BootstrapProgress } from './bootstrap-types.js';

/** The decisions of a bootstrap as pure functions. */

/** A chunk is read anew from its beginning when its worker dies, so that under a ceiling it should not last longer. */
const LONGEST_CHUNK_SECONDS = 60;
const FIRST_RETRY_MS = 3_000;
const LAST_RETRY_MS = 60_000;
const FIRST_RESTART_MS = 60_000;
const LAST_RESTART_MS = 1_800_000;

export function newBootstrapProgress(): BootstrapProgress {
  return {
    phase: 'joining',
    generation: 1,
    chunksDone: 0,
    chunksPlanned: 0,
    planned: false,
    rows: 0,
    rowsPerSecond: 0,
    warning: null,
    fault: null,
  };
}

/** Chunks that are read at the same time, of so many that wait. */
export function readers(spec: BootstrapSpec, waiting: number): number {
  return Math.max(1, Math.min(spec.maxChunksInFlight, waiting));
}

/** One reader's share of the ceiling, rows a second; null: there is no ceiling. */
export function rateOf(spec: BootstrapSpec, inFlight: number): number | null {
  return spec.rowsPerSecond === undefined ? null : spec.rowsPerSecond / inFlight;
}

/** Rows of a chunk: what the config says, but no more than its share of the ceiling allows in a minute. */
export function chunkRowsOf(spec: BootstrapSpec): number {
  const rate = rateOf(spec, spec.maxChunksInFlight);
  if (rate === null) return spec.chunkRows;
  return Math.max(1, Math.min(spec.chunkRows, Math.floor(rate * LONGEST_CHUNK_SECONDS)));
}

/** How long to wait before a fault that only a person can mend is looked at again. */
export function retryDelay(faults: number): number {
  return Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** faults);
}

/**
 * How long to wait before the source is read anew because it lost the instant: not at all the first time, then longer and longer,
 * because nothing has changed that would let the next reading end in time.
 */
export function restartDelay(generation: number): number {
  return generation <= 1 ? 0 : Math.min(LAST_RESTART_MS, FIRST_RESTART_MS * 2 ** (generation - 2));
}

export function started(
  progress: BootstrapProgress,
  { generation, warning }: BootstrapStarted,
): BootstrapProgress {
  const again = generation !== progress.generation;
  // A fault stays visible until there is something to show against it.
  const kept = again ? { ...newBootstrapProgress(), fault: progress.fault } : progress;
  return { ...kept, phase: 'reading', generation, warning };
}

/** A page of the plan is known. */
export function planned(progress: BootstrapProgress, page: BootstrapPage): BootstrapProgress {
  return {
    ...progress,
    chunksPlanned: progress.chunksPlanned + page.chunks,
    chunksDone: progress.chunksDone + page.chunks - page.todo.length,
    rows: progress.rows + page.doneRows,
    planned: page.last,
  };
}

/**
 * A chunk has been read.
 * @param read rows that this run has read so far, with this chunk, and since when
 */
export function chunkRead(
  progress: BootstrapProgress,
  rows: number,
  read: { rows: number; sinceMs: number },
  nowMs: number,
): BootstrapProgress {
  const seconds = Math.max(1, (nowMs - read.sinceMs) / 1000);
  return {
    ...progress,
    chunksDone: progress.chunksDone + 1,
    rows: progress.rows + rows,
    rowsPerSecond: Math.round(read.rows / seconds),
    fault: null,
  };
}

/** One line for people: `12 of 40+ chunks, 600,000 rows, 5,000 rows/s`. */
export function progressText(progress: BootstrapProgress): string {
  const number = (n: number): string => n.toLocaleString('en-US');
  if (progress.phase === 'joining') return 'waits until its topic has fixed where it is read from';
  if (progress.chunksPlanned === 0) return 'looks at its source';
  const { chunksDone, chunksPlanned, planned: whole, rows, rowsPerSecond, generation } = progress;
  const of = `${number(chunksDone)} of ${number(chunksPlanned)}${whole ? '' : '+'} chunks`;
  const again = generation > 1 ? `, beginning ${generation}` : '';
  return `${of}, ${number(rows)} rows, ${number(rowsPerSecond)} rows/s${again}`;
}
