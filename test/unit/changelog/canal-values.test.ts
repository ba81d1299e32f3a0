import { afterAll, describe, expect, it } from 'vitest';

import { binlog, cell, column, mutation, row, tableMessage } from '../decoders/drainer-bytes.js';
import { cleanUp, land } from './landing.js';
import { change, orders } from './orders.js';

afterAll(cleanUp);

const bytes = (...values: number[]) => Buffer.from(values).toString('latin1');
const all256 = Array.from({ length: 256 }, (_, i) => i);
const members64 = Array.from({ length: 64 }, (_, i) => `m${i}`);

/** Hive type, type in the log, the value, the text (hex of bytes) that must land, the source type where it is known. */
const CASES: [hive: string, logged: string, value: string | null, text: string | null, source?: string][] = [
  ['binary', 'varbinary', bytes(...all256), Buffer.from(all256).toString('hex').toUpperCase()],
  // Bytes that are UTF-8 by accident.
  ['binary', 'blob', bytes(0xc3, 0xa9), 'C3A9'],
  ['binary', 'blob', '', ''],
  ['binary', 'blob', bytes(0), '00'],
  ['binary', 'binary(4)', bytes(0xff), 'FF000000'],
  ['binary', 'blob', null, null],
  ['binary', 'varchar', 'é', 'C3A9'],
  ['string', 'enum', '0', '', "enum('a','b')"],
  ['string', 'enum', '2', 'b', "enum('a','b')"],
  ['string', 'enum', 'a', 'a', "enum('a','b')"],
  ['string', 'enum', '2', '2'],
  ['string', 'set', '0', '', "set('a','b')"],
  ['string', 'set', '18446744073709551615', members64.join(','), `set('${members64.join("','")}')`],
  ['decimal(20,0)', 'bit', '18446744073709551615', '18446744073709551615'],
  ['decimal(20,0)', 'bigint unsigned', '18446744073709551615', '18446744073709551615'],
  [
    'string',
    'decimal(65,30)',
    `-${'9'.repeat(35)}.${'9'.repeat(30)}`,
    `-${'9'.repeat(35)}.${'9'.repeat(30)}`,
  ],
  ['int', 'year', '0000', '0'],
  ['string', 'time(6)', '-838:59:59.999999', '-838:59:59.999999'],
  ['timestamp', 'timestamp(6)', '0000-00-00 00:00:00.000000', null],
  ['timestamp', 'datetime(6)', '9999-12-31 23:59:59.999999', '9999-12-31 23:59:59.999999'],
  ['date', 'date', '2024-00-10', null],
  ['string', 'date', '2024-00-10', '2024-00-10'],
  ['float', 'float', '1.6777216E7', '16777216.0'],
  ['decimal(10,2)', 'decimal(10,2)', '1.0', '1.00'],
  ['string', 'json', '{"a": 12345678901234567890.123}', '{"a": 12345678901234567890.123}'],
  ['string', 'varchar', 'a\u0000b\u{1f600}', 'a\u0000b\u{1f600}'],
  ['string', 'varchar', '', ''],
];

