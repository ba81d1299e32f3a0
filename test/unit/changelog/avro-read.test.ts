import { isDeepStrictEqual } from 'node:util';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { exactType } from '../../../bench/avro-type.js';
import { AvroReader } from '../../../changelog/formats/avro-json.js';

const optional = (type: unknown) => ['null', type];
const ROW = {
  type: 'record',
  name: 'Value',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'small', type: { type: 'int', 'connect.type': 'int16' } },
    { name: 'text', type: optional('string'), default: null },
    { name: 'bytes', type: optional({ type: 'bytes', logicalType: 'decimal', scale: 2, precision: 10 }) },
    { name: 'list', type: { type: 'array', items: optional('string') } },
    { name: 'map', type: { type: 'map', values: 'int' } },
    { name: 'real', type: 'float' },
    { name: 'wide', type: 'double' },
    { name: 'yes', type: 'boolean' },
    { name: 'kind', type: { type: 'enum', name: 'Kind', symbols: ['a', 'b'] } },
    { name: 'raw', type: { type: 'fixed', name: 'Raw', size: 2 } },
  ],
};
const SCHEMA = {
  type: 'record',
  name: 'Envelope',
  namespace: 'shop.orders',
  fields: [
    { name: 'before', type: optional(ROW) },
    { name: 'after', type: optional('Value') },
    { name: 'op', type: 'string' },
  ],
};
const type = exactType(SCHEMA);
const reader = new AvroReader(JSON.stringify(SCHEMA));

const row = fc.record({
  id: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  small: fc.integer(),
  text: fc.option(fc.string({ unit: 'grapheme' })),
  bytes: fc.option(fc.uint8Array().map((bytes) => Buffer.from(bytes))),
  list: fc.array(fc.option(fc.string())),
  map: fc.dictionary(fc.string(), fc.integer()),
  real: fc.float({ noNaN: true, noDefaultInfinity: true }),
  wide: fc.double({ noNaN: true, noDefaultInfinity: true }),
  yes: fc.boolean(),
  kind: fc.constantFrom('a', 'b'),
  raw: fc.uint8Array({ minLength: 2, maxLength: 2 }).map((bytes) => Buffer.from(bytes)),
});

describe('Avro as JSON', () => {
  it('has every value as it was written, 64-bit integers to the last digit', () => {
    fc.assert(
      fc.property(fc.option(row), row, (before, after) => {
        const bytes = type.toBuffer({ before, after, op: 'u' });
        const json = reader.json(Buffer.concat([Buffer.from([9]), bytes]), 1);
        const read = JSON.parse(json) as { before: unknown; after: Record<string, unknown>; op: string };
        expect(json).toContain(`"id":${after.id},`);
        const shown = {
          ...after,
          id: Number(after.id),
          bytes: after.bytes?.toString('base64') ?? null,
          raw: after.raw.toString('base64'),
          map: { ...after.map },
        };
        expect(
          isDeepStrictEqual({ ...read.after, real: Math.fround(read.after['real'] as number) }, shown),
        ).toBe(true);
        expect(read.before === null).toBe(before === null);
      }),
    );
  });

  it('writes a float in its own digits, and NaN and infinities as texts', () => {
    const one = (real: number, wide: number) => {
      const value = {
        id: 1n,
        small: 1,
        text: null,
        bytes: null,
        list: [],
        map: {},
        yes: true,
        kind: 'b',
        raw: Buffer.alloc(2),
      };
      return reader.json(type.toBuffer({ before: null, after: { ...value, real, wide }, op: 'c' }), 0);
    };
    expect(one(3.14, 3.14)).toContain('"real":3.14,"wide":3.14,"yes":true,"kind":"b","raw":"AAA="');
    expect(one(NaN, -Infinity)).toContain('"real":"NaN","wide":"-Infinity"');
  });

  it('damaged bytes are refused or read, but never hold a worker up: counts and lengths are checked first', () => {
    fc.assert(
      fc.property(
        row,
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 12 }),
        (after, damage) => {
          const bytes = type.toBuffer({ before: null, after, op: 'u' });
          for (const [at, byte] of damage) bytes[at % bytes.length] = byte;
          try {
            JSON.parse(reader.json(bytes, 0));
          } catch (error) {
            expect((error as Error).constructor).toBe(Error);
          }
        },
      ),
      { numRuns: 2000 },
    );
    // An array that claims 2^50 items.
    const claims = Buffer.from([0, 2, 2, 2, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f]);
    expect(() => reader.json(claims, 0)).toThrow('cut short');
  });

  it('a type that holds itself ends; names are found in their namespace', () => {
    const list = {
      type: 'record',
      name: 'a.List',
      fields: [
        { name: 'next', type: ['null', 'List'] },
        { name: 'n', type: 'int' },
      ],
    };
    const lists = new AvroReader(JSON.stringify(list));
    expect(lists.json(Buffer.from([2, 0, 2, 4]), 0)).toBe('{"next":{"next":null,"n":1},"n":2}');
    expect(() => lists.json(Buffer.alloc(5000, 2), 0)).toThrow('nested deeper');
  });

  it.each([
    [
      'a type of no such name',
      { type: 'record', name: 'r', fields: [{ name: 'a', type: 'Row' }] },
      'unknown type "Row"',
    ],
    ['a record without fields', { type: 'record', name: 'r' }, 'has no fields'],
    ['an enum without symbols', { type: 'enum', name: 'e' }, 'has no symbols'],
    ['a fixed without a size', { type: 'fixed', name: 'f', size: -1 }, 'has no size'],
    ['an array without items', { type: 'array' }, 'has no items'],
    ['null where a type is due', ['null', null], 'no schema: null'],
    ['a number', 7, 'no schema: 7'],
  ])('%s is refused before a record is read', (_what, schema, reason) => {
    expect(() => new AvroReader(JSON.stringify(schema))).toThrow(reason);
  });
});
