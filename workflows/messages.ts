import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { TableSpec } from '../config/spec.js';
import type { ColumnFate } from '../warehouse/column-fates.js';
import type { Replay, ReplayRequest } from './replay-types.js';
import type { BootstrapProgress } from './bootstrap-types.js';
import type { AcceptedLoss, Fault, IngestSettings, IngestState, JoinRequest } from './ingest-types.js';
import type { TableProgress, TableStatus } from './table-types.js';

// To a table.
export const pauseSignal = defineSignal<[{ reason?: string }?]>('pause');
/** `acceptLoss` goes on at the start of what Kafka still has and records the lost interval. */
export const resumeSignal = defineSignal<[{ acceptLoss?: boolean }?]>('resume');
export const reloadSignal = defineSignal<[{ spec: TableSpec; settings: IngestSettings }]>('reload');
/** Lands quarantined records again by the present config; without an id every signal is a request of its own. */
export const replayQuarantineSignal =
  defineSignal<[{ id?: string; reason?: string; day?: string }?]>('replayQuarantine');
/** What a reload by another config would do to the table's columns; changes nothing. */
export const planReloadUpdate = defineUpdate<ColumnFate[], [{ spec: TableSpec }]>('planReload');
export const stopSignal = defineSignal('stop');
export const progressSignal = defineSignal<[TableProgress]>('progress');
/** Read the source once more, and go on from there: after an accepted loss, say. */
export const rebootstrapSignal = defineSignal('rebootstrap');
/** News of the table's own bootstrap. */
export const bootstrapSignal = defineSignal<[BootstrapProgress]>('bootstrap');
/** Makes the snapshots of boundaries after an instant (ms since the epoch) anew. */
export const snapshotSignal = defineSignal<[{ fromMs: number }]>('snapshot');
export const statusQuery = defineQuery<TableStatus>('status');
/** What the table runs by now, for the diff that `start` shows. */
export const specQuery = defineQuery<{ spec: TableSpec; settings: IngestSettings }>('spec');

// To a bootstrap.
export const bootstrapQuery = defineQuery<BootstrapProgress>('progress');

// To a topic.
export const joinSignal = defineSignal<[JoinRequest]>('join');
/** A paused table wants to hear how far it falls behind. */
export const watchSignal = defineSignal<[JoinRequest]>('watch');
export const pauseMemberSignal = defineSignal<[{ table: string }]>('pauseMember');
export const resumeMemberSignal = defineSignal<[{ table: string; acceptLoss?: boolean }]>('resumeMember');
/** The table stops for good or for now: its positions are kept, so that a later `join` goes on where it was. */
export const leaveSignal = defineSignal<[{ table: string }]>('leave');
/** Quarantined records of a table are to be landed by its present config. */
export const replayMemberSignal = defineSignal<[ReplayRequest]>('replayMember');
export const topicQuery = defineQuery<TopicStatus>('topic');

export interface TopicStatus {
  kafka: string;
  topic: string;
  seq: number;
  positions: IngestState['positions'];
  members: IngestState['members'];
  lagRecords: number;
  freshAsOf: number | null;
  fault: Fault | null;
  /** Replays of the topic's own quarantine. */
  replays: Replay[];
  /** Absent: the topic's workflow is of an older version. */
  losses?: AcceptedLoss[];
}
