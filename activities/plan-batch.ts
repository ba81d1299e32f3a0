import { sleep } from '@temporalio/activity';
import { TributaryError } from '../common/errors.js';
import type { Plan, PlanRequest } from '../workflows/ingest-types.js';
import { attempt } from './attempt.js';
import { cutBatch, waiting } from './batch-plan.js';
import type { ActivityContext } from './context.js';

const LOOK_EVERY_MS = 500;

function workerStopping(): TributaryError {
  return new TributaryError({
    code: 'WorkerStopping',
    message: 'The worker that waited for data was told to stop; another one goes on waiting.',
    retryable: true,
  });
}

/** Looks at the topic until a batch is due: enough records, the flush interval over, a table catching up, or idle. */
export function planBatch(context: ActivityContext) {
  return (request: PlanRequest): Promise<Plan> =>
    attempt(async ({ signal }) => {
      const reader = context.reader(request.kafka);
      const begun = Date.now();
      let firstSeen: number | undefined;
      for (;;) {
        const seen = await reader.positions(request.topic, signal);
        const records = waiting(request, seen);
        if (records > 0) firstSeen ??= Date.now();
        const due =
          request.immediate ||
          Object.keys(request.lanes).length > 0 ||
          records >= request.maxRecords ||
          (firstSeen !== undefined && Date.now() - firstSeen >= request.flushMs) ||
          Date.now() - begun >= request.idleMs;
        if (due) return cutBatch(request, seen);
        if (context.stopping.aborted) throw workerStopping();
        await sleep(Math.min(LOOK_EVERY_MS, Math.max(50, request.flushMs / 4)));
      }
    });
}
