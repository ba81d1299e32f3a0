import { proxyActivities, workflowInfo, type ActivityOptions, type RetryPolicy } from '@temporalio/workflow';
import type { ControlActivities, HeavyActivities } from '../activities/types.js';
import { heavyTaskQueue } from './names.js';

type Activities = ControlActivities & HeavyActivities;

/**
 * Faults of the environment are retried for as long as they last; the worker marks those that only a person can mend
 * as non-retryable, and the workflow shows them.
 */
const patient: RetryPolicy = { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m' };

// Heartbeats come at least every few seconds, so that a dead worker is noticed soon.
const quick: ActivityOptions = { startToCloseTimeout: '2m', heartbeatTimeout: '60s', retry: patient };
const waiting: ActivityOptions = { startToCloseTimeout: '15m', heartbeatTimeout: '15s', retry: patient };
const shared: ActivityOptions = { startToCloseTimeout: '30m', heartbeatTimeout: '15s', retry: patient };
const heavy: ActivityOptions = { startToCloseTimeout: '2h', heartbeatTimeout: '15s', retry: patient };

/** A person waits for the answer, and can ask again. An attempt gives up 20 s before its time is over. */
const once: ActivityOptions = {
  ...{ scheduleToCloseTimeout: '45s', startToCloseTimeout: '40s', heartbeatTimeout: '15s' },
  retry: { maximumAttempts: 1 },
};

/** A bootstrap has hours; what waits in Kafka goes first. */
const patientlyHeavy: ActivityOptions = { ...heavy, priority: { priorityKey: 5 } };

const optionsOf: Record<keyof Activities, ActivityOptions> = {
  prepareTable: shared,
  planColumns: once,
  joinIngest: quick,
  signalIngest: quick,
  requestReplay: quick,
  recoverTopic: shared,
  planBatch: waiting,
  lookAtTopic: waiting,
  watchIngest: quick,
  evolveTables: shared,
  commitBatch: shared,
  commitReplay: shared,
  planCompletion: shared,
  completePartition: shared,
  recordLoss: quick,
  reportProgress: quick,
  runningBackfills: quick,
  planBackfill: shared,
  openBackfillWave: shared,
  orderSwitch: quick,
  switchRebuilt: shared,
  closeBackfillWave: shared,
  planVerifyLog: shared,
  sweepGarbage: shared,
  startBootstrap: shared,
  planBootstrap: shared,
  finishBootstrap: shared,
  readBootstrapChunk: patientlyHeavy,
  dueSnapshots: shared,
  planSnapshot: shared,
  publishSnapshot: shared,
  retireSnapshots: shared,
  splitSnapshot: heavy,
  mergeSnapshot: heavy,
  mergeSnapshotInHive: heavy,
  writeBatch: heavy,
  writeReplay: heavy,
  compactPartition: heavy,
  rebuildPartition: heavy,
  verifyLogSplit: heavy,
  verifySnapshot: heavy,
};

/** Runs one activity with its options and a line that the Web UI shows beside it. */
export function run<K extends keyof Activities>(
  name: K,
  summary: string,
  ...args: Parameters<Activities[K]>
): ReturnType<Activities[K]> {
  const options: ActivityOptions = { ...optionsOf[name], summary: summary.slice(0, 200) };
  if (options.startToCloseTimeout === heavy.startToCloseTimeout) {
    options.taskQueue = heavyTaskQueue(workflowInfo().taskQueue);
  }
  const activities = proxyActivities<Activities>(options);
  const activity = activities[name] as unknown as (...input: unknown[]) => ReturnType<Activities[K]>;
  return activity(...args);
}
