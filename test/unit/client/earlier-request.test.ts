import { describe, expect, it } from 'vitest';
import { argumentsText as backfillArguments } from '../../../client/backfill-text.js';
import { repeated, type Earlier } from '../../../client/earlier-request.js';
import { argumentsText } from '../../../client/verify-text.js';
import type { VerifyRequest } from '../../../workflows/verify-types.js';

const asked: VerifyRequest = { id: 'v1', what: 'snapshot', atMs: null, repair: false };
const startedMs = Date.UTC(2026, 2, 1, 1);
const done: Earlier<VerifyRequest, { outcome: string }> = {
  ...{ request: asked, status: 'COMPLETED', startedMs, endedMs: startedMs + 60_000 },
  result: { outcome: 'equal' },
};
const words = {
  what: 'verification v1 of orders',
  argumentsOf: (request: VerifyRequest) => argumentsText(request, 'UTC'),
  zone: 'UTC',
  waits: true,
};

describe('an id that is used again', () => {
  it('is answered with the earlier result, and the answer says that it is one: nothing was looked at now', () => {
    for (const request of [asked, { id: 'v1', what: 'snapshot' } as VerifyRequest, null]) {
      expect(repeated(done, request, words)).toMatch(/was done at 2026-03-01T01:01:00.*nothing was done now/);
    }
    const running = { ...done, status: 'RUNNING', endedMs: null, result: null };
    expect(repeated(running, asked, words)).toContain('runs; this waits for it');
    // A command that returns at once would say what it does not do.
    expect(repeated(running, asked, { ...words, waits: false })).toMatch(/ and runs$/);
  });

  it('that failed is answered so too, and says how to do it now', () => {
    const failed = { ...done, result: { outcome: 'failed' } };
    expect(repeated(failed, null, words)).toContain('It failed: to do it now take another id');
    expect(repeated(done, null, words)).not.toContain('another id');
  });

  it('is refused for other arguments, with both', () => {
    const others: VerifyRequest[] = [
      { ...asked, repair: true },
      { ...asked, atMs: startedMs },
      { id: 'v1', what: 'log' },
    ];
    for (const other of others) {
      const refused = expect(() => repeated(done, other, words));
      refused.toThrow(expect.objectContaining({ code: 'RequestIdTaken' }));
      refused.toThrow(/other arguments: the newest snapshot; now with: .*Take another id/);
    }
    const range = { id: 'b', fromMs: 0, toMs: 86_400_000 };
    expect(backfillArguments({ ...range, acceptMissing: false }, 'UTC')).toBe(
      backfillArguments(range, 'UTC'),
    );
    expect(backfillArguments({ ...range, acceptMissing: true }, 'UTC')).toContain('--accept-missing');
  });

  it('is refused if it was cancelled or ended by hand: there is no result to answer with', () => {
    const cancelled = { ...done, result: { outcome: 'cancelled' } };
    expect(() => repeated(cancelled, asked, words)).toThrow(/was cancelled at 2026-03-01.*another id/);
    const terminated = { ...done, status: 'TERMINATED', result: null };
    expect(() => repeated(terminated, null, words)).toThrow(/terminated.*another id/);
  });
});
