import { CancellationScope } from '@temporalio/workflow';

/** Runs all at the same time; if one fails for good, the others are cancelled rather than left behind. */
export async function allOrNone<T>(starts: (() => Promise<T>)[]): Promise<T[]> {
  const scope = new CancellationScope();
  try {
    return await scope.run(() => Promise.all(starts.map((start) => start())));
  } catch (error) {
    scope.cancel();
    throw error;
  }
}

/** Name of a batch in files and in the column `ingest_batch`; sorts as the batches were committed. */
export function batchId(n: number): string {
  return `b${String(n).padStart(9, '0')}`;
}
