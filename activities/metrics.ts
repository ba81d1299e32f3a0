import { metricMeter } from '@temporalio/activity';
import type { MetricMeter } from '@temporalio/common';

/**
 * Our own metrics, on the endpoint of the SDK's (`worker.metrics`). Every worker tells how every table stands, some seconds one after the
 * other: `tributary_reported_timestamp_seconds` tells whose value is the newest (docs/monitoring).
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

/** How a table stands; null where that is not known. */
export interface TableSample {
  /** When the table last heard of its topic, ms since the epoch; or when it began, if it never did. */
  heardMs: number;
  lagRecords: number | null;
  lagSeconds: number | null;
  completeThroughMs: number | null;
  rows: number | null;
  quarantined: number | null;
  /** It cannot go on, and says why. */
  waiting: boolean;
  /** A person holds it. */
  paused: boolean;
  /** Boundary of its newest snapshot. */
  snapshotMs: number | null;
}

/**
 * How tables stand, for Prometheus. What is not known, and all of a table that does not run any more (null), is `NaN`: a gauge cannot
 * be taken back, and its last value would be taken for one of now.
 */
export function recordTables(tables: Map<string, TableSample | null>, meter: MetricMeter): void {
  const gauge = (name: string, what: string) => meter.createGauge(name, 'float', undefined, what);
  const reported = gauge(METRICS.reported, 'When the table last heard of its topic, Unix time.');
  const lagRecords = gauge(METRICS.lagRecords, 'Records that wait in Kafka; NaN while that is not known.');
  const lagSeconds = gauge(METRICS.lagSeconds, 'Age of what waits in Kafka; NaN while it is not known.');
  const complete = gauge(
    METRICS.completeThrough,
    'Every event before this Unix time has landed, as far as the lateness bound tells.',
  );
  const rows = gauge(METRICS.landedRows, 'Rows landed since the table began.');
  const quarantined = gauge(METRICS.quarantinedRecords, 'Records in the quarantine.');
  const waiting = gauge(METRICS.waiting, '1 while the table cannot go on and says why in status.');
  const paused = gauge(METRICS.paused, '1 while a person has paused the table.');
  const snapshot = gauge(METRICS.snapshotBoundary, 'Unix time that the newest snapshot mirrors.');
  const at = (ms: number | null | undefined): number => (ms ?? NaN) / 1_000;
  const flag = (on: boolean | undefined): number => (on === undefined ? NaN : Number(on));
  for (const [table, sample] of tables) {
    const tags = { table };
    reported.set(at(sample?.heardMs), tags);
    lagRecords.set(sample?.lagRecords ?? NaN, tags);
    lagSeconds.set(sample?.lagSeconds ?? NaN, tags);
    complete.set(at(sample?.completeThroughMs), tags);
    rows.set(sample?.rows ?? NaN, tags);
    quarantined.set(sample?.quarantined ?? NaN, tags);
    waiting.set(flag(sample?.waiting), tags);
    paused.set(flag(sample?.paused), tags);
    snapshot.set(at(sample?.snapshotMs), tags);
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

/** How long a snapshot took from its plan on. */
export function recordSnapshot(table: string, tookMs: number, meter: MetricMeter = metricMeter): void {
  meter
    .createHistogram(METRICS.snapshotSeconds, 'float', undefined, 'Time that a snapshot took.')
    .record(tookMs / 1_000, { table });
}
