import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { DETACH, day, detached, noWait, positive } from '../../../client/arguments.js';
import { counted } from '../../../client/output.js';

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

  it('that say not to wait have one name, and the older one still works in scripts', () => {
    const asked = (...args: string[]) => {
      const command = new Command().option('--detach', DETACH).addOption(noWait());
      return detached(command.parse(args, { from: 'user' }).opts<{ detach?: boolean }>()).detach ?? false;
    };
    expect([asked(), asked('--detach'), asked('--no-wait')]).toEqual([false, true, true]);
  });
});

describe('numbers of things', () => {
  it('are written as people say them', () => {
    expect([counted(1, 'warning'), counted(0, 'row'), counted(2_000, 'row')]).toEqual([
      '1 warning',
      '0 rows',
      '2,000 rows',
    ]);
  });
});
