import { createHash } from 'node:crypto';

import { afterAll, describe, expect, it } from 'vitest';

import { cleanUp, land, type Landed } from './landing.js';
import { orders } from './orders.js';

afterAll(cleanUp);

interface Column {
  type: string;
  /** JSON of the value. */
  json: string;
  /** Connect's type, name and parameters; undefined: the record has no schema. */
  connect?: [type: string, name?: string | undefined, parameters?: Record<string, string>];
  sourceType?: string;
}

/** A record with one column `v0`, `v1` ... for each; all of them have a schema or none. */
function record(columns: Column[], over: { connector?: string; op?: string; before?: string } = {}): string {
  const { connector = 'postgresql', op = 'c', before = 'null' } = over;
  const row = `{"id":1${columns.map(({ json }, i) => `,"v${i}":${json}`).join('')}}`;
  const payload =
    `{"before":${before},"after":${row},"source":{"version":"2.7.0.Final","connector":"${connector}","ts_ms":1709251200000,` +
    `"ts_ns":1709251200000000000,"db":"shop","schema":"public","table":"orders","lsn":7},"op":"${op}","ts_ms":1709251200450}`;
  if (!columns[0]?.connect) return payload;
  const fields = columns.map(({ connect }, i) => {
    const [type, name, parameters] = connect!;
    return { field: `v${i}`, type, optional: true, ...(name && { name }), ...(parameters && { parameters }) };
  });
  const after = { field: 'after', type: 'struct', fields: [{ field: 'id', type: 'int64' }, ...fields] };
  return `{"schema":{"type":"struct","fields":[${JSON.stringify(after)}]},"payload":${payload}}`;
}

function table(columns: Column[], options: Record<string, string> = {}) {
  const found = orders({ format: 'debezium', formatOptions: options }, [
    ['id', 'bigint'],
    ...columns.map(({ type }, i): [string, string] => [`v${i}`, type]),
  ]);
  columns.forEach(({ sourceType }, i) => {
    if (sourceType !== undefined) found.columns[i + 1]!.sourceType = sourceType;
  });
  return found;
}

/** Texts of the columns of each row. */
async function texts(landed: Landed, columns: Column[]): Promise<unknown[][]> {
  const list = columns.map(({ type }, i) => (type === 'binary' ? `hex(v${i})` : `v${i}::VARCHAR`));
  const rows = await landed.rows('orders_changelog', list.map((sql, i) => `${sql} AS v${i}`).join(', '));
  return rows.map((row) => columns.map((_, i) => row[`v${i}`]));
}

const decimalOf = (scale: string): Column['connect'] => [
  'bytes',
  'org.apache.kafka.connect.data.Decimal',
  { scale },
];

