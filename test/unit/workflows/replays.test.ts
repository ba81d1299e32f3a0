import { describe, expect, it } from 'vitest';
import { join } from '../../../workflows/membership.js';
import { newIngestState } from '../../../workflows/ingest-state.js';
import { askReplay, nextReplays, replayed, topicReplayed } from '../../../workflows/replays.js';
import type { IngestState } from '../../../workflows/ingest-types.js';

function topicOf(...tables: string[]): IngestState {
  const settings = {
    ...{ flushMs: 1, maxRecords: 1, splitBytes: 1, parallelism: 1 },
    compaction: { targetBytes: 1, minFiles: 2 },
  };
  const state = tables.reduce(
    (each, table) => join(each, { table, pin: 'p', settings, latenessMs: 0, quarantineLimit: {} }),
    newIngestState(),
  );
  for (const member of Object.values(state.members)) {
    Object.assign(member, { rows: 100, quarantined: 50, quarantineAccepted: 40 });
  }
  return { ...state, membershipChanged: false };
}

const ask = (state: IngestState, table: string, id: string): IngestState =>
  askReplay(state, { table, id, pin: 'p2' }, 7);

describe('requests for a replay', () => {
  it('are done one a table at a time, in the order in which they came', () => {
    let state = ask(ask(ask(topicOf('a', 'b'), 'a', '1'), 'a', '2'), 'b', '3');
    expect(nextReplays(state, new Set()).map(({ id }) => id)).toEqual(['1', '3']);
    expect(nextReplays(state, new Set(['a'])).map(({ id }) => id)).toEqual(['3']);
    const outcome = { status: 'done', tried: 9, landed: 9, reasons: {} } as const;
    state = replayed(state, { table: 'a', id: '1', pin: 'p2' }, outcome, { rows: 12 });
    expect(nextReplays(state, new Set()).map(({ id }) => id)).toEqual(['2', '3']);
  });

  // A signal that a person sends twice, or that Temporal delivers twice, must not begin a second replay.
  it('with a known id change nothing, also after the first is done', () => {
    const once = ask(topicOf('a'), 'a', '1');
    expect(ask(once, 'a', '1')).toBe(once);
    const outcome = { status: 'done', tried: 9, landed: 9, reasons: {} } as const;
    const done = replayed(once, { table: 'a', id: '1', pin: 'p2' }, outcome, { rows: 12 });
    expect(ask(done, 'a', '1')).toBe(done);
    expect(ask(done, 'stranger', '1')).toBe(done);
  });

  it('are remembered in a bounded number, and none that waits is forgotten', () => {
    let state = topicOf('a');
    for (let i = 0; i < 30; i++) {
      state = ask(state, 'a', `done-${i}`);
      const outcome = { status: 'done', tried: 0, landed: 0, reasons: {} } as const;
      state = replayed(state, { table: 'a', id: `done-${i}`, pin: 'p2' }, outcome, { rows: 0 });
    }
    for (let i = 0; i < 12; i++) state = ask(state, 'a', `waits-${i}`);
    const replays = state.members['a']!.replays!;
    expect(replays.filter(({ status }) => status === 'waiting')).toHaveLength(12);
    expect(replays.length).toBeLessThanOrEqual(13);
  });
});

describe('the counts of a table after a replay', () => {
  it('move rows in and records out, and what was accepted never exceeds what is left', () => {
    const asked = ask(topicOf('a'), 'a', '1');
    const outcome = { status: 'done', tried: 50, landed: 30, reasons: { no_key: 20 } } as const;
    const after = replayed(asked, { table: 'a', id: '1', pin: 'p2' }, outcome, { rows: 33 });
    expect(after.members['a']).toMatchObject({ rows: 133, quarantined: 20, quarantineAccepted: 20 });
    expect(after.members['a']!.replays).toMatchObject([{ id: '1', status: 'done', landed: 30 }]);
    // positions.json must tell the new counts too.
    expect(after.membershipChanged).toBe(true);
  });

  // Snapshots of a mirror are made of what has landed: one that is made already must be made anew.
  it('tell the snapshots how far back the rows go', () => {
    const asked = ask(topicOf('a'), 'a', '1');
    const outcome = { status: 'done', tried: 1, landed: 1, reasons: {} } as const;
    const known = { ...asked, members: { a: { ...asked.members['a']!, completeThroughMs: 1_000 } } };
    const request = { table: 'a', id: '1', pin: 'p2' };
    const late = replayed(known, request, outcome, { rows: 1, minEventMs: 400 });
    expect(late.members['a']!.lateFromMs).toBe(400);
    const young = replayed(known, request, outcome, { rows: 1, minEventMs: 2_000 });
    expect(young.members['a']!.lateFromMs).toBeUndefined();
  });

  it('stay where nothing landed', () => {
    const asked = ask(topicOf('a'), 'a', '1');
    const outcome = { status: 'failed', tried: 0, landed: 0, reasons: {}, message: 'why' } as const;
    const after = replayed(asked, { table: 'a', id: '1', pin: 'p2' }, outcome, { rows: 0 });
    expect(after.members['a']).toMatchObject({ rows: 100, quarantined: 50, quarantineAccepted: 40 });
    expect(after.membershipChanged).toBe(false);
  });
});

describe('replays of the quarantine of a topic', () => {
  const quarantine = 'topic_t_quarantine';
  const asked = (state: IngestState, id: string): IngestState =>
    askReplay(state, { table: quarantine, id, pin: '', shared: true }, 7);

  // It belongs to no table, and must wait behind none; nor may two of them take the same records.
  it('are done one at a time, beside those of tables, and a known id changes nothing', () => {
    const state = ask(asked(asked(topicOf('a'), '1'), '2'), 'a', '3');
    expect(asked(state, '2')).toBe(state);
    expect(nextReplays(state, new Set()).map(({ id }) => id)).toEqual(['3', '1']);
    expect(nextReplays(state, new Set([quarantine])).map(({ id }) => id)).toEqual(['3']);
  });

  it('give each table its rows, and records that are its own quarantine now, without holding it for them', () => {
    const state = asked(topicOf('a', 'b'), '1');
    const outcome = { status: 'done', tried: 9, landed: 6, moved: 3, reasons: {} } as const;
    const after = topicReplayed(state, state.replays![0]!, outcome, {
      a: { rows: 6, quarantined: 3, revised: [], minEventMs: 5 },
      stranger: { rows: 1, quarantined: 0, revised: [] },
    });
    expect(after.members['a']).toMatchObject({ rows: 106, quarantined: 53, quarantineAccepted: 43 });
    expect(after.members['b']).toEqual(state.members['b']);
    expect(after.replays).toMatchObject([{ id: '1', status: 'done', landed: 6, moved: 3 }]);
    expect(after.membershipChanged).toBe(true);
    expect(nextReplays(after, new Set())).toEqual([]);
  });
});
