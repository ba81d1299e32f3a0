import { TributaryError } from '../common/errors.js';
import { ensureChunk, readPlanPage } from '../sources/bootstrap.js';
import type { SourceChunk } from '../sources/bootstrap-source.js';
import { Throttle } from '../sources/throttle.js';
import { attempt, withScratch } from './attempt.js';
import { bootstrapSource, readStart, sourceAccess } from './bootstrap-source.js';
import type { ActivityContext } from './context.js';
import type { HeavyActivities } from './types.js';

/** Reads one chunk from the source into a file of the bootstrap's directory, unless an attempt before has. */
export function readBootstrapChunk(context: ActivityContext): HeavyActivities['readBootstrapChunk'] {
  return ({ spec, directory, page, index, rowsPerSecond }) =>
    attempt(async ({ signal }) => {
      const { storage, duckdb } = context;
      const start = await readStart(context, directory, signal);
      const planned = await readPlanPage<SourceChunk>(storage, directory, page, signal);
      const chunk = planned?.chunks.find((candidate) => candidate.index === index);
      if (chunk === undefined) throw planLost(directory, page, index);
      const source = bootstrapSource(sourceAccess(context, spec, signal));
      const { rows, bytes } = await withScratch(context.scratch, `bootstrap-${index}`, (workDir) =>
        ensureChunk(
          storage,
          directory,
          index,
          () => {
            const throttle = new Throttle(rowsPerSecond ?? undefined);
            return source.read({ workDir, duck: duckdb, throttle, signal }, start, chunk);
          },
          signal,
        ),
      );
      return { rows, bytes };
    });
}

function planLost(directory: string, page: number, index: number): TributaryError {
  return new TributaryError({
    code: 'BootstrapIncomplete',
    message: `Page ${page} of the plan in ${directory} does not have chunk ${index}: the directory was changed by hand.`,
    attributes: { directory, page, index },
  });
}
