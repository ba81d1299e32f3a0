import type { Client } from '@temporalio/client';
import type { QueryDefinition } from '@temporalio/common';
import { note } from './output.js';
import { KEPT, reasonToWait, telling } from './waiting.js';

const SHOW_EVERY_MS = 2_000;

/** Waits for a workflow's result; tells on stderr how far it is and what it waits for, when that changes. */
export async function follow<S, R>(
  client: Client,
  workflowId: string,
  query: QueryDefinition<S>,
  line: (status: S) => string,
): Promise<R> {
  const handle = client.workflow.getHandle(workflowId);
  let told = '';
  let over = false;
  const show = async (): Promise<void> => {
    while (!over) {
      // No worker answers for now, or it has just ended: the result tells.
      const text = await handle.query(query).then(line, () => told);
      // Asked before the end and answered after it: the result is printed by now.
      if (over) return;
      if (text !== told) note(text);
      told = text;
      await new Promise((resolve) => setTimeout(resolve, SHOW_EVERY_MS));
    }
  };
  note(`${workflowId} runs; Ctrl-C leaves it running`);
  void show();
  try {
    return await telling(handle.result() as Promise<R>, () => reasonToWait(client, workflowId, KEPT));
  } finally {
    over = true;
  }
}
