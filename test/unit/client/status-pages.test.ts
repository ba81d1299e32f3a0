import { TypedSearchAttributes } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { heardIn, isStale } from '../../../client/freshness.js';
import { endedTable, fromInfo, type KeptInfo } from '../../../client/overview.js';
import { stuckOf } from '../../../client/stuck.js';
import { endedPage, unansweredPage } from '../../../client/table-page.js';
import { searchAttributes } from '../../../workflows/search-attributes.js';

const MINUTE = 60_000;
const info = (status: string, change: Partial<KeptInfo> = {}): KeptInfo => ({
  workflowId: 'table/stat_click',
  status: { code: 2, name: status } as KeptInfo['status'],
  closeTime: new Date('2026-03-01T00:00:00Z'),
  memo: { rows: 1_234, quarantined: 2, completeThroughMs: Date.UTC(2026, 1, 28, 16), fault: null },
  typedSearchAttributes: new TypedSearchAttributes([
    { key: searchAttributes.mode, value: 'append' },
    { key: searchAttributes.source, value: 'main/stat.click' },
    { key: searchAttributes.phase, value: 'running' },
    { key: searchAttributes.lagRecords, value: 7 },
    { key: searchAttributes.lastComplete, value: 'dt=2026-02-28/hour=23' },
  ]),
  ...change,
});
const at = (seconds: number): { eventTime: { seconds: never } } => ({
  eventTime: { seconds: seconds as never },
});
const signal = (seconds: number, signalName: string): ReturnType<typeof at> => ({
  ...at(seconds),
  ...{ workflowExecutionSignaledEventAttributes: { signalName } },
});

// "not started" about a table with a year of data made people start it as a new one, or look for their rows.
describe('a table that was stopped', () => {
  const page = { zone: 'Asia/Shanghai', link: 'http://ui/table', inConfig: true, hive: true };

  it('is shown as stopped, with when, what was known then, where its data are and how it goes on', () => {
    const ended = endedTable(info('COMPLETED'));
    expect(ended).toMatchObject({ phase: 'stopped', endedMs: Date.UTC(2026, 2, 1), rows: 1_234 });
    // What waited in Kafka then is not what waits now.
    expect(ended).toMatchObject({ lagRecords: null, workflowId: null });
    const text = endedPage(ended, page);
    expect(text).toMatch(/phase +stopped .* ago, 2026-03-01T08:00:00\+08:00/);
    expect(text).toMatch(/rows +1,234/);
    expect(text).toContain('dt=2026-02-28/hour=23');
    expect(text).toContain('its data stay in Hive');
    expect(text).toContain('tributary start stat_click');
  });

  it('is told apart from one that was terminated, and says what kept it from going on', () => {
    const fault = { code: 'OffsetsLost', message: 'offsets 1 to 5 are gone', sinceMs: 0 };
    const ended = endedTable(info('TERMINATED', { memo: { rows: 1, fault } }));
    expect(ended.phase).toBe('terminated');
    expect(endedPage(ended, page)).toContain('OffsetsLost: offsets 1 to 5 are gone');
  });

  it('is to be put back into the config first, if it was taken out', () => {
    expect(endedPage(endedTable(info('COMPLETED')), { ...page, inConfig: false })).toContain(
      'put it back, then tributary start stat_click',
    );
  });
});

// A lag of 0 that is an hour old looks like a table that keeps up.
describe('numbers of a table', () => {
  it('are as old as its last report, or at least as old as the oldest event in which there is none', () => {
    expect(heardIn([at(90), signal(80, 'pause'), signal(70, 'progress'), signal(10, 'progress')])).toBe(
      70_000,
    );
    expect(heardIn([at(90), signal(80, 'pause')])).toBe(80_000);
    expect(heardIn([])).toBeNull();
  });

  it('are stale without a worker, or when nothing was heard for minutes; not while the table is held', () => {
    const seen = { phase: 'running', seenMs: 0 };
    expect(isStale(seen, true, MINUTE)).toBe(false);
    expect(isStale(seen, true, 4 * MINUTE)).toBe(true);
    expect(isStale(seen, false, MINUTE)).toBe(true);
    expect(isStale({ ...seen, phase: 'paused' }, true, 4 * MINUTE)).toBe(false);
  });

  it('say on the page of a table how old they are, and why nobody answers', () => {
    const kept = { ...fromInfo(info('RUNNING')), stale: true, seenMs: Date.now() - 5 * MINUTE };
    const text = unansweredPage(kept, { zone: 'UTC', link: '', why: 'no worker asks for work' });
    expect(text).toMatch(/numbers +.*stale: they are of 5m ago/);
    expect(text).toMatch(/lag +7 records/);
    expect(text).toContain('WorkerMissing');
  });
});

// During a deployment every table would look broken.
describe('an activity whose worker is being stopped', () => {
  const failed = (type: string): Parameters<typeof stuckOf>[1][number] => ({
    activityType: { name: 'planBatch' },
    attempt: 2,
    lastFailure: { message: type, applicationFailureInfo: { type } },
  });

  it('moves to another worker and is no fault of its table', () => {
    const pending = ['WorkerStopping', 'WorkerShutdown', 'CatalogUnavailable'].map(failed);
    expect(stuckOf('ingest/main/t', pending).map(({ code }) => code)).toEqual(['CatalogUnavailable']);
  });
});
