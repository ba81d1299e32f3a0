import type { Client } from '@temporalio/client';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';

/** The input that a run of a workflow was started with. Asks the server alone: no worker has to answer. */
export async function startedWith<Input>(
  client: Client,
  execution: { workflowId: string; runId: string },
): Promise<Input> {
  const { history } = await client.workflowService.getWorkflowExecutionHistory({
    namespace: client.options.namespace,
    execution,
    maximumPageSize: 1,
  });
  const payload = history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0];
  return defaultPayloadConverter.fromPayload<Input>(payload as Payload);
}
