import * as backfill from './backfill.js';
import { compactPartition } from './compact-partition.js';
import { commitBatch, recoverTopic } from './commit-batch.js';
import { completePartition, planCompletion, sweepGarbage } from './completion.js';
import type { ActivityContext } from './context.js';
import { finishBootstrap } from './finish-bootstrap.js';
import { dueSnapshots } from './due-snapshots.js';
import { mergeSnapshot, mergeSnapshotInHive, splitSnapshot } from './merge-snapshot.js';
import { planSnapshot } from './plan-snapshot.js';
import { publishSnapshot, retireSnapshots } from './publish-snapshot.js';
import { lookAtTopic } from './look-at-topic.js';
import { planBatch } from './plan-batch.js';
import { planColumns } from './plan-columns.js';
import { planBootstrap } from './plan-bootstrap.js';
import { evolveTables, prepareTable } from './prepare-table.js';
import { readBootstrapChunk } from './read-bootstrap-chunk.js';
import { recordLoss } from './record-loss.js';
import { runningBackfills } from './running-backfills.js';
import { startBootstrap } from './start-bootstrap.js';
import { commitReplay } from './commit-replay.js';
import { joinIngest, reportProgress, requestReplay, signalIngest, watchIngest } from './topic-signals.js';
import type { ControlActivities, HeavyActivities } from './types.js';
import { planVerifyLog, verifyLogSplit } from './verify-log.js';
import { writeReplay } from './write-replay.js';
import { verifySnapshot } from './verify-snapshot.js';
import { writeBatch } from './write-batch.js';

/** Activities of the control queue. */
export function controlActivities(context: ActivityContext): ControlActivities {
  return {
    prepareTable: prepareTable(context),
    planColumns: planColumns(context),
    joinIngest: joinIngest(context),
    watchIngest: watchIngest(context),
    signalIngest: signalIngest(),
    recoverTopic: recoverTopic(context),
    planBatch: planBatch(context),
    lookAtTopic: lookAtTopic(context),
    evolveTables: evolveTables(context),
    commitBatch: commitBatch(context),
    requestReplay: requestReplay(context),
    commitReplay: commitReplay(context),
    planCompletion: planCompletion(context),
    completePartition: completePartition(context),
    recordLoss: recordLoss(context),
    reportProgress: reportProgress(),
    runningBackfills: runningBackfills(),
    planBackfill: backfill.planBackfill(context),
    openBackfillWave: backfill.openBackfillWave(context),
    orderSwitch: backfill.orderSwitch(context),
    switchRebuilt: backfill.switchRebuilt(context),
    closeBackfillWave: backfill.closeBackfillWave(context),
    planVerifyLog: planVerifyLog(context),
    sweepGarbage: sweepGarbage(context),
    startBootstrap: startBootstrap(context),
    planBootstrap: planBootstrap(context),
    finishBootstrap: finishBootstrap(context),
    dueSnapshots: dueSnapshots(context),
    planSnapshot: planSnapshot(context),
    publishSnapshot: publishSnapshot(context),
    retireSnapshots: retireSnapshots(context),
  };
}

/** Activities of the heavy queue. */
export function heavyActivities(context: ActivityContext): HeavyActivities {
  return {
    writeBatch: writeBatch(context),
    writeReplay: writeReplay(context),
    compactPartition: compactPartition(context),
    readBootstrapChunk: readBootstrapChunk(context),
    splitSnapshot: splitSnapshot(context),
    mergeSnapshot: mergeSnapshot(context),
    mergeSnapshotInHive: mergeSnapshotInHive(context),
    verifyLogSplit: verifyLogSplit(context),
    verifySnapshot: verifySnapshot(context),
    rebuildPartition: backfill.rebuildPartition(context),
  };
}