describe('debezium: values by the schema in the record', () => {
  const cases: [Column, string | null][] = [
    // decimal.format=NUMERIC of Connect's converter: DuckDB alone would round it.
    [
      {
        type: 'decimal(38,20)',
        json: '123456789012345678.12345678901234567890',
        connect: decimalOf('20'),
      },
      '123456789012345678.12345678901234567890',
    ],
    [
      { type: 'string', json: '-0.10000000000000000001', connect: decimalOf('20') },
      '-0.10000000000000000001',
    ],
    // 65 digits, more than Hive's decimal and DuckDB's numbers hold.
    [
      {
        type: 'string',
        json: '"/wzp2OOAPG91dBC5sca6EIXayfYAAAAAAAAAAQ=="',
        connect: decimalOf('30'),
      },
      `-${'9'.repeat(35)}.${'9'.repeat(30)}`,
    ],
    [{ type: 'decimal(10,2)', json: '"/w=="', connect: decimalOf('2') }, '-0.01'],
    // PostgreSQL's NUMERIC without a precision.
    [
      {
        type: 'string',
        json: '{"scale":3,"value":"MDk="}',
        connect: ['struct', 'io.debezium.data.VariableScaleDecimal'],
      },
      '12.345',
    ],
    [
      {
        type: 'timestamp',
        json: '1709251200123456789',
        connect: ['int64', 'io.debezium.time.NanoTimestamp'],
      },
      '2024-03-01 00:00:00.123456',
    ],
    [
      { type: 'timestamp', json: '-1', connect: ['int64', 'io.debezium.time.MicroTimestamp'] },
      '1969-12-31 23:59:59.999999',
    ],
    [
      {
        type: 'timestamp',
        json: '"2024-03-01T08:00:00.123456+08:00"',
        connect: ['string', 'io.debezium.time.ZonedTimestamp'],
      },
      '2024-03-01 00:00:00.123456',
    ],
    [{ type: 'date', json: '-719162', connect: ['int32', 'io.debezium.time.Date'] }, '0001-01-01'],
    [
      {
        type: 'string',
        json: '-3020399999999',
        connect: ['int64', 'io.debezium.time.MicroTime'],
        sourceType: 'time(6)',
      },
      '-838:59:59.999999',
    ],
    [
      { type: 'string', json: '"P1Y2M3DT4H5M6.78S"', connect: ['string', 'io.debezium.time.Interval'] },
      'P1Y2M3DT4H5M6.78S',
    ],
    [
      { type: 'bigint', json: '-9007199254740993', connect: ['int64', 'io.debezium.time.MicroDuration'] },
      '-9007199254740993',
    ],
    [
      {
        type: 'decimal(20,0)',
        json: '"//////////8="',
        connect: ['bytes', 'io.debezium.data.Bits', { length: '64' }],
      },
      '18446744073709551615',
    ],
    // PostgreSQL's bits may be longer than any number; they keep their zeros.
    [
      {
        type: 'string',
        json: '"AQAAAAAAAAAE"',
        connect: ['bytes', 'io.debezium.data.Bits', { length: '70' }],
      },
      `0001${'0'.repeat(65)}1`,
    ],
    [{ type: 'bigint', json: 'true', connect: ['boolean', 'io.debezium.data.Bits'] }, '1'],
    [
      {
        type: 'string',
        json: '{"wkb":"AQ==","srid":4326}',
        connect: ['struct', 'io.debezium.data.geometry.Geometry'],
      },
      '{"wkb":"AQ==","srid":4326}',
    ],
    // Told by column.propagate.source.type: the default `long` mode wraps what is above 2^63 - 1.
    [
      {
        type: 'decimal(20,0)',
        json: '-1',
        connect: ['int64', undefined, { '__debezium.source.column.type': 'BIGINT UNSIGNED' }],
      },
      '18446744073709551615',
    ],
    [{ type: 'string', json: '["a",null]', connect: ['array'] }, '["a",null]'],
    [{ type: 'array<string>', json: '["a",null]', connect: ['array'] }, '[a, NULL]'],
    [
      { type: 'array<decimal(38,20)>', json: '[1.12345678901234567890]', connect: ['array'] },
      '[1.12345678901234567890]',
    ],
    [{ type: 'map<string,string>', json: '{"a":"1","b":null}', connect: ['map'] }, '{a=1, b=NULL}'],
    [
      {
        type: 'string',
        json: '"{\\"n\\":12345678901234567.5}"',
        connect: ['string', 'io.debezium.data.Json'],
      },
      '{"n":12345678901234567.5}',
    ],
    [{ type: 'string', json: '"<a b=\\"c\\"/>"', connect: ['string', 'io.debezium.data.Xml'] }, '<a b="c"/>'],
    [{ type: 'double', json: '1.7976931348623157E308', connect: ['double'] }, '1.7976931348623157e+308'],
    [{ type: 'double', json: '"NaN"', connect: ['double'] }, 'nan'],
    [{ type: 'string', json: '""', connect: ['string'] }, ''],
    [{ type: 'string', json: '"\\u0001a\\u0000b"', connect: ['string'] }, '\u0001a\u0000b'],
    [{ type: 'binary', json: '""', connect: ['bytes'] }, ''],
    [{ type: 'binary', json: '"+/8="', connect: ['bytes'] }, 'FBFF'],
    // binary.handling.mode=base64-url-safe.
    [{ type: 'binary', json: '"-_8="', connect: ['string'] }, 'FBFF'],
    [{ type: 'string', json: 'null', connect: ['string'] }, null],
  ];

  it('each kind of value lands as the source has it, to the last digit', async () => {
    const columns = cases.map(([column]) => column);
    const landed = await land([table(columns)], [{ value: record(columns) }]);
    expect(landed.result.quarantineReasons).toEqual({});
    expect((await texts(landed, columns))[0]).toEqual(cases.map(([, text]) => text));
  });

  it('a value that cannot be read is quarantined by itself: it is not NULL and does not stop the others', async () => {
    const bad: Column[] = [
      { type: 'decimal(10,2)', json: '"###"', connect: decimalOf('2') },
      // PostgreSQL's infinite days and times are no times of Hive's.
      { type: 'date', json: '2147483647', connect: ['int32', 'io.debezium.time.Date'] },
      {
        type: 'timestamp',
        json: '9223372036825200000',
        connect: ['int64', 'io.debezium.time.MicroTimestamp'],
      },
      {
        type: 'timestamp',
        json: '-9223372036832400000',
        connect: ['int64', 'io.debezium.time.MicroTimestamp'],
      },
      { type: 'timestamp', json: '9223372036854775807', connect: ['int64', 'io.debezium.time.Timestamp'] },
      {
        type: 'decimal(20,0)',
        json: '"//////////////8="',
        connect: ['bytes', 'io.debezium.data.Bits', { length: '64' }],
      },
    ];
    const plain = bad.map((column) => ({ ...column, json: 'null' }));
    const records = bad.map((column, i) => ({
      value: record(plain.map((other, j) => (i === j ? column : other))),
    }));
    const landed = await land([table(bad)], [...records, { value: record(plain) }]);
    expect(await landed.reasons()).toEqual(bad.map((_, i) => `${i}: value_does_not_fit`));
    expect(await texts(landed, bad)).toEqual([bad.map(() => null)]);
  });

  it('columns that are learnt from the schema have types that hold every value', async () => {
    const columns: Column[] = [
      { type: '', json: '"MDk="', connect: decimalOf('2') },
      { type: '', json: 'null', connect: ['struct', 'io.debezium.data.VariableScaleDecimal'] },
      { type: '', json: '"AQ=="', connect: ['bytes', 'io.debezium.data.Bits', { length: '7' }] },
      { type: '', json: '"AQ=="', connect: ['bytes', 'io.debezium.data.Bits', { length: '100' }] },
      { type: '', json: '1', connect: ['int64', 'io.debezium.time.MicroTimestamp'] },
      { type: '', json: '1', connect: ['int64', 'io.debezium.time.MicroTime'] },
      { type: '', json: '1', connect: ['int64', 'io.debezium.time.MicroDuration'] },
      { type: '', json: '[1]', connect: ['array'] },
      { type: '', json: '{}', connect: ['map'] },
      { type: '', json: '""', connect: ['string', 'io.debezium.data.Uuid'] },
      { type: '', json: '1.5', connect: ['float'] },
      { type: '', json: 'true', connect: ['boolean'] },
      { type: '', json: '2024', connect: ['int32', 'io.debezium.time.Year'] },
      {
        type: '',
        json: '-1',
        connect: ['int64', undefined, { '__debezium.source.column.type': 'BIGINT UNSIGNED' }],
      },
      { type: '', json: '1', connect: ['int64', undefined, { '__debezium.source.column.type': 'INT8' }] },
    ];
    const landed = await land(
      [orders({ format: 'debezium' }, [['id', 'bigint']])],
      [{ value: record(columns) }],
    );
    const learnt = landed.result.newColumns['orders']!;
    expect(columns.map((_, i) => learnt[`v${i}`])).toEqual([
      'string',
      'string',
      'bigint',
      'string',
      'timestamp',
      'string',
      'bigint',
      'string',
      'string',
      'string',
      'float',
      'tinyint',
      'int',
      'decimal(20,0)',
      'bigint',
    ]);
  });
});

