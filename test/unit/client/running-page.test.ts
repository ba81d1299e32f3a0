import { TypedSearchAttributes, type SearchAttributePair } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { fromInfo } from '../../../client/overview.js';
import { runningPage } from '../../../client/running-page.js';
import { unansweredPage } from '../../../client/table-page.js';
import type { TopicStatus } from '../../../workflows/messages.js';
import { attributesOf, memoOf, statusOf } from '../../../workflows/table-status.js';
import type { TableProgress, TableState } from '../../../workflows/table-types.js';
import type { VerifiedNote } from '../../../workflows/verify-types.js';
import { tableSpec } from '../changelog/landing.js';

const spec = tableSpec({ name: 'clicks', kafka: 'main', topic: 'click' });
const atMs = Date.UTC(2026, 2, 1, 1);
const progress: TableProgress = {
  ...{ phase: 'running', lagRecords: 0, lagSeconds: 0, rows: 10, quarantined: 0, seq: 1, fault: null },
  ...{ lastCompletePartition: null, completeThroughMs: null },
};
const running: TableState = {
  ...{
    phase: 'running',
    pin: 'abc',
    paused: false,
    progress,
    fault: null,
    startedMs: 0,
    reads: 'main/click',
  },
};
const topic = {
  ...{ kafka: 'main', topic: 'click', seq: 1, positions: {}, members: {}, lagRecords: 0, freshAsOf: null },
  ...{ fault: null, replays: [] },
} satisfies TopicStatus;
const page = (state: TableState, more: { stale?: boolean; drift?: string[]; topic?: TopicStatus } = {}) =>
  runningPage(statusOf(spec, state, { stale: more.stale ?? false, stopping: false }), {
    ...{ topic: more.topic ?? topic, stuck: [], seenMs: null, stale: false, zone: 'Asia/Shanghai' },
    ...{ drift: more.drift, backfill: undefined, link: 'here', topicLink: 'there' },
  });
/** The line of the list of all tables. */
const listed = (state: TableState) =>
  fromInfo({
    ...{ workflowId: 'table/clicks', status: { code: 1, name: 'RUNNING' }, closeTime: undefined },
    memo: { ...memoOf(state, { paced: true, heard: true }) },
    typedSearchAttributes: new TypedSearchAttributes(
      attributesOf(spec, state).flatMap(({ key, value }) =>
        value === null ? [] : [{ key, value } as SearchAttributePair],
      ),
    ),
  });

describe('the page of a table', () => {
  it('says since when and why it is paused, as the list does, with a worker or without', () => {
    const paused: TableState = {
      ...running,
      ...{ phase: 'paused', paused: true, pause: { sinceMs: atMs, reason: 'the warehouse moves' } },
      progress: { ...progress, phase: 'paused' },
    };
    const words = /paused +since 2026-03-01T09:00:00\+08:00 \(.* ago\): the warehouse moves/;
    expect(page(paused)).toMatch(words);
    expect(unansweredPage(listed(paused), { zone: 'Asia/Shanghai', link: '', why: '' })).toMatch(words);
    expect(listed(paused)).toMatchObject({ phase: 'paused', pause: { reason: 'the warehouse moves' } });
    expect(page({ ...paused, pause: { sinceMs: atMs, reason: null } })).toContain('no reason was given');
    expect(listed(running).pause).toBeNull();
  });

  it('has the phase that the list has, also of a table that its quarantine holds', () => {
    const fault = { code: 'QuarantineLimit', message: 'too many', sinceMs: atMs };
    // The topic calls the table paused then, and no person has paused it.
    const held: TableState = { ...running, progress: { ...progress, phase: 'paused', fault } };
    expect(listed(held).phase).toBe('waiting');
    expect(page(held)).toMatch(/phase +waiting/);
    const catching: TableState = { ...running, progress: { ...progress, phase: 'catching-up' } };
    expect(listed(catching).phase).toBe('catching-up');
    expect(page(catching)).toMatch(/phase +catching-up/);
    expect(page(running)).toMatch(/phase +running\n/);
  });

  it('shows no pace of a table that is held: nothing tells it any more that nothing lands', () => {
    const pace = [
      { atMs: 0, rows: 0 },
      { atMs: 10_000, rows: 5_000 },
    ];
    expect(listed({ ...running, pace }).rowsPerSecond).toBe(500);
    const held = { phase: 'paused', paused: true, progress: { ...progress, phase: 'paused' } } as const;
    expect(listed({ ...running, pace, ...held }).rowsPerSecond).toBe(0);
    // What waits for its snapshots goes on landing.
    const fault = { code: 'SnapshotCheckFailed', message: '', sinceMs: 0 };
    expect(listed({ ...running, pace, fault })).toMatchObject({ phase: 'waiting', rowsPerSecond: 500 });
  });

  // Temporal merges memos: what one does not name stays as it was, and the list showed an outage for ever.
  it('takes back in the list why the lag was unknown, once it is known', () => {
    const lagUnknown = { code: 'KafkaUnavailable', message: 'no broker' };
    const kept = (state: TableState) => memoOf(state, { paced: true, heard: true });
    const outage = kept({ ...running, progress: { ...progress, lagRecords: null, lagUnknown } });
    expect({ ...outage, ...kept(running) }.lagUnknown).toBeNull();
  });

  it('says that the table goes on by the old config, when a new one was refused or is only in the file', () => {
    const fault = { code: 'CatalogConflict', message: 'Column id ...', sinceMs: atMs };
    expect(page({ ...running, fault }, { stale: true })).toMatch(
      /config +.*cannot be applied \(CatalogConflict below\): the table goes on by the config before it/,
    );
    const moved = page({ ...running, fault, reads: 'main/older' }, { stale: true });
    expect(moved).toContain('the table has left main/older and does not read main/click yet');
    const drift = page(running, { drift: ['columns.id.type', 'lateness'] });
    expect(drift).toMatch(
      /the file says something else \(columns\.id\.type, lateness\), which is not applied/,
    );
    expect(page(running, { drift: [] })).not.toMatch(/\n +config /);
  });

  it('has what the last verification found, and what was given up of the log', () => {
    const verified: VerifiedNote = {
      id: 'v1',
      what: 'log',
      outcome: 'different',
      endedMs: atMs,
      found: '80 records of the log, 3 missing',
    };
    const loss = {
      ...{ atMs, tables: ['clicks'], record: '_tributary/lost/main/click/x.json' },
      lost: [
        { partition: 0, from: 100, to: 150 },
        { partition: 1, from: 7, to: null },
      ],
    };
    const text = page({ ...running, verified }, { topic: { ...topic, losses: [loss] } });
    expect(text).toMatch(/last verification +different with its log at 2026-03-01T09.* \(v1\); 80 records/);
    expect(text).toMatch(/accepted loss +partition 0: 50 offsets, 100 up to 150; partition 1 from 7 on/);
    expect(text).toContain('_tributary/lost/main/click/x.json');
    // A loss of before the table came is not the table's.
    const others = page(running, { topic: { ...topic, losses: [{ ...loss, tables: ['other'] }] } });
    expect(others).not.toContain('accepted loss');
  });
});
