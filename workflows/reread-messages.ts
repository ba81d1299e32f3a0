import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type {
  BackfillAccepted,
  BackfillOutline,
  BackfillRequest,
  BackfillResult,
  BackfillStatus,
  SwitchOrder,
  SwitchReply,
} from './backfill-types.js';
import type { VerifiedNote, VerifyAccepted, VerifyRequest, VerifyStatus } from './verify-types.js';

/** Messages of what reads a table's log a second time: backfill and verify. */

// To a table.
/** Rebuilds partitions from Kafka; refused while another backfill of the table runs. As a signal for the Web UI. */
export const backfillUpdate = defineUpdate<BackfillAccepted, [BackfillRequest]>('backfill');
export const backfillSignal = defineSignal<[BackfillRequest]>('backfill');
/** What it would do. */
export const planBackfillUpdate = defineUpdate<BackfillOutline, [BackfillRequest]>('planBackfill');
/** From a backfill to its table. */
export const backfillEndedSignal = defineSignal<[BackfillResult]>('backfillEnded');
/** Compares the table with its source; changes nothing. As a signal for the Web UI. */
export const verifyUpdate = defineUpdate<VerifyAccepted, [VerifyRequest]>('verify');
export const verifySignal = defineSignal<[VerifyRequest]>('verify');
/** From a verification to its table. */
export const verifiedSignal = defineSignal<[VerifiedNote]>('verified');

// To a backfill.
export const backfillStatusQuery = defineQuery<BackfillStatus>('backfill');
export const backfillReplySignal = defineSignal<[SwitchReply]>('switched');

// To a verification.
export const verifyStatusQuery = defineQuery<VerifyStatus>('verify');

// To a topic.
/** Moves the pointer of a rebuilt partition between two batches. */
export const switchRebuiltSignal = defineSignal<[SwitchOrder]>('switchRebuilt');