describe('debezium: values without a schema', () => {
  it('are read by the types that are known', async () => {
    const cases: [Column, string | null][] = [
      [
        { type: 'decimal(38,20)', json: '123456789012345678.12345678901234567890' },
        '123456789012345678.12345678901234567890',
      ],
      [{ type: 'decimal(10,2)', json: '{"scale":2,"value":"MDk="}' }, '123.45'],
      [{ type: 'decimal(10,2)', json: '"MDk="' }, '123.45'],
      [{ type: 'decimal(10,2)', json: '1.25E1' }, '12.50'],
      [{ type: 'decimal(20,0)', json: '-1', sourceType: 'bigint unsigned' }, '18446744073709551615'],
      [
        { type: 'decimal(20,0)', json: '"AP//////////"', sourceType: 'bigint unsigned' },
        '18446744073709551615',
      ],
      [{ type: 'timestamp', json: '1709251200123', sourceType: 'datetime(3)' }, '2024-03-01 00:00:00.123'],
      [
        { type: 'timestamp', json: '1709251200123456', sourceType: 'datetime(6)' },
        '2024-03-01 00:00:00.123456',
      ],
      [{ type: 'date', json: '19783', sourceType: 'date' }, '2024-03-01'],
      [{ type: 'string', json: '-45000500000', sourceType: 'time(3)' }, '-12:30:00.500'],
      [{ type: 'bigint', json: '"BQ=="', sourceType: 'bit(3)' }, '5'],
      [{ type: 'string', json: '1.10' }, '1.1'],
    ];
    const columns = cases.map(([column]) => column);
    const landed = await land([table(columns)], [{ value: record(columns, { connector: 'mysql' }) }]);
    expect(landed.result.quarantineReasons).toEqual({});
    expect((await texts(landed, columns))[0]).toEqual(cases.map(([, text]) => text));
  });

  it('cdc_before keeps the digits of the log, in a table that knows nothing of them', async () => {
    const before = '{"id":1,"v0":0.12345678901234567890}';
    const landed = await land(
      [table([])],
      [{ value: record([{ type: '', json: '2' }], { op: 'u', before }) }],
    );
    expect(await landed.rows('orders_changelog', 'cdc_before')).toEqual([{ cdc_before: before }]);
  });
});

