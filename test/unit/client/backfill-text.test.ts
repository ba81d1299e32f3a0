import { describe, expect, it } from 'vitest';
import { backfillRows, progressWords } from '../../../client/backfill-text.js';
import { newProgress } from '../../../workflows/backfill-state.js';
import type { BackfillMemory, BackfillStatus } from '../../../workflows/backfill-types.js';

const DAY = 86_400_000;
const entry = { id: 'notes', fromMs: 0, toMs: DAY, startedMs: 1 };
const recent = [{ ...entry, id: 'first', outcome: 'partial' as const, rebuilt: 3 }];
const memory = (change: Partial<BackfillMemory>): BackfillMemory => ({
  running: null,
  recent,
  refused: null,
  ...change,
});

// Whoever opens the page at night must see that days are being rebuilt, or that the last attempt left some out.
describe('backfills in status', () => {
  it('shows the running one with how far it is, and says so if it does not answer', () => {
    const status: BackfillStatus = {
      ...newProgress('pin', 1),
      ...{ id: 'notes', table: 't', fromMs: 0, toMs: DAY, phase: 'running' },
    };
    const running = memory({ running: entry });
    expect(backfillRows(running, status, 'Asia/Shanghai')).toEqual([
      ['backfill', 'notes, 1970-01-01T08:00:00+08:00 up to 1970-01-02T08:00:00+08:00: planning'],
    ]);
    expect(backfillRows(running, undefined, 'UTC')[0]![1]).toContain('does not answer');
  });

  it('says that it is being cancelled, and what it waits for if that takes long', () => {
    const outline = { taken: 3 } as NonNullable<BackfillStatus['outline']>;
    const status: BackfillStatus = {
      ...{ ...newProgress('pin', 1), outline, rebuilt: 1 },
      ...{ id: 'notes', table: 't', fromMs: 0, toMs: DAY, phase: 'cancelling' },
      ordered: { partition: 'dt=2026-03-01', sinceMs: 1_000 },
    };
    const far = '1 of 3 partitions, 0 rows read again; is being cancelled';
    expect(progressWords(status, 2_000)).toBe(far);
    expect(progressWords(status, 60_000)).toBe(`${far}; waits for its topic to move dt=2026-03-01`);
  });

  it('shows the last one with its outcome, and a refusal that came as a signal', () => {
    const refused = { id: 'other', message: 'Backfill notes is running.', atMs: 2 };
    const rows = backfillRows(memory({ refused }), undefined, 'UTC');
    expect(rows[0]![1]).toMatch(/^first, .*: partial, 3 partitions rebuilt$/);
    expect(rows[1]).toEqual(['refused', 'backfill other: Backfill notes is running.']);
    expect(backfillRows(null, undefined, 'UTC')).toEqual([]);
  });
});
