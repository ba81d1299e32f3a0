import type { Client } from '@temporalio/client';
import type { QueryDefinition } from '@temporalio/common';
import { note } from './output.js';
import { ifRunning } from './temporal.js';
import { KEPT, reasonToWait, telling, unheard } from './waiting.js';

const SHOW_EVERY_MS = 2_000;
/** A worker that is there answers sooner; one that was killed is only asked, for up to a minute and a half. */
const SILENT_MS = 10_000;

/** Waits for a workflow's result; tells on stderr how far it is and what it waits for, when that changes. */
export async function follow<S, R>(
  client: Client,
  workflowId: string,
  query: QueryDefinition<S>,
  line: (status: S) => string,
  begun = `${workflowId} runs; Ctrl-C leaves it running`,
): Promise<R> {
  const handle = client.workflow.getHandle(workflowId);
  let told = '';
  let over = false;
  let heardMs = Date.now();
  const show = async (): Promise<void> => {
    while (!over) {
      // No worker answers for now, or it has just ended: the result tells.
      const text = await handle.query(query).then(
        (status) => {
          heardMs = Date.now();
          return line(status);
        },
        () => told,
      );
      // Asked before the end and answered after it: the result is printed by now.
      if (over) return;
      if (text !== told) note(text);
      told = text;
      await new Promise((resolve) => setTimeout(resolve, SHOW_EVERY_MS));
    }
  };
  note(begun);
  void show();
  try {
    return await telling(handle.result() as Promise<R>, async () => {
      const reason = await reasonToWait(client, workflowId, KEPT);
      if (reason !== undefined || Date.now() - heardMs < SILENT_MS) return reason;
      const known = await ifRunning(() => handle.describe());
      return known?.status.name === 'RUNNING' ? unheard(client, known.taskQueue, KEPT) : undefined;
    });
  } finally {
    over = true;
  }
}
