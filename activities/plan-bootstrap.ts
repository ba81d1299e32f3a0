import { chunkRecord, ensurePlanPage } from '../sources/bootstrap.js';
import type { SourceChunk } from '../sources/bootstrap-source.js';
import { mapParallel } from '../warehouse/parallel.js';
import { attempt } from './attempt.js';
import { bootstrapSource, readStart, sourceAccess } from './bootstrap-source.js';
import type { ActivityContext } from './context.js';
import type { ControlActivities } from './types.js';

const LOOKS = 16;

/** Cuts one page of chunks, or finds it cut, and says which of them are still to be read. */
export function planBootstrap(context: ActivityContext): ControlActivities['planBootstrap'] {
  return ({ spec, directory, page, chunkRows }) =>
    attempt(async ({ signal }) => {
      const { storage } = context;
      const start = await readStart(context, directory, signal);
      const source = bootstrapSource(sourceAccess(context, spec, signal));
      const cut = (known: SourceChunk | undefined) => source.cut(start, chunkRows, known);
      const { chunks, last } = await ensurePlanPage<SourceChunk>(storage, directory, page, cut, { signal });
      const records = await mapParallel(chunks, LOOKS, ({ index }) =>
        chunkRecord(storage, directory, index, signal),
      );
      const done = records.filter((record) => record !== undefined);
      return {
        chunks: chunks.length,
        last,
        todo: chunks.filter((_, i) => records[i] === undefined).map(({ index }) => index),
        doneRows: done.reduce((sum, { rows }) => sum + rows, 0),
      };
    });
}
