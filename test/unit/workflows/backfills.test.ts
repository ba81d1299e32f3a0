import { describe, expect, it } from 'vitest';
import { failed, newProgress, planned, rebuilt, resultOf } from '../../../workflows/backfill-state.js';
import type { BackfillInput, BackfillMemory, BackfillOutline } from '../../../workflows/backfill-types.js';
import { ended, refusal } from '../../../workflows/backfills.js';

const table = { name: 'clicks', ready: true };
const none: BackfillMemory = { running: null, recent: [], refused: null };
const running: BackfillMemory = { ...none, running: { id: 'a', fromMs: 100, toMs: 200, startedMs: 0 } };

describe('requests for a backfill', () => {
  it('are taken one at a time, and the refusal names the one that runs', () => {
    expect(refusal({ id: 'b', fromMs: 1, toMs: 2 }, none, table)).toBeNull();
    expect(refusal({ id: 'b', fromMs: 150, toMs: 300 }, running, table)).toMatchObject({
      code: 'BackfillOverlaps',
    });
    const beside = refusal({ id: 'b', fromMs: 200, toMs: 300 }, running, table);
    expect(beside).toMatchObject({ code: 'BackfillRunning' });
    expect(beside!.message).toContain('--cancel --id a');
  });

  it('may be repeated under their id, with the same interval only', () => {
    expect(refusal({ id: 'a', fromMs: 100, toMs: 200 }, running, table)).toBeNull();
    expect(refusal({ id: 'a', fromMs: 100, toMs: 201 }, running, table)).toMatchObject({
      code: 'BackfillInvalid',
    });
  });

  it('are not answered with a backfill of their id that was cancelled', () => {
    const entry = { ...running.running!, outcome: 'cancelled' as const, rebuilt: 1 };
    const refused = refusal({ id: 'a', fromMs: 100, toMs: 200 }, { ...none, recent: [entry] }, table);
    expect(refused!.message).toContain('another id');
  });

  it('are refused in words when a person mistypes them in the Web UI', () => {
    const bad = [
      {},
      { id: '../x', fromMs: 1, toMs: 2 },
      { id: 'b', fromMs: 2, toMs: 2 },
      { id: 'b', fromMs: 'x', toMs: 3 },
    ];
    for (const request of bad) {
      expect(refusal(request as never, none, table)).toMatchObject({ code: 'BackfillInvalid' });
    }
    expect(refusal({ id: 'b', fromMs: 1, toMs: 2 }, none, { ...table, ready: false })).toMatchObject({
      code: 'TableNotReady',
    });
  });
});

describe('the end of a backfill', () => {
  const input = { table: 'clicks', request: { id: 'a', fromMs: 100, toMs: 200 } } as BackfillInput;
  const outline = {
    partitions: 3,
    taken: 2,
    pin: 'p',
    refused: [{ partition: 'dt=1', reason: 'gone' }],
    refusedCount: 1,
  } as BackfillOutline;
  const made = { rebuilt: 'r', reason: null, replaced: 5, kept: 1, fresh: 5, notAdded: 0 };

  it('is not called done while a partition was left out', () => {
    let progress = planned(newProgress('p', 0), outline);
    progress = rebuilt(progress, 700, made, true);
    progress = rebuilt(progress, 600, { ...made, replaced: 0, fresh: 0 }, false);
    expect(resultOf(input, progress, {})).toMatchObject({
      ...{ outcome: 'partial', rebuilt: 1, unchanged: 1, replaced: 5, kept: 2, refusedCount: 1 },
      firstMs: 700,
    });
    expect(
      resultOf(input, { ...progress, outline: { ...outline, refusedCount: 0, refused: [] } }, {}).outcome,
    ).toBe('done');
    expect(resultOf(input, progress, { cancelled: true }).outcome).toBe('cancelled');
    const broken = failed(progress, ['dt=2'], 'OffsetsLost');
    expect(resultOf(input, broken, {})).toMatchObject({ outcome: 'partial', refusedCount: 2 });
  });

  it('is remembered once, however often it is told', () => {
    const result = resultOf(input, newProgress('p', 0), {});
    const after = ended(running, result)!;
    expect(after).toMatchObject({ running: null, recent: [{ id: 'a', outcome: 'done' }] });
    expect(ended(after, result)).toBeUndefined();
  });
});
