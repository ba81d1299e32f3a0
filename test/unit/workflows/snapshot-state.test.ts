import { describe, expect, it } from 'vitest';
import * as reduce from '../../../workflows/snapshot-state.js';
import type { SnapshotDone, SnapshotState } from '../../../workflows/snapshot-types.js';

const done = (boundaryMs: number): SnapshotDone => ({
  boundaryMs,
  name: `dt=${boundaryMs}`,
  revision: 1,
  rows: 1,
  inserted: 1,
  updated: 0,
  deleted: 0,
  engine: 'duckdb',
  reason: 'small',
  finishedMs: 1,
  tookMs: 1,
});
const at = (change: Partial<SnapshotState>): SnapshotState => ({ ...reduce.newSnapshotState(), ...change });
const ready = { completeThroughMs: 500, rows: 10, asked: null, hasBase: false };

describe('when a table asks which snapshots it owes', () => {
  it('asks once rows have landed, and not again until more have', () => {
    expect(reduce.worthAsking(at({}), ready)).toBe(true);
    expect(reduce.worthAsking(at({}), { ...ready, rows: 0 })).toBe(false);
    expect(reduce.worthAsking(at({}), { ...ready, rows: 0, hasBase: true })).toBe(true);
    expect(reduce.worthAsking(at({}), { ...ready, asked: { completeThroughMs: 400, rows: 10 } })).toBe(false);
    expect(reduce.worthAsking(at({}), { ...ready, completeThroughMs: null })).toBe(false);
  });

  // An idle day has no new rows, and still gets its snapshot.
  it('asks when a boundary has passed, whether or not rows came', () => {
    const asked = { completeThroughMs: 400, rows: 10 };
    expect(reduce.worthAsking(at({ nextMs: 501 }), { ...ready, asked })).toBe(false);
    expect(reduce.worthAsking(at({ nextMs: 500 }), { ...ready, asked })).toBe(true);
  });
});

describe('changes that come after their snapshot', () => {
  it('outdate published snapshots only, and only where the policy says so', () => {
    const state = at({ lastMs: 100 });
    expect(reduce.lateChanges(state, { lateFromMs: 100 }, 'rebuild')).toEqual(state);
    expect(reduce.lateChanges(state, {}, 'rebuild')).toEqual(state);
    expect(reduce.lateChanges(state, { lateFromMs: 40 }, 'next')).toEqual(state);
    expect(reduce.lateChanges(state, { lateFromMs: 40 }, 'rebuild').remake).toEqual({
      fromMs: 40,
      doneMs: null,
    });
  });

  // The plan of the one under way may have been fixed before the change came.
  it('outdate the snapshot that is being made as well, once it is done', () => {
    const running = at({ lastMs: 100, running: { name: 'dt=200', ms: 200 } });
    const late = reduce.lateChanges(running, { lateFromMs: 150 }, 'rebuild');
    expect(late.remake).toBeNull();
    const after = reduce.applyPublished(late, done(200), false);
    expect(after).toMatchObject({ lastMs: 200, running: null, remake: { fromMs: 150, doneMs: null } });
  });

  it('start a rebuild again from the earliest change, and leave it where it is for later ones', () => {
    const half = at({ lastMs: 300, remake: { fromMs: 50, doneMs: 200 } });
    expect(reduce.outdate(half, 250).remake).toEqual({ fromMs: 50, doneMs: 200 });
    expect(reduce.outdate(half, 150).remake).toEqual({ fromMs: 50, doneMs: null });
    expect(reduce.outdate(half, 10).remake).toEqual({ fromMs: 10, doneMs: null });
  });

  // Days before the one that is being made would keep what is known to be wrong, and nobody would be told.
  it('from before the one that is being made anew, begin the making anew at their own boundary', () => {
    const due = (ms: number) => ({
      boundary: { ms, partition: { dt: `${ms}` }, name: `dt=${ms}`, wall: '' },
      previous: null,
      again: true,
    });
    const making = at({
      lastMs: 300,
      remake: { fromMs: 150, doneMs: null },
      running: { name: 'x', ms: 200 },
    });
    expect(reduce.goesOn(reduce.applyPublished(making, done(200), true), due(200))).toBe(true);
    const outdated = reduce.outdate(making, 20);
    const after = reduce.applyPublished(outdated, done(200), true);
    expect(after.remake).toEqual({ fromMs: 20, doneMs: null });
    expect(reduce.goesOn(after, due(200))).toBe(false);
    expect(reduce.goesOn(after, { ...due(200), again: false })).toBe(true);
  });

  it('are dealt with when nothing is left to make anew', () => {
    const state = at({ lastMs: 300, remake: { fromMs: 50, doneMs: 300 } });
    const answer = { due: [], lastMs: 300, nextMs: 400 };
    expect(reduce.applyDue(state, answer)).toMatchObject({ remake: null, nextMs: 400 });
  });

  it('do not move the newest snapshot back when an older one is made anew', () => {
    const state = at({ lastMs: 300, last: done(300), remake: { fromMs: 50, doneMs: null } });
    const after = reduce.applyPublished(state, done(100), true);
    expect(after).toMatchObject({ lastMs: 300, remake: { doneMs: 100 } });
    expect(after.last!.boundaryMs).toBe(300);
  });
});

it('a failed snapshot keeps its fault until one succeeds', () => {
  const failed = reduce.applyFailed(at({ running: { name: 'x', ms: 1 } }), {
    code: 'SnapshotCheckFailed',
    message: 'm',
    sinceMs: 1,
  });
  expect(failed).toMatchObject({ running: null, fault: { code: 'SnapshotCheckFailed' } });
  expect(reduce.applyPublished(failed, done(1), false).fault).toBeNull();
});
