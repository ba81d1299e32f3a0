import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutBatch } from '../../../activities/batch-plan.js';
import * as membership from '../../../workflows/membership.js';
import * as reduce from '../../../workflows/ingest-state.js';
import { hasJoined } from '../../../workflows/progress.js';
import type { CommitResult, IngestState, Plan } from '../../../workflows/ingest-types.js';
import { joinOf } from './join.js';

const planTo = (state: IngestState, to: Record<number, number>, lanes: Plan['lanes'] = {}): Plan => ({
  topicId: null,
  observed: { asOf: 1, ends: to },
  splits: [],
  from: state.positions,
  to,
  lanes,
  laneFaults: {},
  lagRecords: 0,
});

const committed = (state: IngestState, plan: Plan, result: Partial<CommitResult> = {}): IngestState => {
  const main = reduce.applyCommit(
    state,
    plan,
    state.seq + 1,
    { ...reduce.nothingCommitted(plan), ...result },
    { records: 10, bytes: 1000 },
    5,
  );
  return Object.entries(plan.lanes).reduce(
    (next, [table, { to }]) => reduce.applyLaneCommit(next, table, to, reduce.nothingCommitted(plan), 5),
    main,
  );
};

describe('when a table has joined its topic', () => {
  const joined = (state: IngestState, table: string) => hasJoined(state, state.members[table]!);

  // A bootstrap takes its instant then: earlier, retention could still take changes away that come after the instant.
  it('is known only once it is fixed from where it reads', () => {
    let state = membership.join(reduce.newIngestState(), joinOf('a'));
    expect(joined(state, 'a')).toBe(false);
    state = committed(state, planTo(state, { 0: 500 }));
    expect(joined(state, 'a')).toBe(true);
    state = membership.join(state, joinOf('b'));
    expect(joined(state, 'b')).toBe(false);
    state = committed(state, planTo(state, { 0: 510 }, { b: { from: { 0: 7 }, to: { 0: 9 } } }));
    expect(joined(state, 'b')).toBe(true);
    expect(joined(membership.pause(state, 'b'), 'b')).toBe(false);
  });
});

describe('a table that cannot go on', () => {
  const fault = { code: 'CatalogConflict', message: 'no', sinceMs: 1 };
  const two = (): IngestState => {
    const state = membership.join(reduce.newIngestState(), joinOf('good'));
    return membership.join(state, joinOf('bad'));
  };

  it('waits where it stands, the others go on, and what they read meanwhile comes in a lane of its own', () => {
    let state = two();
    state = committed(state, planTo(state, { 0: 100 }));
    state = membership.hold(state, 'bad', fault);
    expect(membership.activeMembers(state).map(({ table }) => table)).toEqual(['good']);
    expect(state.members['bad']).toMatchObject({ status: 'paused', pausedAt: { 0: 100 }, fault });
    state = committed(state, planTo(state, { 0: 250 }));
    state = membership.join(state, joinOf('bad', { pin: 'mended' }));
    expect(state.members['bad']!.fault).toBeUndefined();
    expect(state.members['bad']!.lanes).toMatchObject([{ positions: { 0: 100 }, until: { 0: 250 } }]);
  });

  it('is left out of the plan: its lane, and the topic if nobody else reads', () => {
    const split = (lane: string | null) => ({ id: lane ?? 's', lane, ranges: [] });
    const lane = { from: { 0: 0 }, to: { 0: 5 } };
    const plan: Plan = {
      ...planTo(two(), { 0: 9 }, { bad: lane, good: lane }),
      splits: [split(null), split('bad'), split('good')],
    };
    const one = membership.leaveOutHeld(plan, membership.hold(two(), 'bad', fault));
    expect(one.splits.map(({ lane }) => lane)).toEqual([null, 'good']);
    expect(Object.keys(one.lanes)).toEqual(['good']);
    expect(one.to).toEqual({ 0: 9 });
    const none = membership.leaveOutHeld(
      plan,
      membership.hold(membership.hold(two(), 'bad', fault), 'good', fault),
    );
    expect(none).toMatchObject({ splits: [], lanes: {}, to: none.from });
  });
});

