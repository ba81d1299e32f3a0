import { getClient } from '@temporalio/activity';
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { ingestWorkflowId, tableWorkflowId } from '../workflows/names.js';
import type { IngestInput } from '../workflows/ingest-types.js';
import type { ActivityContext } from './context.js';
import type { ControlActivities } from './types.js';

const SIGNALS_AT_A_TIME = 16;

/** Starts the topic's workflow or finds it running, and hands it the member; both in one request, so none is missed. */
export function joinIngest(context: ActivityContext): ControlActivities['joinIngest'] {
  return ({ kafka, topic, join }) => signalTopic(context, { kafka, topic }, 'join', join);
}

/** The same for a table that is paused and only wants to hear how far it falls behind. */
export function watchIngest(context: ActivityContext): ControlActivities['watchIngest'] {
  return ({ kafka, topic, join }) => signalTopic(context, { kafka, topic }, 'watch', join);
}

export function signalIngest(): ControlActivities['signalIngest'] {
  return async ({ kafka, topic, signal, args }) => {
    await signalIfRunning(getClient(), ingestWorkflowId(kafka, topic), signal, args);
  };
}

/** Starts the topic's workflow if it does not run: the quarantine of a table that is held must not wait for it. */
export function requestReplay(context: ActivityContext): ControlActivities['requestReplay'] {
  return ({ kafka, topic, replay }) => signalTopic(context, { kafka, topic }, 'replayMember', replay);
}

async function signalTopic(
  { taskQueue }: ActivityContext,
  input: IngestInput,
  signal: 'join' | 'watch' | 'replayMember',
  request: unknown,
): Promise<void> {
  const { kafka, topic } = input;
  await getClient().workflow.signalWithStart('ingest', {
    workflowId: ingestWorkflowId(kafka, topic),
    taskQueue,
    args: [input],
    signal,
    signalArgs: [request],
    staticSummary: `reads ${topic} (${kafka}) for all its tables`,
  });
}

/** A table that was stopped has no workflow any more; telling it nothing is right. */
export function reportProgress(): ControlActivities['reportProgress'] {
  return async ({ tables }) => {
    const client = getClient();
    const waiting = Object.entries(tables);
    const gone: string[] = [];
    while (waiting.length > 0) {
      const wave = waiting.splice(0, SIGNALS_AT_A_TIME);
      await Promise.all(
        wave.map(async ([table, progress]) => {
          const running = await signalIfRunning(client, tableWorkflowId(table), 'progress', progress);
          if (!running) gone.push(table);
        }),
      );
    }
    return { gone };
  };
}

async function signalIfRunning(
  client: Client,
  workflowId: string,
  signal: string,
  args: unknown,
): Promise<boolean> {
  try {
    await client.workflow.getHandle(workflowId).signal(signal, args);
    return true;
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    return false;
  }
}
