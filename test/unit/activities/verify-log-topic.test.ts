import { describe, expect, it } from 'vitest';
import { ambiguous, isMixed, ownOffsets } from '../../../activities/verify-log-topic.js';
import { subtract, type OffsetSet } from '../../../common/offset-ranges.js';
import { emptyState } from '../../../warehouse/partition-state.js';

const state = (dt: string, offsets?: Record<string, OffsetSet>) => ({
  ...emptyState({ table: 'clicks', partition: { dt }, directory: `clicks/dt=${dt}` }),
  ...(offsets && { offsets }),
});

describe('partitions of a topic that was deleted and made anew', () => {
  const old = state('2026-03-01', { was: { 0: [[0, 50]] } });
  const both = state('2026-03-02', { was: { 0: [[50, 80]] }, is: { 0: [[0, 60]] } });
  const unknown = state('2026-03-03');

  it('are looked at for the offsets of the topic that is there now only: the old ones would be duplicates', () => {
    expect(ownOffsets(old, 'is')).toEqual({});
    expect(ownOffsets(both, 'is')).toEqual({ 0: [[0, 60]] });
    // Landed before offsets were kept: it may hold any.
    expect(ownOffsets(unknown, 'is')).toBeUndefined();
    expect([old, both, unknown].map((each) => isMixed(each, 'is'))).toEqual([false, true, false]);
  });

  it('leave out, with a word of why, the offsets at which a partition has rows of both and nothing tells them apart', () => {
    const { offsets, leftOut } = ambiguous([old, both, unknown], 'is');
    expect(offsets).toEqual({ 0: [[50, 80]] });
    expect(leftOut).toEqual([
      'offsets 0: 50-80: clicks dt=2026-03-02 also has rows of a topic of the same name that was deleted, at the same offsets, ' +
        'and nothing tells which is which',
    ]);
    expect(subtract({ 0: [[0, 100]] }, offsets)).toEqual({
      0: [
        [0, 50],
        [80, 100],
      ],
    });
    expect(ambiguous([old, unknown], 'is')).toEqual({ offsets: {}, leftOut: [] });
  });
});
