import { relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { askYourself, demoDir, HOW_TO_END } from '../../../demo/closing.js';
import { rowLines } from '../../../stack/hive-sql.js';

describe('a demo', () => {
  // A run of the mirror demo deleted what the click demo had landed.
  it('keeps its files where no other demo wipes them', () => {
    expect(relative(demoDir('click'), demoDir('mirror'))).toMatch(/^\.\./);
    expect(relative(demoDir('mirror'), demoDir('click'))).toMatch(/^\.\./);
  });

  // It ended with a table's name and nothing to ask it with, and with services that people did not know how to end.
  it('ends with a command that asks Hive, and with those that end its services', () => {
    const text = askYourself({ host: 'h', port: 10_000 }, 'demo', 'SELECT 1');
    expect(text).toContain('npm run stack -- sql "SELECT 1"');
    expect(text).toContain('jdbc:hive2://h:10000/demo;auth=noSasl');
    expect(askYourself({ host: 'h', port: 10_000 }, '', undefined)).toBe('');
    expect(HOW_TO_END).toMatch(/stack -- down .*--wipe/);
  });

  it('shows rows with their columns, and says so if there is none', () => {
    expect(rowLines([{ dt: '2026-03-01', n: 5, x: null }])).toBe('dt\tn\tx\n2026-03-01\t5\tNULL');
    expect(rowLines([])).toBe('(no rows)');
  });
});
