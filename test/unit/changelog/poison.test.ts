import { afterAll, describe, expect, it } from 'vitest';

import type { FormatName } from '../../../config/spec.js';
import { fixture } from './fixtures.js';
import { goldenTables } from './golden.js';
import { cleanUp, land, landingTable } from './landing.js';
import { change, orders } from './orders.js';

afterAll(cleanUp);

/* A record that stops a split stops its topic for ever: whatever a record holds, it must land, be quarantined or mean nothing. */

type Json = Record<string, unknown>;

/** Values that no encoder should write where they are put. */
const EVIL: unknown[] = [
  ...[
    '',
    ' ',
    '-',
    '.',
    '1.',
    '.5',
    '+5',
    '1_000',
    '0x10',
    '1e400',
    '-1e400',
    '9'.repeat(44),
    '-9223372036854775809',
  ],
  ...[
    'NaN',
    'infinity',
    '9999-99-99',
    '0000-00-00',
    '2024-02-30 25:61:61',
    '10000-01-01',
    '2024-03-01 00:00:00+99:99',
  ],
  ...[
    'AA',
    'AAAA',
    '====',
    '/'.repeat(40),
    'hex:zz',
    '\u0000',
    '\u00ff',
    '订',
    "'",
    '"',
    '\\',
    '$',
    '838:59:59',
  ],
  ...[[], {}, [1], { a: 1 }, true, false, null, 0, -1, 1.5, 1e308, 1e-320, 1e17, 1e18, 1e19],
  ...[Number.MAX_SAFE_INTEGER, -(2 ** 63), 2 ** 63],
  ...[2147483647, -2147483648].map((scale) => ({ scale, value: 'AQ==' })),
];

/** The record with each member, schemas aside, replaced by each value and left out. */
function poisoned(text: string): string[] {
  const found: string[] = [];
  const record = JSON.parse(text) as Json;
  const walk = (object: unknown): void => {
    if (typeof object !== 'object' || object === null) return;
    const parent = object as Json;
    for (const [name, member] of Object.entries(parent)) {
      for (const evil of [...EVIL, undefined]) {
        parent[name] = evil;
        found.push(JSON.stringify(record));
      }
      parent[name] = member;
      if (name !== 'schema') walk(member);
    }
  };
  walk(record);
  return found;
}

describe.each([
  ['debezium', 'debezium', 'types_num__schema'],
  ['debezium', 'debezium', 'types_time'],
  ['debezium', 'debezium', 'types_enum_set_bit'],
  ['maxwell', 'maxwell', 'multi_row__positions'],
  ['maxwell', 'maxwell', 'types_enum_set_bit'],
  ['canal-json', 'canal-json', 'types_num'],
  ['ticdc-canal-json', 'canal-json', 'types_time'],
] as [string, FormatName, string][])('%s', (directory, format, name) => {
  it(`${name} with anything anywhere: every record has one place`, async () => {
    const golden = fixture(directory, name);
    const texts = golden.records.flatMap(({ value }) => (value === null ? [] : [value.toString()]));
    const update = texts.find((text) => /"(op|type)":"(u|update|UPDATE)"/.test(text)) ?? texts.at(-1)!;
    const records = [...texts, ...poisoned(update)].map((value) => ({ value }));
    const formatOptions: Record<string, string> = format === 'canal-json' ? { zone: 'Asia/Shanghai' } : {};
    const tables = goldenTables(golden, format, { formatOptions });
    const { result, rows } = await land(tables, records);
    const landed = await Promise.all(
      tables.map(({ spec }) => rows(`${spec.name}_changelog`, 'kafka_offset::VARCHAR AS o')),
    );
    const distinct = landed.map((list) => new Set(list.map(({ o }) => o)).size).reduce((a, b) => a + b, 0);
    expect(distinct + result.quarantined + result.unmatched + result.withoutRows).toBe(records.length);
    expect(distinct).toBeGreaterThan(0);
  });
});

describe.each([['mongoshake-json-ext', 'mongoshake', 'types_insert']] as [string, FormatName, string][])(
  '%s',
  (directory, format, name) => {
    it(`${name} with anything anywhere: every record has one place`, async () => {
      const texts = fixture(directory, name).records.map(({ value }) => value!.toString());
      const records = [...texts, ...poisoned(texts[0]!)].map((value) => ({ value }));
      const paths = ['string', 'timestamp', 'binary', 'array<string>'];
      const members = ['i64', 'dt', 'dec', 'bin', 'ts', 'arr', 'qty', '_id'];
      const columns = members.flatMap((member) =>
        paths.map((type, i): [string, string, string] => [`${member}_${i}`, type, `$.${member}`]),
      );
      // A misfit column would hide the others' faults, so each type has a table of its own.
      for (const type of paths) {
        const own = columns.filter(([, column]) => column === type);
        const table = landingTable([['doc_id', 'string', 'doc_id'], ['doc', 'string', 'doc'], ...own], {
          name: 'items',
          mode: 'mirror',
          format,
          key: ['doc_id'],
          eventTime: { format: 'auto', zone: 'UTC', kafka: false },
        });
        const { result, rows } = await land([table], records);
        const landed = new Set(
          (await rows('items_changelog', 'kafka_offset::VARCHAR AS o')).map(({ o }) => o),
        );
        expect(landed.size + result.quarantined + result.unmatched + result.withoutRows).toBe(records.length);
      }
    });
  },
);

describe('an update that changes the key', () => {
  it('is quarantined whole if only its new half does not fit: a replay must find nothing landed', async () => {
    const moved = change('UPDATE', [{ id: '2', amt: 'much' }], { old: [{ id: '1', amt: '1.00' }] });
    const landed = await land(
      [orders()],
      [{ value: moved }, { value: change('INSERT', [{ id: '3', amt: '1' }]) }],
    );
    expect(await landed.reasons()).toEqual(['0: value_does_not_fit']);
    expect(await landed.rows('orders_changelog', 'id')).toEqual([{ id: '3' }]);
  });
});
