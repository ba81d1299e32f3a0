import { describe, expect, it } from 'vitest';
import { snapshotText } from '../../../client/verify-text.js';
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
});
