import { TypedSearchAttributes } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { heardIn, isStale, withoutOldLag } from '../../../client/freshness.js';
import { endedTable, fromInfo, type KeptInfo } from '../../../client/overview.js';
import { problems } from '../../../client/problems.js';
import { stuckOf, stuckText, type StuckActivity } from '../../../client/stuck.js';
import { endedPage, lagText, unansweredPage } from '../../../client/table-page.js';
import { tableOfReread } from '../../../workflows/names.js';
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

const stuckOne: StuckActivity = {
  workflowId: 'snapshot/orders/dt=2026-03-01',
  activity: 'mergeSnapshot',
  ...{ attempt: 7, code: 'StorageUnavailable', message: 'HDFS does not answer' },
  ...{ sinceMs: null, nextAttemptMs: null },
};

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

  it('are stale without a worker, or when nothing was heard for minutes, also of a table that is paused', () => {
    const seen = { seenMs: 0 };
    expect(isStale(seen, true, MINUTE)).toBe(false);
    expect(isStale(seen, true, 4 * MINUTE)).toBe(true);
    expect(isStale(seen, false, MINUTE)).toBe(true);
    expect(isStale({ seenMs: null }, true, MINUTE)).toBe(false);
  });

  it('do not tell a lag that is old, or of a topic that cannot be looked at, and say why', () => {
    const table = { lagRecords: 0, lagSeconds: 0, seenMs: 60_000, stale: false, stuck: [] };
    expect(withoutOldLag(table, table)).toBe(table);
    const stale = { ...table, stale: true };
    const stuck = [{ ...stuckOne, activity: 'planBatch', code: 'KafkaUnavailable', message: 'no broker' }];
    for (const [old, code, message] of [
      [stale, 'Stale', 'nothing was heard since 1970-01-01T00:01:00.000Z'],
      [{ ...table, stuck }, 'KafkaUnavailable', 'no broker'],
    ] as const) {
      const told = withoutOldLag(old, old);
      expect(told).toMatchObject({ lagRecords: null, lagSeconds: null, lagUnknown: { code, message } });
      expect(lagText(told)).toBe(`unknown (${code}: ${message})`);
    }
    // What is read is known while it cannot be committed.
    const commit = { ...table, stuck: [{ ...stuckOne, activity: 'commitBatch' }] };
    expect(withoutOldLag(commit, commit).lagRecords).toBe(0);
  });

  it('come from the table itself where it tells when it heard of its topic', () => {
    expect(fromInfo(info('RUNNING', { memo: { heardMs: 7 } })).seenMs).toBe(7);
    const unknown = { memo: { heardMs: 7, lagUnknown: { code: 'TopicRecreated', message: 'new' } } };
    expect(fromInfo(info('RUNNING', unknown)).lagUnknown?.code).toBe('TopicRecreated');
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
    expect(stuckOf('ingest/main/t', pending, 0).map(({ code }) => code)).toEqual(['CatalogUnavailable']);
  });
});

// After every restart of Temporal each table said for a minute that its worker is silent.
describe('an activity whose worker went silent', () => {
  const SCHEDULED = 1;
  const STARTED = 2;
  const silent = (attempt: number, state: number): Parameters<typeof stuckOf>[1][number] => ({
    activityType: { name: 'planBatch' },
    ...{ attempt, state, scheduledTime: { seconds: 100 as never } },
    lastFailure: { timeoutFailureInfo: {} },
  });
  const codes = (activity: ReturnType<typeof silent>, nowMs: number): string[] =>
    stuckOf('ingest/main/t', [activity], nowMs).map(({ code }) => code);

  it('is no fault while another attempt is under way, or about to be', () => {
    expect(codes(silent(2, STARTED), 160_000)).toEqual([]);
    expect(codes(silent(2, SCHEDULED), 101_000)).toEqual([]);
  });

  it('is one if nobody takes it up, or if it repeats', () => {
    expect(codes(silent(2, SCHEDULED), 160_000)).toEqual(['WorkerSilent']);
    expect(codes(silent(4, STARTED), 101_000)).toEqual(['WorkerSilent']);
  });
});

// A snapshot was retried for hours, and the page showed a table that runs.
describe('what is being retried', () => {
  it('names the workflow, the activity, the attempt, since when, and when it is tried next', () => {
    const one = { ...stuckOne, sinceMs: 0, nextAttemptMs: 760_000 };
    const text = 'mergeSnapshot of snapshot/orders/dt=2026-03-01, attempt 7, for 12m, next try in 40s';
    expect(stuckText(one, 720_000)).toBe(text);
    expect(stuckText({ ...one, nextAttemptMs: null }, 720_000)).toContain('being tried now');
    const page = problems([{ ...fromInfo(info('RUNNING')), stuck: [one] }]).join('\n');
    expect(page).toContain(
      'stat_click\n  StorageUnavailable (mergeSnapshot of snapshot/orders/dt=2026-03-01',
    );
  });

  it('belongs to the table whose snapshot, bootstrap, backfill or verification it is', () => {
    const ids = ['snapshot/a/dt=2026-03-01/hh=05', 'bootstrap/a', 'backfill/a/id.1', 'verify/a/id.2'];
    expect(ids.map(tableOfReread)).toEqual(['a', 'a', 'a', 'a']);
    expect(tableOfReread('ingest/main/a')).toBeUndefined();
  });
});
