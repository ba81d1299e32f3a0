import { describe, expect, it } from 'vitest';

import { membersOf } from '../../../changelog/formats/members.js';
import { duckPath, parseJsonPath } from '../../../changelog/json-path.js';
import { partitionValues } from '../../../changelog/time-sql.js';
import { topicQuarantineTable } from '../../../changelog/quarantine.js';
import { sourceTypeToHive } from '../../../changelog/types-map.js';

describe('JSON paths', () => {
  it('are taken apart into members and indexes', () => {
    expect(parseJsonPath('$')).toEqual([]);
    expect(parseJsonPath('$.a."b.c"[0][\'d\']["e\\"f"]')).toEqual(['a', 'b.c', 0, 'd', 'e"f']);
    expect(parseJsonPath('plain')).toEqual(['plain']);
    expect(duckPath(['a', 'q"x', 1, "it's"])).toBe(`'$."a"."q\\"x"[1]."it''s"'`);
  });

  it.each(['$..a', '$.a[', '$.a[*]', '$.'])('%s is refused with what could not be read', (path) =>
    expect(() => parseJsonPath(path)).toThrow('is not a JSON path'),
  );
});

describe('source types', () => {
  it.each([
    ['bigint(20) unsigned', 'decimal(20,0)'],
    ['int(6) unsigned zerofill', 'bigint'],
    ['TINYINT(1)', 'tinyint'],
    ['decimal(38,10)', 'decimal(38,10)'],
    ['decimal(65,30)', 'string'],
    ['decimal', 'string'],
    ['decimal unsigned', 'string'],
    ['datetime(6)', 'timestamp'],
    ['time(3)', 'string'],
    ["enum('a','b')", 'string'],
    ['varbinary(16)', 'binary'],
    ['bit(1)', 'bigint'],
    ['bit', 'decimal(20,0)'],
    ['bit(64)', 'decimal(20,0)'],
    ['bit(65)', 'string'],
    ['geometry', 'string'],
  ])('%s becomes %s', (source, hive) => expect(sourceTypeToHive(source)).toBe(hive));

  it('members of an ENUM with quotes and commas in their names', () => {
    expect(membersOf("enum('a','O''K','x,y','z\\'')")).toEqual({
      kind: 'enum',
      members: ['a', "O'K", 'x,y', "z'"],
    });
    expect(membersOf('varchar(10)')).toBeUndefined();
  });
});

describe('names', () => {
  it('partitions of keys', () => {
    expect(partitionValues(0, 'day')).toEqual({ dt: '0001-01-01' });
    expect(partitionValues(738945 * 24 + 23, 'hour')).toEqual({ dt: '2024-03-01', hh: '23' });
  });

  it('a topic quarantine is a Hive name', () => {
    expect(topicQuarantineTable('Stat.click-v2')).toBe('topic_stat_click_v2_quarantine');
  });
});
