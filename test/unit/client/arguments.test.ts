import { describe, expect, it } from 'vitest';
import { day, positive } from '../../../client/arguments.js';

// An option that is misread and quietly replaced answers another question than the one asked.
describe('options of commands', () => {
  it.each(['0', '-3', 'abc', '1.5', '', '1e3', '99999999999999999999'])('refuse %j as a count', (text) => {
    expect(() => positive(text)).toThrow('whole number above 0');
  });

  it.each(['2026-13-01', '2026-02-30', 'tomorrow', '2026-3-1', '2026-03-01T00'])(
    'refuse %j as a day',
    (text) => {
      expect(() => day(text)).toThrow('yyyy-mm-dd');
    },
  );

  it('take what is meant', () => {
    expect([positive('200'), day('2024-02-29')]).toEqual([200, '2024-02-29']);
  });
});