describe('a table without columns', () => {
  // A batch that shows new columns is fetched and written twice: learnt from the largest batch, a topic would be read twice.
  it('learns them from a small batch, and later ones grow to their full size', () => {
    const large = { ...joinOf('a').settings, maxRecords: 1_000_000 };
    let state = membership.join(reduce.newIngestState(), joinOf('a', { settings: large, learns: true }));
    const sizes: number[] = [];
    for (let batch = 0; batch < 6; batch++) {
      sizes.push(reduce.batchRecords({ ...state, batch }, reduce.topicSettings(state)));
    }
    expect(sizes).toEqual([2_000, 8_000, 32_000, 128_000, 512_000, 1_000_000]);
    state = membership.join({ ...state, batch: 1 }, joinOf('a', { settings: large, learns: false }));
    expect(reduce.batchRecords(state, reduce.topicSettings(state))).toBe(1_000_000);
  });
});

describe('membership of a topic', () => {
  it('lets the first table begin without a lane: the topic itself begins at the log start', () => {
    const state = membership.join(reduce.newIngestState(), joinOf('a'));
    expect(state.members['a']).toMatchObject({ status: 'active' });
    expect(state.members['a']!.lanes).toEqual([]);
  });

  it('gives a table that comes later everything before it in a lane', () => {
    let state = membership.join(reduce.newIngestState(), joinOf('a'));
    state = committed(state, planTo(state, { 0: 500, 1: 20 }));
    state = membership.join(state, joinOf('b'));
    expect(state.members['b']!.lanes).toMatchObject([{ positions: {}, until: { 0: 500, 1: 20 } }]);
  });

  it('reads nothing twice when a table joins again while it runs', () => {
    let state = membership.join(reduce.newIngestState(), joinOf('a'));
    state = committed(state, planTo(state, { 0: 500 }));
    state = membership.join(state, joinOf('a', { pin: 'changed' }));
    expect(state.members['a']).toMatchObject({ pin: 'changed', status: 'active' });
    expect(state.members['a']!.lanes).toEqual([]);
  });

  it('goes on exactly where a table was paused, and where its lane was when it was paused in one', () => {
    let state = membership.join(reduce.newIngestState(), joinOf('a'));
    state = membership.join(committed(state, planTo(state, { 0: 500 })), joinOf('b'));
    state = committed(state, planTo(state, { 0: 600 }, { b: { from: { 0: 0 }, to: { 0: 100 } } }));
    state = membership.pause(state, 'b');
    expect(state.members['b']!.pausedAt).toEqual({ 0: 600 });
    state = committed(state, planTo(state, { 0: 900 }));
    state = membership.resume(state, 'b');
    // It had read [500, 600) with the others already: reading up to 900 in one lane would land that twice.
    expect(state.members['b']!.lanes).toMatchObject([
      { positions: { 0: 100 }, until: { 0: 500 } },
      { positions: { 0: 600 }, until: { 0: 900 } },
    ]);
  });

  it('survives the loss of the workflow: stored membership leads to the same reading', () => {
    let state = membership.join(reduce.newIngestState(), joinOf('a'));
    state = membership.join(committed(state, planTo(state, { 0: 500 })), joinOf('b'));
    state = committed(state, planTo(state, { 0: 600 }, { b: { from: { 0: 0 }, to: { 0: 100 } } }));
    const stored = {
      seq: state.seq,
      positions: state.positions,
      topicId: null,
      members: membership.storedMembers(state),
    };
    let revived = membership.restore(reduce.newIngestState(), stored);
    expect(membership.activeMembers(revived)).toEqual([]);
    revived = membership.join(membership.join(revived, joinOf('a')), joinOf('b'));
    expect(revived.members['a']!.lanes).toEqual([]);
    expect(revived.members['b']!.lanes).toMatchObject([{ positions: { 0: 100 }, until: { 0: 500 } }]);
  });
});

