import type { Lane, Positions } from './ingest-types.js';

export function partitions(positions: Positions): number[] {
  return Object.keys(positions).map(Number);
}

/** Whether a lane has been read to its end. */
export function isDone({ positions, until }: Lane): boolean {
  return partitions(until).every((p) => (positions[p] ?? 0) >= (until[p] ?? 0));
}

/** Offsets that a lane has still to read. */
export function waitingIn({ positions, until }: Lane): number {
  return partitions(until).reduce((sum, p) => sum + Math.max(0, until[p]! - (positions[p] ?? 0)), 0);
}
