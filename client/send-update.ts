import type { Client } from '@temporalio/client';
import { WorkflowUpdateFailedError, WorkflowUpdateStage } from '@temporalio/client';
import { ApplicationFailure, type UpdateDefinition } from '@temporalio/common';
import { errorMessage, TributaryError } from '../common/errors.js';
import { tableWorkflowId } from '../workflows/names.js';
import { ifRunning } from './temporal.js';
import { ASK_AGAIN, KEPT, reasonToWait, telling, unheard, type Reason } from './waiting.js';
import { workerMissing, workersComing } from './workers-alive.js';

const ACCEPT_DEADLINE_MS = 30_000;

/**
 * Sends a table an update and waits for the answer; a refusal comes back with the table's own words. What the answer waits for is told
 * on stderr.
 * @param meanwhile what the person who waits may do
 * @throws TributaryError TableNotRunning, WorkerMissing, and what the table refuses with
 */
export async function sendUpdate<R, A>(
  client: Client,
  table: string,
  definition: UpdateDefinition<R, [A]>,
  argument: A,
  meanwhile: string = KEPT,
): Promise<R> {
  const handle = client.workflow.getHandle(tableWorkflowId(table));
  // A request that nobody answers stays with the table and is carried out later, when its sender thinks it failed.
  const known = await ifRunning(() => handle.describe());
  if (known?.status.name === 'RUNNING' && !(await workersComing(client, known.taskQueue))) {
    throw new TributaryError({
      code: 'WorkerMissing',
      message: `${table} was asked nothing: ${workerMissing(known.taskQueue)}`,
      retryable: true,
      attributes: { table },
    });
  }
  try {
    let accepted = false;
    const answer = async (): Promise<{ of: R } | undefined> => {
      const started = await ifRunning(() =>
        client.withDeadline(Date.now() + ACCEPT_DEADLINE_MS, () =>
          handle.startUpdate<R, [A]>(definition, {
            args: [argument],
            waitForStage: WorkflowUpdateStage.ACCEPTED,
          }),
        ),
      );
      accepted = true;
      return started && { of: await started.result() };
    };
    const why = async (): Promise<Reason | undefined> =>
      (await reasonToWait(client, handle.workflowId, meanwhile)) ??
      (known && !accepted ? unheard(client, known.taskQueue, meanwhile) : undefined);
    const answered = await telling(answer(), why);
    if (answered) return answered.of;
  } catch (error) {
    if (!(error instanceof WorkflowUpdateFailedError)) throw noAnswer(handle.workflowId, meanwhile, error);
    const cause = error.cause;
    const code = cause instanceof ApplicationFailure ? (cause.type ?? 'Refused') : 'Refused';
    throw new TributaryError({ code, message: errorMessage(cause ?? error), cause: error });
  }
  throw new TributaryError({
    code: 'TableNotRunning',
    message: `${table} does not run. Start it with: tributary start ${table}`,
    attributes: { table },
  });
}

function noAnswer(workflowId: string, meanwhile: string, error: unknown): TributaryError {
  const kept =
    meanwhile === ASK_AGAIN
      ? 'It was only asked for a plan: nothing is changed by it, and nothing more was asked for.'
      : 'The request stays with the table and is carried out when a worker answers; status shows it then.';
  return new TributaryError({
    code: 'WorkerMissing',
    message:
      `No worker has answered for ${workflowId} within ${ACCEPT_DEADLINE_MS / 1_000} s. ${kept} ` +
      'Is one running (tributary worker) with the same temporal.task_queue?',
    retryable: true,
    cause: error,
  });
}
