import { noopMetricMeter, TypedSearchAttributes, type MetricMeter } from '@temporalio/common';
import type { Client } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import { METRICS } from '../../../activities/metrics.js';
import { createLogger } from '../../../common/log.js';
import { sampleOf, TableMetrics, type ListedTable } from '../../../workers/table-metrics.js';
import { searchAttributes } from '../../../workflows/search-attributes.js';

const MINUTE = 60_000;
const NOW = 100 * MINUTE;
const heard = { rows: 5, quarantined: 1, completeThroughMs: 7_000, fault: null, heardMs: NOW - MINUTE };
const listed = (memo: Record<string, unknown>, paused = false): ListedTable => ({
  workflowId: 'table/click',
  startTime: new Date(3 * MINUTE),
  memo,
  typedSearchAttributes: new TypedSearchAttributes([
    { key: searchAttributes.paused, value: paused },
    { key: searchAttributes.lagRecords, value: 9 },
    { key: searchAttributes.lagSeconds, value: 40 },
  ]),
});

describe('metrics of a table', () => {
  it('are what Temporal keeps of it', () => {
    const snapshot = { boundaryMs: 9_000 };
    expect(sampleOf(listed({ ...heard, lastSnapshot: snapshot }), NOW)).toEqual({
      heardMs: NOW - MINUTE,
      ...{ lagRecords: 9, lagSeconds: 40, completeThroughMs: 7_000, rows: 5, quarantined: 1 },
      ...{ waiting: false, paused: false, snapshotMs: 9_000 },
    });
  });

  // The alert on it could not fire for a conflict in Hive or a secret that is missing: only faults of topics were told.
  it('say that it waits for whatever it has a fault of, its own too', () => {
    const fault = { code: 'CatalogConflict', message: 'no', sinceMs: 1 };
    expect(sampleOf(listed({ ...heard, fault }), NOW)).toMatchObject({ waiting: true, paused: false });
    expect(sampleOf(listed(heard, true), NOW)).toMatchObject({ waiting: false, paused: true });
  });

  it('tell no lag that is old, and of a table that never heard of its topic how long that is', () => {
    expect(sampleOf(listed({ ...heard, heardMs: NOW - 4 * MINUTE }), NOW)).toMatchObject({
      heardMs: NOW - 4 * MINUTE,
      ...{ lagRecords: null, lagSeconds: null },
    });
    expect(sampleOf(listed({ ...heard, heardMs: null }), NOW).heardMs).toBe(3 * MINUTE);
    // A run of a version that did not tell must not page anyone.
    expect(sampleOf(listed({ rows: 5 }), NOW)).toMatchObject({ heardMs: NOW, lagRecords: 9 });
  });

  // `paused 1` of a table that was stopped was served until its worker was restarted.
  it('are NaN once it was stopped, and grow old while Temporal does not answer', async () => {
    const gauges = new Map<string, number>();
    const meter = {
      ...noopMetricMeter,
      createGauge: (name: string) => ({ set: (value: number) => void gauges.set(name, value) }),
    } as unknown as MetricMeter;
    let list: () => ListedTable[] = () => [listed(heard, true)];
    const client = {
      workflow: {
        // eslint-disable-next-line @typescript-eslint/require-await
        list: async function* () {
          yield* list();
        },
      },
    } as unknown as Client;
    const log = createLogger({ redact: (text) => text, level: 'silent' });
    const metrics = new TableMetrics(client, 'queue', meter, log);
    await metrics.look(NOW);
    expect(gauges.get(METRICS.paused)).toBe(1);
    list = () => {
      throw new Error('Temporal is down');
    };
    await metrics.look(NOW + 5 * MINUTE);
    expect(gauges.get(METRICS.paused)).toBe(1);
    expect(gauges.get(METRICS.lagRecords)).toBeNaN();
    list = () => [];
    await metrics.look(NOW + 6 * MINUTE);
    for (const name of [METRICS.paused, METRICS.waiting, METRICS.reported, METRICS.landedRows]) {
      expect(gauges.get(name)).toBeNaN();
    }
  });
});
