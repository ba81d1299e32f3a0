import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addSlices,
  differingKeys,
  differingRow,
  differingRows,
  differingSlices,
  totalRows,
  type SliceSums,
} from '../../../sources/verify-compare.js';

const sums = fc.dictionary(
  fc.constantFrom('00', '01', 'ff'),
  fc.record({
    rows: fc.nat(1000),
    xor: fc.bigInt(0n, 2n ** 64n - 1n).map(String),
    sum: fc.bigInt(0n, 2n ** 60n).map(String),
  }),
  { noNullPrototype: true },
);

describe('sums by slice', () => {
  // Parts are summed up by different activities, in any order: the order must not matter.
  it('do not depend on how a table was cut', () => {
    fc.assert(
      fc.property(sums, sums, sums, (a, b, c) => {
        expect(addSlices(addSlices(a, b), c)).toEqual(addSlices(a, addSlices(c, b)));
        expect(totalRows(addSlices(a, b))).toBe(totalRows(a) + totalRows(b));
        expect(differingSlices(addSlices(a, b), addSlices(b, a))).toEqual([]);
      }),
    );
  });

  it('differ where one side has other rows, or none', () => {
    const one: SliceSums = { a: { rows: 1, xor: '5', sum: '7' }, b: { rows: 1, xor: '5', sum: '7' } };
    expect(differingSlices(one, { ...one, b: { rows: 1, xor: '5', sum: '8' } })).toEqual(['b']);
    expect(differingSlices(one, {})).toEqual(['a', 'b']);
    expect(differingSlices({}, { c: { rows: 0, xor: '0', sum: '0' } })).toEqual([]);
  });
});

describe('keys that differ', () => {
  it('are missing, extra or different; doubles count', () => {
    const row = (key: string, hash: string) => ({ key, hash });
    expect(
      differingKeys(
        [row('a', '1'), row('b', '1'), row('d', '1'), row('e', '1'), row('e', '2')],
        [row('b', '2'), row('c', '1'), row('d', '1'), row('d', '1'), row('e', '2'), row('e', '1')],
      ),
    ).toEqual([
      { key: 'a', kind: 'missing' },
      { key: 'b', kind: 'different' },
      { key: 'c', kind: 'extra' },
      { key: 'd', kind: 'different' },
    ]);
  });
});

describe('rows side by side', () => {
  const json = new Set(['j']);

  it('name the columns that differ', () => {
    expect(differingRow({ a: '1', b: null }, { a: '1', b: '' }, json)).toMatchObject({ columns: ['b'] });
    expect(differingRow({ a: '1' }, null, json)).toMatchObject({ kind: 'missing' });
    expect(differingRow(null, { a: '1' }, json)).toMatchObject({ kind: 'extra' });
  });

  it('list every row of a key that the mirror has twice, also where the rows are the same', () => {
    const row = { a: '1', b: 'x' };
    expect(differingRows(row, [row, row], json)).toEqual({
      ...{ kind: 'twice', source: row, mirror: row, columns: [], copies: [row] },
    });
    expect(differingRows(null, [row, { a: '1', b: 'y' }], json)).toMatchObject({
      kind: 'twice',
      copies: [{ a: '1', b: 'y' }],
    });
    expect(differingRows(row, [row], json)).toBeNull();
    expect(differingRows(row, [], json)).toMatchObject({ kind: 'missing' });
  });

  // TiDB and a log may write one JSON value in two ways; a rounded number or a changed blank is another value.
  it.each([
    ['{"a":1,"b":[true]}', '{"b":[true],"a":1}', true],
    ['{"a":9007199254740993}', '{"a":9007199254740992}', false],
    ['{"a":1.0}', '{"a":1}', false],
    ['{"a":"1"}', '{"a":1}', false],
    ['[]', '{}', false],
    ['["a"]', '{"0":"a"}', false],
    ['{"a":"x1y"}', '{"a":"x1y"}', true],
    ['nonsense', 'nonsense ', false],
  ])('JSON %s and %s: the same is %s', (a, b, same) => {
    expect(differingRow({ j: a }, { j: b }, json) === null).toBe(same);
  });
});
