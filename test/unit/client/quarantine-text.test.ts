import { describe, expect, it } from 'vitest';
import { chosen, cutText, nothingChosen } from '../../../client/quarantine-text.js';

const of = (day: string, reason: string, records: number): Parameters<typeof chosen>[0][number] => ({
  ...{ table: 't', hiveTable: 't_quarantine', day, reason, records, first: null, last: null },
});
const counts = [
  of('2026-03-01', 'invalid_json', 3),
  of('2026-03-02', 'invalid_json', 1_200),
  of('2026-03-01', 'null_value', 2),
];

// "Nothing is in quarantine" to somebody who mistyped a reason reads as: all is well.
describe('a choice of records that are not in the quarantine', () => {
  it('is answered with the reasons that are, their counts and days, and the one that was probably meant', () => {
    expect(chosen(counts, { reason: 'invalid_jsn' })).toEqual([]);
    const words = (reason: string): string => nothingChosen('t', { reason }, counts);
    const held = [
      '  1,203 invalid_json  from 2026-03-01 to 2026-03-02',
      '  2 null_value  on 2026-03-01',
    ].join('\n');
    expect(words('record_too_old')).toBe(
      `Nothing in the quarantine of t has reason record_too_old. It holds:\n${held}`,
    );
    // A script that mistyped it has done nothing, and must not go on as if it had.
    expect(() => words('invalid_jsn')).toThrow(
      `has reason invalid_jsn; did you mean invalid_json? It holds:\n${held}`,
    );
  });

  it('names the day too, and an empty quarantine is just empty', () => {
    const choice = { reason: 'null_value', day: '2026-03-02' };
    expect(chosen(counts, choice)).toEqual([]);
    expect(nothingChosen('t', choice, counts)).toMatch(
      /has reason null_value and day 2026-03-02\. It holds:/,
    );
    expect(nothingChosen('t', choice, [])).toBe('Nothing is in quarantine for t.');
  });
});

describe('records of which only the newest are shown', () => {
  it('are said to be a part, of how many, so that ten are not taken for all', () => {
    expect(cutText(10, 1_234)).toContain('the newest 10 of 1,234 records');
    expect(cutText(10, null)).toContain('of more that were not counted');
    expect(cutText(10, 10)).toBeUndefined();
  });
});
