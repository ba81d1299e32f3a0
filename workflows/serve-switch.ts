import { getExternalWorkflowHandle, isCancellation, log } from '@temporalio/workflow';
import type { SwitchOrder, SwitchReply } from './backfill-types.js';
import { backfillReplySignal } from './reread-messages.js';
import { faultOf } from './faults.js';
import { run } from './run-activity.js';

/**
 * Moves the pointer of a rebuilt partition and tells the backfill that ordered it. The topic calls it between two of its batches.
 * An order may come twice: the second move finds that nothing is left to do.
 */
export async function serveSwitch(kafka: string, topic: string, order: SwitchOrder): Promise<void> {
  let reply: SwitchReply;
  try {
    const done = await run('switchRebuilt', `move a partition of ${order.table}`, {
      kafka,
      topic,
      rebuilt: order.rebuilt,
    });
    reply = { requestId: order.requestId, ...done };
  } catch (error) {
    if (isCancellation(error)) throw error;
    // The topic and its other tables go on; the backfill shows what is wrong.
    const { code, message } = faultOf(error, null, 0);
    reply = { requestId: order.requestId, outcome: 'failed', message: `${code}: ${message}` };
  }
  try {
    await getExternalWorkflowHandle(order.replyTo).signal(backfillReplySignal, reply);
  } catch (error) {
    if (isCancellation(error)) throw error;
    log.info('a backfill ended before its answer came', { table: order.table });
  }
}
