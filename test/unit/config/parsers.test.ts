import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normalizeHiveType, parseHiveType } from '../../../config/hive-type.js';
import { formatJsonPath, normalizeJsonPath, parseJsonPath } from '../../../config/json-path.js';
import { compilePattern, patternProblem } from '../../../config/pattern.js';
import { suggest } from '../../../config/suggest.js';
import { parseDuration, parseSize } from '../../../config/units.js';

describe('Hive types', () => {
  it('have one spelling, so that a blank or a capital is no schema change', () => {
    const cases: Record<string, string> = {
      BIGINT: 'bigint',
      integer: 'int',
      'double precision': 'double',
      decimal: 'decimal(10,0)',
      'DECIMAL( 18 , 2 )': 'decimal(18,2)',
      'numeric(9)': 'decimal(9,0)',
      'varchar(64)': 'varchar(64)',
      'Array< Map<String, array<int>> >': 'array<map<string,array<int>>>',
      'struct<Id: bigint, tags:array<string>>': 'struct<id:bigint,tags:array<string>>',
    };
    for (const [written, normal] of Object.entries(cases)) {
      expect(normalizeHiveType(written)).toBe(normal);
      expect(normalizeHiveType(normal)).toBe(normal);
    }
  });

  it('that are wrong are explained, before Hive would refuse them in the middle of the night', () => {
    const cases: Record<string, RegExp> = {
      bigitn: /"bigitn" is not a Hive type/,
      'decimal(39,2)': /precision is 1 to 38/,
      'decimal(4,5)': /scale cannot exceed/,
      'decimal(a)': /precision of decimal\(p,s\) must be a number/,
      varchar: /"\(" is missing at the end of "varchar"; write it like varchar\(64\)/,
      'char(256)': /holds 1 to 255/,
      'array<int': /">" is missing at the end/,
      'map<array<int>,int>': /a map's key must be a primitive type, not array<int>/,
      'map<int>': /"," is missing before ">"/,
      'struct<a:int,A:int>': /two fields "a"/,
      'struct<>': /needs named fields/,
      'int int': /unexpected "int" after the type/,
      '': /a type is missing/,
    };
    for (const [type, expected] of Object.entries(cases)) {
      expect(() => parseHiveType(type), type).toThrow(expected);
    }
  });

  it('of other databases are translated', () => {
    expect(() => parseHiveType('datetime')).toThrow(
      expect.objectContaining({ suggestion: 'timestamp' }) as Error,
    );
    expect(() => parseHiveType('text')).toThrow(expect.objectContaining({ suggestion: 'string' }) as Error);
  });
});

describe('JSON paths', () => {
  it('read every way of writing a name, and have one spelling', () => {
    expect(parseJsonPath('$')).toEqual([]);
    expect(parseJsonPath('$.a.b')).toEqual(['a', 'b']);
    expect(parseJsonPath('$."@timestamp"')).toEqual(['@timestamp']);
    expect(parseJsonPath(`$['a b']["c"][0].用户`)).toEqual(['a b', 'c', 0, '用户']);
    expect(normalizeJsonPath(`$['a']["b c"][10]`)).toBe('$.a."b c"[10]');
  });

  it('come back the same from what they mean, whatever the names', () => {
    const step = fc.oneof(fc.string({ minLength: 1 }), fc.nat(1000));
    fc.assert(
      fc.property(fc.array(step), (path) => {
        expect(parseJsonPath(formatJsonPath(path))).toEqual(path);
      }),
    );
  });

  it('that are wrong are explained, with the right one where it is clear', () => {
    expect(() => parseJsonPath('a.b')).toThrow(expect.objectContaining({ suggestion: '$.a.b' }) as Error);
    expect(() => parseJsonPath('$.@timestamp')).toThrow(
      expect.objectContaining({ suggestion: '$."@timestamp"' }) as Error,
    );
    expect(() => parseJsonPath('$.a[*]')).toThrow(/must name one value/);
    expect(() => parseJsonPath('$.a[')).toThrow(/cannot be read from "\["/);
  });
});

describe('names at the source', () => {
  it('match exactly, or by a pattern over the whole name', () => {
    const matches = (pattern: string, name: string): boolean =>
      new RegExp(compilePattern(pattern)).test(name);
    expect(matches('a.b', 'a.b')).toBe(true);
    expect(matches('a.b', 'axb')).toBe(false);
    expect(matches('/order_\\d+/', 'order_07')).toBe(true);
    expect(matches('/order_\\d+/', 'order_07_bak')).toBe(false);
    expect(matches('/a|b/', 'xb')).toBe(false);
  });

  it('that look like a pattern without slashes, or cannot run in DuckDB, are refused', () => {
    expect(patternProblem('order_\\d+')).toMatch(/between slashes: \/order_\\d\+\//);
    expect(patternProblem('/order_(/')).toMatch(/is not a regular expression/);
    expect(patternProblem('/(?!tmp).*/')).toMatch(/look-around/);
    expect(patternProblem('/x/i')).toMatch(/flags are not supported/);
    expect(patternProblem('orders')).toBeUndefined();
  });
});

describe('suggestions', () => {
  it('find what was meant, and nothing where nothing is near', () => {
    const known = ['topic', 'format', 'api_key', 'task_queue', 'fs_uri', 'at'];
    expect(suggest('tpoic', known)).toBe('topic');
    expect(suggest('apiKey', known)).toBe('api_key');
    expect(suggest('task-queue', known)).toBe('task_queue');
    expect(suggest('form', ['from', 'format'])).toBe('from');
    expect(suggest('brokers', known)).toBeUndefined();
    expect(suggest('xy', known)).toBeUndefined();
  });
});

describe('quantities', () => {
  it('are exact', () => {
    expect([parseDuration('500ms'), parseDuration('1.5h'), parseDuration('1w')]).toEqual([
      500, 5_400_000, 604_800_000,
    ]);
    expect([parseSize('1KB'), parseSize('128MiB'), parseSize('1.5GiB')]).toEqual([
      1000, 134_217_728, 1_610_612_736,
    ]);
  });
});
