import { describe, expect, it } from 'vitest';
import { widened, widensInKind } from '../../../warehouse/widening.js';

describe('a column grows to the narrowest type that holds old and new values', () => {
  it.each([
    ['int', 'bigint', 'bigint'],
    ['bigint', 'int', 'bigint'],
    ['tinyint', 'smallint', 'smallint'],
    ['bigint', 'decimal(20,0)', 'decimal(20,0)'],
    ['int', 'decimal(10,2)', 'decimal(12,2)'],
    ['decimal(10,2)', 'decimal(12,4)', 'decimal(12,4)'],
    ['decimal(10,2)', 'decimal(10,4)', 'decimal(12,4)'],
    ['decimal(12,4)', 'decimal(10,2)', 'decimal(12,4)'],
    ['decimal(10,2)', 'bigint', 'decimal(21,2)'],
    ['decimal(38,2)', 'decimal(38,10)', 'string'],
    ['float', 'double', 'double'],
    ['int', 'double', 'double'],
    ['bigint', 'double', 'string'],
    ['varchar(10)', 'varchar(20)', 'varchar(20)'],
    ['varchar(20)', 'varchar(10)', 'varchar(20)'],
    ['varchar(10)', 'string', 'string'],
    ['int', 'string', 'string'],
    ['int', 'date', 'string'],
    ['string', 'int', 'string'],
  ])('%s, and the log says %s: %s', (now, log, wanted) => {
    expect(widened(now, log)).toBe(wanted);
  });

  it.each([
    ['date', 'timestamp'],
    ['timestamp', 'string'],
    ['date', 'string'],
    ['binary', 'string'],
    ['array<int>', 'array<bigint>'],
  ])('%s never becomes %s: Hive cannot read the old files so', (now, log) => {
    expect(widened(now, log)).toBeUndefined();
  });

  it('turns no number into text without a person', () => {
    expect(widensInKind('int', 'bigint')).toBe(true);
    expect(widensInKind('varchar(10)', 'string')).toBe(true);
    expect(widensInKind('decimal(10,2)', 'string')).toBe(false);
  });
});
