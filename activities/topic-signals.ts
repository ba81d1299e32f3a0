import { getClient } from '@temporalio/activity';
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { ingestWorkflowId, tableWorkflowId } from '../workflows/names.js';
import type { IngestInput } from '../workflows/types.js';
import type { ActivityContext } from './context.js';
import { recordProgress } from './metrics.js';
import type { ControlActivities } from './types.js';

const SIGNALS_AT_A_TIME = 16;

/** Starts the topic's workflow or finds it running, and hands it the member; both in one request, so none is missed. */
export function joinIngest(context: ActivityContext): ControlActivities['joinIngest'] {
  return async ({ kafka, topic, join }) => {
    const input: IngestInput = { kafka, topic };
    await getClient().workflow.signalWithStart('ingest', {
      workflowId: ingestWorkflowId(kafka, topic),
      taskQueue: context.taskQueue,
      args: [input],
      signal: 'join',
      signalArgs: [join],
      staticSummary: `reads ${topic} (${kafka}) for all its tables`,
    });
  };
}

export function signalIngest(): ControlActivities['signalIngest'] {
  return async ({ kafka, topic, signal, args }) => {
    await signalIfRunning(getClient(), ingestWorkflowId(kafka, topic), signal, args);
  };
}

/** Starts the topic's workflow if it does not run: the quarantine of a table that is held must not wait for it. */
export function requestReplay(context: ActivityContext): ControlActivities['requestReplay'] {
  return async ({ kafka, topic, replay }) => {
    const input: IngestInput = { kafka, topic };
    await getClient().workflow.signalWithStart('ingest', {
      workflowId: ingestWorkflowId(kafka, topic),
      taskQueue: context.taskQueue,
      args: [input],
      signal: 'replayMember',
      signalArgs: [replay],
      staticSummary: `reads ${topic} (${kafka}) for all its tables`,
    });
  };
}

/** A table that was stopped has no workflow any more; telling it nothing is right. */
export function reportProgress(): ControlActivities['reportProgress'] {
  return async ({ tables }) => {
    recordProgress(tables, Date.now());
    const client = getClient();
    const waiting = Object.entries(tables);
    while (waiting.length > 0) {
      const wave = waiting.splice(0, SIGNALS_AT_A_TIME);
      await Promise.all(
        wave.map(([table, progress]) =>
          signalIfRunning(client, tableWorkflowId(table), 'progress', progress),
        ),
      );
    }
  };
}

async function signalIfRunning(
  client: Client,
  workflowId: string,
  signal: string,
  args: unknown,
): Promise<void> {
  try {
    await client.workflow.getHandle(workflowId).signal(signal, args);
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}