describe('debezium: values that PostgreSQL did not log', () => {
  const placeholder = '__debezium_unavailable_value';
  const uuid = createHash('md5').update(placeholder).digest();
  uuid[6] = (uuid[6]! & 0x0f) | 0x30;
  uuid[8] = (uuid[8]! & 0x3f) | 0x80;
  const hex = uuid.toString('hex');
  it.each([
    ['text', JSON.stringify(placeholder)],
    ['bytes', JSON.stringify(Buffer.from(placeholder).toString('base64'))],
    ['bytes as hex', JSON.stringify(Buffer.from(placeholder).toString('hex'))],
    ['an array of texts', JSON.stringify([placeholder])],
    ['an array of numbers', JSON.stringify([...Buffer.from(placeholder)])],
    ['hstore', JSON.stringify({ [placeholder]: placeholder })],
    ['an array of UUIDs', JSON.stringify([hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')])],
  ])('%s: the row never lands as if it had that value', async (_, json) => {
    const columns: Column[] = [{ type: 'string', json }];
    const landed = await land([table(columns)], [{ value: record(columns, { op: 'u' }) }]);
    expect(await landed.reasons()).toEqual(['0: partial_row']);
  });

  it('MySQL logs whole rows: there the same text is a text', async () => {
    const columns: Column[] = [{ type: 'string', json: JSON.stringify(placeholder) }];
    const landed = await land([table(columns)], [{ value: record(columns, { connector: 'mysql' }) }]);
    expect(await texts(landed, columns)).toEqual([[placeholder]]);
  });
});

describe('debezium: records that are no changes', () => {
  it('clocks, markers and schema changes without a statement mean nothing; statements and truncations are logged', async () => {
    const source = '"source":{"connector":"sqlserver","db":"shop","schema":"dbo","table":"orders","ts_ms":1}';
    const landed = await land(
      [orders({ format: 'debezium' })],
      [
        { value: '{"ts_ms":1709251200450,"ts_us":1709251200450000,"ts_ns":1709251200450000000}' },
        { value: '{"schema":{"type":"struct"},"payload":{"ts_ms":1709251200450}}' },
        {
          value: `{${source},"ts_ms":1,"databaseName":"shop","ddl":null,"tableChanges":[{"type":"CREATE"}]}`,
        },
        { value: `{${source},"ts_ms":1,"op":"m","message":{"prefix":"a","content":"aGk="}}` },
        { value: `{${source},"ts_ms":1,"databaseName":"shop","ddl":"drop table orders","tableChanges":[]}` },
        { value: `{${source},"ts_ms":1,"op":"t","before":null,"after":null}` },
        { value: '{}' },
      ],
    );
    expect(landed.result.schemaEvents.map(({ kind, sql }) => [kind, sql])).toEqual([
      ['DDL', 'drop table orders'],
      ['TRUNCATE', ''],
    ]);
    expect(landed.result.withoutRows).toBe(6);
    expect(await landed.reasons()).toEqual(['6: not_a_change']);
  });
});
