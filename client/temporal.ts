import { Client, Connection, WorkflowNotFoundError, type ConnectionOptions } from '@temporalio/client';
import type { QueryDefinition } from '@temporalio/common';
import { errorMessage, isTributaryError, TributaryError } from '../common/errors.js';

export type TemporalClient = Client;

export interface TemporalTarget {
  options: ConnectionOptions;
  namespace: string;
}

/**
 * Opens a client for the duration of `body`.
 * @throws TributaryError TemporalUnavailable
 */
export async function withTemporal<T>(
  target: TemporalTarget,
  body: (client: Client) => Promise<T>,
): Promise<T> {
  let connection: Connection;
  try {
    connection = await Connection.connect({ connectTimeout: '5s', ...target.options });
  } catch (error) {
    throw new TributaryError({
      code: 'TemporalUnavailable',
      message:
        `Cannot reach Temporal at ${target.options.address ?? 'its default address'}: ${errorMessage(error)}. ` +
        'Is it running (npm run stack -- status), and is temporal.address in the config right?',
      retryable: true,
      cause: error,
    });
  }
  try {
    return await body(new Client({ connection, namespace: target.namespace }));
  } finally {
    await connection.close();
  }
}

/**
 * Temporal first asks the worker that held the workflow last, and takes 10 s to see that it was killed; only then another one is asked. Where no
 * worker is at all it answers at once.
 */
const QUERY_DEADLINE_MS = 20_000;

/**
 * Asks a running workflow; a worker has to answer.
 * @throws TributaryError WorkerMissing if none does
 */
export async function ask<R>(client: Client, workflowId: string, query: QueryDefinition<R>): Promise<R> {
  try {
    return await client.withDeadline(Date.now() + QUERY_DEADLINE_MS, () =>
      client.workflow.getHandle(workflowId).query(query),
    );
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) throw error;
    throw new TributaryError({
      code: 'WorkerMissing',
      message: `No worker answers for ${workflowId}. Is one running (tributary worker) with the same temporal.task_queue?`,
      retryable: true,
      cause: error,
    });
  }
}

/** Runs a call to a workflow; undefined if there is no such workflow. */
export async function ifRunning<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

/** The answer to a question; undefined if no worker gives one. */
export async function unlessSilent<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isTributaryError(error, 'WorkerMissing')) return undefined;
    throw error;
  }
}