describe('a table reads every offset exactly once', () => {
  type Step = {
    kind: 'produce' | 'batch' | 'pause' | 'resume' | 'join' | 'crash';
    table: 'a' | 'b' | 'c';
    n: number;
  };
  const step: fc.Arbitrary<Step> = fc.record({
    // Batches outnumber the rest, and lanes are long, so that pauses fall into the middle of lanes.
    kind: fc.constantFrom('produce', 'batch', 'batch', 'batch', 'pause', 'resume', 'join', 'crash'),
    table: fc.constantFrom('a', 'b', 'c'),
    n: fc.integer({ min: 1, max: 60 }),
  });

  it('whatever joins, pauses and restarts come between the batches', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 80 }), (steps) => {
        let state = reduce.newIngestState();
        let end = 0;
        const read: Record<string, Set<number>> = { a: new Set(), b: new Set(), c: new Set() };
        const batch = (): void => {
          const plan = cutBatch(
            {
              kafka: 'k',
              topic: 't',
              topicId: null,
              positions: state.positions,
              lanes: membership.openLanes(state),
              mainActive: membership.activeMembers(state).length > 0,
              flushMs: 1,
              idleMs: 1,
              maxRecords: 7,
              splitRecords: 4,
              immediate: true,
            },
            {
              topic: 't',
              asOf: 1,
              partitions: [{ partition: 0, logStart: 0, lastStable: end, highWatermark: end }],
            },
          );
          for (const split of plan.splits) {
            const tables =
              split.lane === null
                ? membership.activeMembers(state).map((member) => member.table)
                : [split.lane];
            for (const range of split.ranges) {
              for (let offset = range.from; offset < range.to; offset++) {
                for (const table of tables) {
                  expect(read[table]!.has(offset)).toBe(false);
                  read[table]!.add(offset);
                }
              }
            }
          }
          state = committed(state, plan);
        };
        for (const { kind, table, n } of steps) {
          if (kind === 'produce') end += n;
          if (kind === 'batch' && membership.activeMembers(state).length > 0) batch();
          if (kind === 'pause') state = membership.pause(state, table);
          if (kind === 'resume' && state.members[table]) state = membership.resume(state, table);
          if (kind === 'join') state = membership.join(state, joinOf(table));
          // Membership is stored with every commit, and a change forces one; a crash in between repeats the signal.
          if (kind === 'crash' && !state.membershipChanged) {
            const before = membership.activeMembers(state).map((member) => member.table);
            const { seq, positions } = state;
            const members = membership.storedMembers(state);
            state = membership.restore(reduce.newIngestState(), { seq, positions, topicId: null, members });
            for (const name of before) state = membership.join(state, joinOf(name));
          }
        }
        for (const table of Object.keys(state.members)) state = membership.join(state, joinOf(table));
        if (membership.activeMembers(state).length === 0) return;
        for (let i = 0; i < end; i++) batch();
        for (const table of Object.keys(state.members)) expect(read[table]!.size).toBe(end);
      }),
      { numRuns: 200 },
    );
  });
});

describe('completeness', () => {
  it('follows an observation only once everything in it has been committed', () => {
    let state = membership.join(reduce.newIngestState(), joinOf('a'));
    state = committed(state, planTo(state, { 0: 10 }));
    state = reduce.observe(state, { asOf: 1000, ends: { 0: 20 } });
    expect(state.freshAsOf).toBeNull();
    state = committed(state, planTo(state, { 0: 20 }));
    state = reduce.observe(state, { asOf: 2000, ends: { 0: 50 } });
    expect(state.freshAsOf).toBe(1000);
    expect(reduce.completeThrough(state, state.members['a']!)).toBe(1000 - 60_000);
  });

  it('reaches a remembered end under constant load, instead of chasing the newest one for ever', () => {
    let state = membership.join(reduce.newIngestState(), joinOf('a'));
    for (let i = 1; i <= 10; i++) {
      state = committed(state, planTo(state, { 0: i * 10 }));
      state = reduce.observe(state, { asOf: i * 1000, ends: { 0: i * 10 + 25 } });
    }
    expect(state.freshAsOf).toBeGreaterThanOrEqual(6000);
  });

  it('is unknown for a table that still catches up: its old partitions lack rows', () => {
    let state = membership.join(reduce.newIngestState(), joinOf('a'));
    state = committed(state, planTo(state, { 0: 10 }));
    state = reduce.observe(state, { asOf: 1000, ends: { 0: 10 } });
    state = membership.join(state, joinOf('b'));
    expect(reduce.completeThrough(state, state.members['b']!)).toBeUndefined();
  });
});