describe('canal-json: values', () => {
  it('land as the source has them, to the last byte and digit', async () => {
    const table = orders({}, [
      ['id', 'bigint'],
      ...CASES.map(([hive], i): [string, string] => [`v${i}`, hive]),
    ]);
    CASES.forEach(([, , , , source], i) => {
      if (source !== undefined) table.columns[i + 1]!.sourceType = source;
    });
    const data = { id: '1', ...Object.fromEntries(CASES.map(([, , value], i) => [`v${i}`, value])) };
    const mysqlType = {
      id: 'bigint',
      ...Object.fromEntries(CASES.map(([, logged], i) => [`v${i}`, logged])),
    };
    const landed = await land([table], [{ value: change('INSERT', [data], { mysqlType }) }]);
    expect(landed.result.quarantineReasons).toEqual({});
    const select = CASES.map(
      ([hive], i) => `${hive === 'binary' ? `hex(v${i})` : `v${i}::VARCHAR`} AS v${i}`,
    );
    const [seen] = await landed.rows('orders_changelog', select.join(', '));
    expect(CASES.map((_, i) => seen![`v${i}`])).toEqual(CASES.map(([, , , text]) => text));
  });

  it('an ENUM number that the known type does not have is quarantined: another name would be a lie', async () => {
    const table = orders({}, [
      ['id', 'bigint'],
      ['v', 'string'],
    ]);
    table.columns[1]!.sourceType = "enum('a','b')";
    const landed = await land(
      [table],
      ['3', '18446744073709551615', '1'].map((v, i) => ({ value: change('INSERT', [{ id: String(i), v }]) })),
    );
    expect(await landed.reasons()).toEqual(['0: value_does_not_fit', '1: value_does_not_fit']);
    expect(await landed.rows('orders_changelog', 'v')).toEqual([{ v: 'a' }]);
  });

  it('names of ENUM and SET members come from the log where it tells them, also after an ALTER', async () => {
    const columns: [string, string, string?][] = [
      ['id', 'bigint'],
      ['e', 'string'],
      ['s', 'string'],
      ['n', 'int', 'm'],
    ];
    const value = (id: string, members: string, e: string) =>
      change('INSERT', [{ id, e, s: '3', m: '2' }], {
        mysqlType: { id: 'bigint', e: `enum(${members})`, s: "set('x','O''K')", m: `enum(${members})` },
      });
    const [old, altered] = ["'a','b'", "'a','new','b'"];
    const stale = orders({}, columns);
    stale.columns[1]!.sourceType = `enum(${old})`;
    const plain = change('INSERT', [{ id: '9', e: '2', s: '3', m: '2' }]);
    const records = [
      value('1', old, '2'),
      value('2', altered, '2'),
      value('3', altered, '3'),
      value('4', old, '0'),
      plain,
    ];
    const want = [
      { e: 'b', s: "x,O'K", n: 2 },
      { e: 'new', s: "x,O'K", n: 2 },
      { e: 'b', s: "x,O'K", n: 2 },
      { e: '', s: "x,O'K", n: 2 },
    ];
    const see = async (table: typeof stale, values: string[]) =>
      (
        await land(
          [table],
          values.map((text) => ({ value: text })),
        )
      ).rows('orders_changelog', 'e, s, n');
    expect(await see(orders({}, columns), records)).toEqual([...want, { e: '2', s: '3', n: 2 }]);
    expect(await see(stale, records)).toEqual([...want, { e: 'b', s: '3', n: 2 }]);
    // All alike: the one-pass way.
    expect(await see(orders({}, columns), [value('1', old, '2'), value('2', old, '1')])).toEqual([
      want[0],
      { ...want[0], e: 'a' },
    ]);
  });

  it('commitTs keeps its logical part, which a double would round', async () => {
    const at = (ts: string, id: string) => change('INSERT', [{ id, amt: '1' }]).replace('448069946', ts);
    const landed = await land(
      [orders()],
      [{ value: at('448069946605043719', '1') }, { value: at('448069946605043720', '2') }],
    );
    expect((await landed.rows('orders_changelog', 'cdc_ts')).map((seen) => seen['cdc_ts'])).toEqual([
      '448069946605043719',
      '448069946605043720',
    ]);
  });

  it("the row number that Aliyun's RDS adds to tables without a key is a column like others", async () => {
    const landed = await land(
      [orders()],
      [{ value: change('INSERT', [{ id: '1', '__#alibaba_rds_row_id#__': '77' }]) }],
    );
    expect(landed.result.newColumns['orders']).toEqual({ '__#alibaba_rds_row_id#__': 'string' });
  });

  it('an update that TiCDC was told not to split, with the old key alone in `old`, still deletes the old key', async () => {
    const landed = await land(
      [orders()],
      [{ value: change('UPDATE', [{ id: '2', amt: '5' }], { old: [{ id: '1' }] }) }],
    );
    const rows = await landed.rows('orders_changelog', 'cdc_op, id, cdc_ts, cdc_seq');
    expect(rows.map((seen) => [seen['cdc_op'], seen['id'], seen['cdc_seq']])).toEqual([
      ['d', '1', '1'],
      ['i', '2', '3'],
    ]);
  });
});

describe('decoded values in binary columns', () => {
  it('text that only looks like the decoders own notation is text', async () => {
    const table = orders({ format: 'drainer', match: { database: 'shop', table: 'orders' } }, [
      ['id', 'bigint'],
      ['v', 'binary'],
    ]);
    const value = (type: string, content: Buffer) =>
      binlog([
        tableMessage(
          'shop',
          'orders',
          [column('id', 'bigint', true), column('v', type)],
          [mutation(0, row([cell.int(7), content]))],
        ),
      ]);
    const landed = await land(
      [table],
      [
        { value: value('varchar', cell.text('hex:zz')) },
        { value: value('varbinary', cell.bytes(Buffer.from([0, 0xff]))) },
      ],
    );
    expect(await landed.rows('orders_changelog', 'hex(v) AS v')).toEqual([
      { v: '6865783A7A7A' },
      { v: '00FF' },
    ]);
  });
});
