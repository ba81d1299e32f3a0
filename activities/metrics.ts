import { metricMeter } from '@temporalio/activity';
import type { MetricMeter } from '@temporalio/common';
import type { TableProgress } from '../workflows/types.js';

/**
 * Our own metrics, on the endpoint of the SDK's (`worker.metrics`). Any worker may tell how a table stands, and then another one
 * does: instants and totals only grow, so that the greatest of all workers' values is right; for the others
 * `tributary_reported_timestamp_seconds` tells whose value is the newest (docs/monitoring).
 */
export const METRICS = {
  reported: 'tributary_reported_timestamp_seconds',
  lagRecords: 'tributary_lag_records',
  lagSeconds: 'tributary_lag_seconds',
  completeThrough: 'tributary_complete_through_timestamp_seconds',
  landedRows: 'tributary_landed_rows',
  quarantinedRecords: 'tributary_quarantined_records',
  waiting: 'tributary_table_waiting',
  paused: 'tributary_table_paused',
  landedBytes: 'tributary_landed_bytes_total',
  fetchedBytes: 'tributary_fetched_bytes_total',
  snapshotSeconds: 'tributary_snapshot_duration_seconds',
  snapshotBoundary: 'tributary_snapshot_boundary_timestamp_seconds',
} as const;

/** The SDK names counters itself so: without the ending they are asked for, with it they are served. */
const counterName = (served: string): string => served.replace(/_total$/, '');

/** How each table of a topic stands, for Prometheus. */
export function recordProgress(
  tables: Record<string, TableProgress>,
  nowMs: number,
  meter: MetricMeter = metricMeter,
): void {
  const gauge = (name: string, what: string) => meter.createGauge(name, 'float', undefined, what);
  const reported = gauge(METRICS.reported, 'When the worker last heard of the table, Unix time.');
  const lagRecords = gauge(METRICS.lagRecords, 'Records that wait in Kafka.');
  const lagSeconds = gauge(METRICS.lagSeconds, 'Age of what waits in Kafka; absent while it is not known.');
  const complete = gauge(
    METRICS.completeThrough,
    'Every event before this Unix time has landed, as far as the lateness bound tells.',
  );
  const rows = gauge(METRICS.landedRows, 'Rows landed since the table began.');
  const quarantined = gauge(METRICS.quarantinedRecords, 'Records in the quarantine.');
  const waiting = gauge(METRICS.waiting, '1 while the table cannot go on and says why in status.');
  const paused = gauge(METRICS.paused, '1 while the table is paused.');
  for (const [table, progress] of Object.entries(tables)) {
    const tags = { table };
    reported.set(nowMs / 1_000, tags);
    lagRecords.set(progress.lagRecords, tags);
    if (progress.lagSeconds !== null) lagSeconds.set(progress.lagSeconds, tags);
    if (progress.completeThroughMs !== null) complete.set(progress.completeThroughMs / 1_000, tags);
    rows.set(progress.rows, tags);
    quarantined.set(progress.quarantined, tags);
    waiting.set(progress.fault === null ? 0 : 1, tags);
    paused.set(progress.phase === 'paused' ? 1 : 0, tags);
  }
}

/** Bytes that brokers sent of a topic's records, compressed as they are in the log. */
export function recordFetched(topic: string, bytes: number, meter: MetricMeter = metricMeter): void {
  meter
    .createCounter(counterName(METRICS.fetchedBytes), undefined, 'Bytes of records fetched from Kafka.')
    .add(bytes, { topic });
}

/** Bytes of Parquet that a commit made visible. A worker that dies before it says so leaves them out. */
export function recordLanded(topic: string, bytes: number, meter: MetricMeter = metricMeter): void {
  meter
    .createCounter(counterName(METRICS.landedBytes), undefined, 'Bytes of Parquet files committed.')
    .add(bytes, { topic });
}

/** Newest boundary that this process has published, by table: one that is made anew is no newer. */
const newestBoundary = new Map<string, number>();

/** A published snapshot: how long it took from its plan on, and which instant the table's newest one mirrors. */
export function recordSnapshot(
  table: string,
  { tookMs, boundaryMs }: { tookMs: number; boundaryMs: number },
  meter: MetricMeter = metricMeter,
): void {
  meter
    .createHistogram(METRICS.snapshotSeconds, 'float', undefined, 'Time that a snapshot took.')
    .record(tookMs / 1_000, { table });
  const newest = Math.max(boundaryMs, newestBoundary.get(table) ?? -Infinity);
  newestBoundary.set(table, newest);
  meter
    .createGauge(METRICS.snapshotBoundary, 'float', undefined, 'Unix time that the newest snapshot mirrors.')
    .set(newest / 1_000, { table });
}
