import { compactPartition } from './compact-partition.js';
import { commitBatch, recoverTopic } from './commit-batch.js';
import type { ActivityContext } from './context.js';
import { planBatch } from './plan-batch.js';
import { evolveTables, prepareTable } from './prepare-table.js';
import { recordLoss } from './record-loss.js';
import { joinIngest, reportProgress, signalIngest } from './topic-signals.js';
import type { ControlActivities, HeavyActivities } from './types.js';
import { writeBatch } from './write-batch.js';

/** Activities of the control queue. */
export function controlActivities(context: ActivityContext): ControlActivities {
  return {
    prepareTable: prepareTable(context),
    joinIngest: joinIngest(context),
    signalIngest: signalIngest(),
    recoverTopic: recoverTopic(context),
    planBatch: planBatch(context),
    evolveTables: evolveTables(context),
    commitBatch: commitBatch(context),
    planCompletion: async () => [],
    completePartition: async () => ({ revision: 0, rows: 0 }),
    recordLoss: recordLoss(context),
    reportProgress: reportProgress(),
    sweepGarbage: async () => ({ removed: 0 }),
  };
}

/** Activities of the heavy queue. */
export function heavyActivities(context: ActivityContext): HeavyActivities {
  return {
    writeBatch: writeBatch(context),
    compactPartition: compactPartition(context),
  };
}
