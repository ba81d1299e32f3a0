import {
  ActivityFailure,
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  isCancellation,
  patched,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { allOrNone } from './batch.js';
import { faultOf } from './faults.js';
import { tableWorkflowId } from './names.js';
import { verifiedSignal, verifyStatusQuery } from './reread-messages.js';
import { run } from './run-activity.js';
import { addReports, logResult, noteOf, nothingCompared } from './verify-state.js';
import { verifyOneSnapshot } from './verify-one-snapshot.js';
import type { LogProgress, VerifyInput, VerifyResult } from './verify-types.js';

/**
 * Compares what a table has landed with what Kafka has, offset by offset, or a snapshot with its source. Changes nothing but a
 * snapshot that it was asked to repair.
 */
export async function verify(input: VerifyInput): Promise<VerifyResult> {
  const result = await compare(input);
  if (patched('tells-table')) {
    // The table may have ended, or be none that this was asked of: the result is here all the same.
    await CancellationScope.nonCancellable(() =>
      getExternalWorkflowHandle(tableWorkflowId(input.table))
        .signal(verifiedSignal, noteOf(result, Date.now()))
        .catch(() => undefined),
    );
  }
  return result;
}

async function compare(input: VerifyInput): Promise<VerifyResult> {
  const { table, request, spec, settings } = input;
  let progress: LogProgress = input.state ?? { plan: null, done: 0, report: nothingCompared };
  setHandler(verifyStatusQuery, () => ({
    ...{ id: request.id, table, what: request.what },
    done: progress.done,
    of: progress.plan?.splits ?? 0,
  }));
  const show = (): void => {
    const { plan, done, report } = progress;
    const wrong = Object.entries(report.faults).map(([kind, n]) => `${kind} ${n}`);
    setCurrentDetails(
      `verify ${table}: ${done} of ${plan?.splits ?? '?'} parts, ${report.records.toLocaleString('en-US')} records; ${wrong.join(', ')}`,
    );
  };
  if (request.what === 'snapshot') return verifyOneSnapshot(input);
  try {
    if (!progress.plan) {
      const { pin } = input;
      const plan = await run('planVerifyLog', 'which offsets to compare', {
        table,
        request,
        spec,
        pin,
        settings,
      });
      progress = { ...progress, plan };
    }
    const plan = progress.plan!;
    while (progress.done < plan.splits) {
      show();
      const width = Math.min(settings.parallelism, plan.splits - progress.done);
      const parts = Array.from({ length: width }, (_, i) => progress.done + i).map((split) => () => {
        const { plan: path, pin, topicId, lastForeign } = plan;
        return run('verifyLogSplit', `compare part ${split + 1} of ${plan.splits}`, {
          ...{ spec, plan: path, split, pin, topicId },
          ...(lastForeign !== undefined && { lastForeign }),
        });
      });
      for (const report of await allOrNone(parts)) {
        progress = { ...progress, done: progress.done + 1, report: addReports(progress.report, report) };
      }
      if (workflowInfo().continueAsNewSuggested && progress.done < plan.splits) {
        await condition(allHandlersFinished);
        await continueAsNew<typeof verify>({ ...input, state: progress });
      }
    }
    show();
    return logResult(input, progress);
  } catch (error) {
    if (isCancellation(error)) return logResult(input, progress, { cancelled: true });
    if (!(error instanceof ActivityFailure)) throw error;
    const { code, message } = faultOf(error, null, Date.now());
    return logResult(input, progress, { message: `${code}: ${message}` });
  }
}
