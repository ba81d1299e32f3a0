import { describe, expect, it } from 'vitest';
import { lagOf, see, seeNothing } from '../../../workflows/lag.js';
import * as membership from '../../../workflows/membership.js';
import * as reduce from '../../../workflows/ingest-state.js';
import { progressOf } from '../../../workflows/progress.js';
import type { IngestState, Observation, Positions } from '../../../workflows/ingest-types.js';
import { joinOf } from './join.js';

const ends = (asOf: number, at: Positions, topicId: string | null = 'one'): Observation => ({
  asOf,
  ends: at,
  topicId,
});

/** Two tables that have read their topic up to 100, where it ended at 10 s. */
function two(): IngestState {
  let state = membership.join(membership.join(reduce.newIngestState(), joinOf('a')), joinOf('b'));
  state = see(state, ends(10_000, { 0: 100 }));
  state = commit(state, { 0: 100 });
  return reduce.observe(state, { asOf: 10_000, ends: { 0: 100 } });
}

function commit(state: IngestState, to: Positions, quarantined = 0): IngestState {
  const plan = { ...reduce.standingPlan(state), topicId: 'one', to };
  const tables = { b: { rows: 1, quarantined, revised: [] } };
  const result = { ...reduce.nothingCommitted(plan), tables };
  return reduce.applyCommit(state, plan, state.seq + 1, result, { records: 1, bytes: 1 }, 11_000);
}

const told = (state: IngestState, table: string, nowMs = 100_000) =>
  progressOf(state, state.members[table]!, nowMs);

// A lag of 0 of a table that has read nothing for a day let Kafka's retention pass it by unnoticed.
describe('the lag of a table that does not read', () => {
  it('grows while it is paused, though the others of its topic have none', () => {
    let state = membership.pause(two(), 'b');
    state = see(state, ends(20_000, { 0: 100 }));
    expect(told(state, 'b')).toMatchObject({ phase: 'paused', lagRecords: 0, lagSeconds: 0 });
    state = see(commit(state, { 0: 150 }), ends(30_000, { 0: 160 }));
    expect(told(state, 'a').lagRecords).toBe(10);
    // Nothing waited for it at 20 s; it is 100 s now.
    expect(told(state, 'b')).toMatchObject({ lagRecords: 60, lagSeconds: 80 });
  });

  it('grows while its quarantine holds it', () => {
    let state = membership.join(two(), joinOf('b', { quarantineLimit: { maxRecords: 5 } }));
    state = commit(state, { 0: 110 }, 6);
    expect(state.members['b']).toMatchObject({ status: 'paused', pausedAt: { 0: 110 } });
    state = see(state, ends(30_000, { 0: 150 }));
    expect(told(state, 'b')).toMatchObject({ lagRecords: 40, lagSeconds: 90 });
    expect(told(state, 'b').fault?.code).toBe('QuarantineLimit');
  });

  it('grows while its topic stands still: its offsets were deleted, or a service is down', () => {
    let state: IngestState = { ...two(), fault: { code: 'OffsetsLost', message: 'gone', sinceMs: 1 } };
    state = see(state, ends(30_000, { 0: 400, 1: 7 }));
    expect(told(state, 'a')).toMatchObject({ phase: 'waiting', lagRecords: 307, lagSeconds: 90 });
  });

  it('has what a lane has still to read beside it', () => {
    let state = membership.pause(two(), 'b');
    state = see(commit(state, { 0: 150 }), ends(30_000, { 0: 160 }));
    expect(told(membership.resume(state, 'b'), 'b')).toMatchObject({ phase: 'catching-up', lagRecords: 60 });
  });

  it('counts from where the log begins, if the table has never read', () => {
    let state = membership.watch(reduce.newIngestState(), joinOf('b'));
    state = see(state, { ...ends(1, { 0: 100, 1: 9 }), starts: { 0: 90, 1: 0 } });
    expect(told(state, 'b')).toMatchObject({ lagRecords: 19, lagSeconds: null });
  });
});

// No number is better than the last one there was: nobody would look twice at a 0.
describe('a lag that nobody can tell', () => {
  const cases: [string, (state: IngestState) => IngestState, string][] = [
    [
      'while Kafka does not answer',
      (s) => seeNothing(s, { code: 'KafkaUnavailable', message: 'x' }, 5),
      'KafkaUnavailable',
    ],
    ['of a topic that was made anew', (s) => see(s, ends(30_000, { 0: 500 }, 'another')), 'TopicRecreated'],
    ['of a position beyond the end', (s) => see(s, ends(30_000, { 0: 50 })), 'OffsetsLost'],
    ['before anyone has looked', (s) => ({ ...s, seen: undefined }), 'NotKnownYet'],
  ];
  for (const [when, change, code] of cases) {
    it(`is none, and says why: ${when}`, () => {
      const progress = told(change(two()), 'a');
      expect(progress).toMatchObject({ lagRecords: null, lagSeconds: null, lagUnknown: { code } });
    });
  }

  it('is known again after the next look, and one that is older does not count', () => {
    const blind = seeNothing(two(), { code: 'KafkaUnavailable', message: 'x' }, 5);
    expect(seeNothing(blind, { code: 'KafkaUnavailable', message: 'y' }, 9).blind?.sinceMs).toBe(5);
    const state = see(blind, ends(30_000, { 0: 130 }));
    expect(lagOf(state, state.members['a']!, 40_000).records).toBe(30);
    expect(see(state, ends(20_000, { 0: 120 }))).toBe(state);
  });

  it('is the fault of tables that read, and not of one that is paused', () => {
    const state = seeNothing(membership.pause(two(), 'b'), { code: 'KafkaUnavailable', message: 'x' }, 5);
    expect(told(state, 'a')).toMatchObject({ phase: 'waiting', fault: { code: 'KafkaUnavailable' } });
    expect(told(state, 'b')).toMatchObject({ phase: 'paused', fault: null });
  });
});

describe('a topic that nobody reads', () => {
  const heard = (state: IngestState): string[] => membership.toldMembers(state).map(({ table }) => table);

  // A workflow for every topic that was ever read would stay for ever.
  it('is watched for tables that are paused, and not for those that were stopped or ended by hand', () => {
    let state = membership.pause(two(), 'a');
    state = membership.leave(state, 'b');
    expect(heard(state)).toEqual(['a']);
    expect(heard(membership.gone(state, ['a']))).toEqual([]);
    expect(heard(membership.join(membership.leave(state, 'a'), joinOf('a')))).toEqual(['a']);
    expect(heard(membership.leave(membership.pause(two(), 'b'), 'b'))).toEqual(['a']);
  });

  it('goes on for a table that reads though it does not run: someone ended it by hand', () => {
    expect(heard(membership.gone(two(), ['a']))).toEqual(['a', 'b']);
  });

  it('does not read for a paused table that wants to hear how far it falls behind', () => {
    const state = membership.watch(membership.pause(two(), 'b'), joinOf('b', { pin: 'new' }));
    expect(state.members['b']).toMatchObject({ status: 'paused', pausedAt: { 0: 100 }, pin: 'new' });
    expect(membership.watch(state, joinOf('a', { pin: 'new' })).members['a']!.pin).toBe('pin-a');
  });
});
