import { describe, expect, it } from 'vitest';
import { olderThanAsked, snapshotText } from '../../../client/verify-text.js';
import type { SnapshotReport, VerifyResult } from '../../../workflows/verify-types.js';

const snapshot: SnapshotReport = {
  ...{ name: 'dt=2026-03-01', boundaryMs: Date.UTC(2026, 2, 1, 16), revision: 1, source: 'shop.orders' },
  ...{ sourceRows: 3, mirrorRows: 4, sampled: null, different: 1, more: false, repaired: null, files: null },
  differences: [
    {
      kind: 'twice',
      source: { id: '7', v: 'a' },
      mirror: { id: '7', v: 'a' },
      columns: [],
      copies: [{ id: '7', v: 'a' }],
    },
  ],
};
const result = (change: Partial<SnapshotReport>, outcome: VerifyResult['outcome']): VerifyResult => ({
  ...{ id: 'v1', table: 'orders', what: 'snapshot', outcome, message: null, log: null },
  snapshot: { ...snapshot, ...change },
});

describe('what verify says of a snapshot', () => {
  it('shows each row of a key that is there twice, and both ways out', () => {
    const text = snapshotText(result({}, 'different'));
    expect(text.match(/snapshot +id=7 v=a/g)).toHaveLength(2);
    expect(text).toContain('tributary verify orders --at 2026-03-01T16:00:00Z --repair');
    expect(text).toContain('tributary snapshot orders --from 2026-03-01T15:59:59Z');
  });

  it('says of files that someone wrote over that no later snapshot can be made of them, even with the right rows', () => {
    const same = { different: 0, mirrorRows: 3, differences: [] };
    const text = snapshotText(result({ ...same, files: 'someone changed the files' }, 'equal'));
    expect(text).toContain('someone changed the files');
    expect(text).toContain('no later snapshot can be made of these files');
    expect(snapshotText(result(same, 'equal'))).not.toContain('--repair');
    expect(snapshotText(result({ ...same, repaired: 2 }, 'different'))).not.toContain('--repair');
  });

  it('warns where an older snapshot was taken than the one of the instant: "equal" is then said of another day', () => {
    const calendar = {
      timezone: 'Asia/Shanghai',
      snapshot: { every: 'day', engine: 'auto', keep: 1, keepMonthEnds: false, late: 'next' },
    } as const;
    const asked = (atMs: number | null) =>
      olderThanAsked(result({}, 'equal'), { id: 'v1', what: 'snapshot', atMs }, calendar);
    // In the middle of the day after the boundary there is no newer one.
    expect(asked(snapshot.boundaryMs)).toBeUndefined();
    expect(asked(snapshot.boundaryMs + 3_600_000)).toBeUndefined();
    expect(asked(null)).toBeUndefined();
    expect(asked(snapshot.boundaryMs + 86_400_000)).toMatch(
      /no snapshot of 2026-03-03T00:00:00\+08:00.*The older one of 2026-03-02T00:00:00\+08:00 \(dt=2026-03-01\) was compared/,
    );
  });
});