describe('accepting a loss', () => {
  it('moves positions to what Kafka still has, and never back', () => {
    let state = membership.join(reduce.newIngestState(), joinOf('a'));
    state = committed(state, planTo(state, { 0: 10, 1: 90 }));
    state = membership.acceptLoss(
      { ...state, fault: { code: 'OffsetsLost', message: '', sinceMs: 1 } },
      { 0: 50, 1: 50 },
      null,
    );
    expect(state.positions).toEqual({ 0: 50, 1: 90 });
    expect(state.fault).toBeNull();
  });

  it('begins anew in a topic that was made anew', () => {
    let state = membership.join(reduce.newIngestState(), joinOf('a'));
    state = { ...committed(state, planTo(state, { 0: 90 })), topicId: 'old' };
    state = membership.acceptLoss(state, { 0: 0 }, 'new');
    expect(state.positions).toEqual({ 0: 0 });
    expect(state.topicId).toBe('new');
  });
});

describe('losses that were accepted', () => {
  const lost = [{ partition: 0, from: 10, to: 50 }];
  const loss = (atMs: number) => ({ atMs, tables: ['a'], record: 'r', lost });

  it('are kept for the page of the table, the newest ones; one that found nothing lost is none', () => {
    let state = membership.rememberLoss(reduce.newIngestState(), { ...loss(0), lost: [] });
    expect(state.losses).toBeUndefined();
    for (let i = 1; i <= 9; i++) state = membership.rememberLoss(state, loss(i));
    expect(state.losses!.map(({ atMs }) => atMs)).toEqual([5, 6, 7, 8, 9]);
  });
});

describe('a quarantine that grows beyond its limit', () => {
  const bad = (n: number): Partial<CommitResult> => ({
    tables: { a: { rows: 90, quarantined: n, revised: [] } },
  });

  it('holds its table where it stands, and the other tables of the topic go on', () => {
    let state = membership.join(
      reduce.newIngestState(),
      joinOf('a', { quarantineLimit: { maxRecords: 15 } }),
    );
    state = membership.join(state, joinOf('b'));
    state = committed(state, planTo(state, { 0: 100 }), bad(10));
    expect(state.members['a']!.status).toBe('active');
    state = committed(state, planTo(state, { 0: 200 }), bad(10));
    expect(state.members['a']).toMatchObject({ status: 'paused', pausedAt: { 0: 200 } });
    expect(state.members['a']!.fault).toMatchObject({ code: 'QuarantineLimit' });
    expect(membership.activeMembers(state).map(({ table }) => table)).toEqual(['b']);
  });

  it('counts anew from when a person let the table go on, or it would be held again by the very next record', () => {
    let state = membership.join(reduce.newIngestState(), joinOf('a', { quarantineLimit: { maxRecords: 5 } }));
    state = committed(state, planTo(state, { 0: 100 }), bad(10));
    state = membership.resume(state, 'a');
    state = committed(state, planTo(state, { 0: 200 }), bad(3));
    expect(state.members['a']!.status).toBe('active');
  });

  it('may be a share of one batch', () => {
    let state = membership.join(
      reduce.newIngestState(),
      joinOf('a', { quarantineLimit: { maxShare: 0.05 } }),
    );
    state = committed(state, planTo(state, { 0: 100 }), bad(10));
    expect(state.members['a']!.fault?.message).toContain('10.0 %');
  });
});
