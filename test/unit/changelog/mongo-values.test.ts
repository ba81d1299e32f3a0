import { afterAll, describe, expect, it } from 'vitest';

import { cleanUp, land, landingTable } from './landing.js';

afterAll(cleanUp);

/** Hive type of a declared path, the value in canonical extended JSON, the text that must land (hex of bytes). */
const CASES: [type: string, value: unknown, text: string | null][] = [
  ['bigint', { $numberLong: '9223372036854775807' }, '9223372036854775807'],
  ['int', { $numberDouble: '5.0' }, '5'],
  ['double', { $numberDouble: '-Infinity' }, '-inf'],
  ['double', { $numberDouble: '0.30000000000000004' }, '0.30000000000000004'],
  [
    'decimal(38,20)',
    { $numberDecimal: '123456789012345678.12345678901234567890' },
    '123456789012345678.12345678901234567890',
  ],
  ['string', { $numberDecimal: '1.50E+10' }, '1.50E+10'],
  ['string', { $numberDecimal: 'NaN' }, 'NaN'],
  ['string', { $oid: '65e1800000000000000000a1' }, '65e1800000000000000000a1'],
  [
    'string',
    { $binary: { base64: 'AAECAwQFBgcICQoLDA0ODw==', subType: '04' } },
    '00010203-0405-0607-0809-0a0b0c0d0e0f',
  ],
  // The old UUID has no one order of bytes: it stays as it is.
  [
    'string',
    { $binary: { base64: 'AAECAwQFBgcICQoLDA0ODw==', subType: '03' } },
    '{"$binary":{"base64":"AAECAwQFBgcICQoLDA0ODw==","subType":"03"}}',
  ],
  ['binary', { $binary: { base64: 'AP8=', subType: '00' } }, '00FF'],
  ['binary', { $binary: { base64: '', subType: '00' } }, ''],
  ['binary', 'é', 'C3A9'],
  ['string', '{"$binary":{"base64":"@","subType":"04"}}', '{"$binary":{"base64":"@","subType":"04"}}'],
  ['timestamp', { $date: { $numberLong: '-62135596800000' } }, '0001-01-01 00:00:00'],
  ['timestamp', { $date: { $numberLong: '1709251200123' } }, '2024-03-01 00:00:00.123'],
  ['bigint', { $date: { $numberLong: '1709251200123' } }, '1709251200123'],
  ['timestamp', { $timestamp: { t: 1709251200, i: 7 } }, '2024-03-01 00:00:00'],
  ['string', { $timestamp: { t: 1709251200, i: 7 } }, '{"$timestamp":{"t":1709251200,"i":7}}'],
  ['string', { $minKey: 1 }, '{"$minKey":1}'],
  [
    'string',
    { $regularExpression: { pattern: 'a"b', options: 'im' } },
    '{"$regularExpression":{"pattern":"a\\"b","options":"im"}}',
  ],
  [
    'string',
    { $ref: 'c', $id: { $oid: '65e1800000000000000000a1' } },
    '{"$ref":"c","$id":"65e1800000000000000000a1"}',
  ],
  // Fields of a user's own that are only named like types.
  ['string', { $numberLong: '9999-99-99' }, '{"$numberLong":"9999-99-99"}'],
  ['string', { $numberInt: '1,2' }, '{"$numberInt":"1,2"}'],
  ['string', { $date: 'soon' }, '{"$date":"soon"}'],
  ['array<struct<a:bigint>>', [{ a: { $numberLong: '1' } }, { a: null }], "[{'a': 1}, {'a': NULL}]"],
  ['boolean', true, 'true'],
  ['string', 'a\u0000b', 'a\u0000b'],
  ['string', '', ''],
  ['string', null, null],
];

const entry = (o: object, op = 'i', o2: object | null = null) =>
  JSON.stringify({
    ts: { $timestamp: { t: 1709251200, i: 4 } },
    t: null,
    h: null,
    v: { $numberInt: '2' },
    op,
    ns: 'shop.item',
    o,
    o2,
  });

describe('MongoDB: declared paths', () => {
  const table = landingTable(
    [
      ['doc_id', 'string', 'doc_id'],
      ['doc', 'string', 'doc'],
      ...CASES.map(([type], i): [string, string, string] => [`v${i}`, type, `$.v${i}`]),
    ],
    {
      name: 'items',
      mode: 'mirror',
      format: 'mongoshake',
      match: { database: 'shop', table: 'item' },
      key: ['doc_id'],
      eventTime: { format: 'auto', zone: 'UTC', kafka: false },
    },
  );
  const document = { _id: 'x', ...Object.fromEntries(CASES.map(([, value], i) => [`v${i}`, value])) };

  it('show each type of BSON as docs/types.md says, and the document keeps what the columns cannot', async () => {
    const landed = await land([table], [{ value: entry(document) }]);
    expect(landed.result.quarantineReasons).toEqual({});
    const select = CASES.map(
      ([type], i) => `${type === 'binary' ? `hex(v${i})` : `v${i}::VARCHAR`} AS v${i}`,
    );
    const [row] = await landed.rows('items_changelog', `${select.join(', ')}, doc`);
    expect(CASES.map((_, i) => row![`v${i}`])).toEqual(CASES.map(([, , text]) => text));
    expect(row!['doc']).toBe(JSON.stringify(document));
  });

  it('a document of several megabytes, and one nested a hundred levels deep, are documents like others', async () => {
    const deep = Array.from({ length: 98 }).reduce<object>((inner) => ({ a: inner }), {});
    const long = 'é'.repeat(2_000_000);
    const landed = await land(
      [table],
      [{ value: entry({ _id: 'x', long }) }, { value: entry({ _id: 'y', deep }) }],
    );
    const rows = await landed.rows('items_changelog', 'doc_id, strlen(doc) AS size');
    expect(rows).toEqual([
      { doc_id: 'x', size: String(JSON.stringify({ _id: 'x', long: '' }).length + 4_000_000) },
      { doc_id: 'y', size: String(JSON.stringify({ _id: 'y', deep }).length) },
    ]);
  });
});
