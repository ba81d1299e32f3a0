import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as layout from '../../../warehouse/layout.js';

const text = fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme' });
/** An object has no own member of this name unless it is made with care, which nobody does who has such a column. */
const columnName = text.filter((name) => name !== '__proto__');

describe('quoteSegment', () => {
  it('gives back every text, in one harmless segment', () => {
    fc.assert(
      fc.property(text, (name) => {
        const segment = layout.quoteSegment(name);
        expect(layout.unquoteSegment(segment)).toBe(name);
        // Spaces beyond ASCII stay as they are: HDFS and Hive take them.
        expect(segment.replace(/%[0-9A-F]{2}/g, '')).not.toMatch(/[/:\\?#%= \t-\r]/);
        expect(segment).not.toMatch(/^[._]/);
        expect(layout.pathSegments(segment)).toEqual([segment]);
      }),
    );
  });

  it('leaves ordinary names as they are', () => {
    for (const name of ['orders', 'stat.click', 'tidb-shop_1', '订单'])
      expect(layout.quoteSegment(name)).toBe(name);
  });

  it('keeps names of tables apart from its own directories', () => {
    expect(layout.tableDirectory('_staging')).toBe('%5Fstaging');
    expect(layout.tableDirectory('..')).toBe('%2E.');
  });

  it.each(['', 'x'.repeat(256), '\ud800'])('refuses %j', (name) => {
    expect(() => layout.quoteSegment(name)).toThrow(expect.objectContaining({ code: 'InvalidPath' }));
  });
});

describe('partition paths', () => {
  it('come back as the values they were made of, in whatever order those were', () => {
    fc.assert(
      fc.property(fc.dictionary(columnName, text, { minKeys: 1, maxKeys: 3 }), (values) => {
        const path = layout.partitionPath(values);
        expect(layout.parsePartitionPath(path)).toEqual(values);
        const reversed = Object.fromEntries(Object.entries(values).reverse());
        expect(layout.partitionPath(reversed)).toBe(path);
      }),
    );
  });

  it('look as Hive writes them', () => {
    expect(layout.versionDirectory('stat_click', { dt: '2026-01-01', hh: '03' }, 0)).toBe(
      'stat_click/dt=2026-01-01/hh=03/v0',
    );
    expect(layout.partitionPath({ dt: '2026-01-01 03:00' })).toBe('dt=2026-01-01%2003%3A00');
    expect(layout.partitionPath({ dt: '__HIVE_DEFAULT_PARTITION__' })).toBe('dt=__HIVE_DEFAULT_PARTITION__');
  });
});

describe('paths of control files', () => {
  it('are where the design says', () => {
    const stream = { kafka: 'main', topic: 'stat.click' };
    expect(layout.positionsPath(stream)).toBe('_tributary/positions/main/stat.click/positions.json');
    expect(layout.commitPath(stream, 12)).toBe('_tributary/commits/main/stat.click/000000000012.json');
    expect(layout.commitPath({ ...stream, member: 'a' }, 1)).toBe(
      '_tributary/commits/main/stat.click/members/a/000000000001.json',
    );
    expect(layout.stagingDirectory({ run: 'r', batch: 'b:1', split: 0, attempt: 2 })).toBe(
      '_staging/r/b%3A1/0/2',
    );
    expect(layout.specPath('abc')).toBe('_tributary/specs/abc.json');
  });

  it('never let two streams share a file', () => {
    const stream = fc.record({ kafka: text, topic: text, member: fc.option(text, { nil: undefined }) });
    fc.assert(
      fc.property(stream, stream, (a, b) => {
        const same = a.kafka === b.kafka && a.topic === b.topic && a.member === b.member;
        expect(layout.positionsPath(a) === layout.positionsPath(b)).toBe(same);
      }),
    );
  });

  it.each(['/etc', '../up', 'a/../b', 'a//b', 'a/', './a', 'a\0b'])(
    'refuse to leave the root: %j',
    (path) => {
      expect(() => layout.pathSegments(path)).toThrow(expect.objectContaining({ code: 'InvalidPath' }));
    },
  );
});
