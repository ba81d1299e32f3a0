import { afterAll, describe, expect, it } from 'vitest';

import { cleanUp, land, landingTable } from './landing.js';

afterAll(cleanUp);

/** Values of one column, by what JSON the log has for it: text of the value, null, or the quarantine's reason. */
async function column(type: string, values: string[], zone = 'UTC'): Promise<(string | null)[]> {
  const table = landingTable([['v', type]], { timezone: zone });
  const landed = await land(
    [table],
    values.map((value) => ({ value: `{"v":${value}}` })),
  );
  const rows = await landed.rows('stat_click', 'kafka_offset, v::VARCHAR AS v');
  const bad = await landed.rows('stat_click_quarantine', 'kafka_offset, kafka_partition, reason');
  return values.map((_, i) => {
    const row = rows.find((r) => r['kafka_offset'] === String(i));
    if (row) return row['v'] as string | null;
    return String(bad.find((r) => r['kafka_offset'] === String(i))?.['reason']);
  });
}

const misfit = 'value_does_not_fit';

describe('json: what fits a column', () => {
  it('integers are exact, and a fraction or an overflow is quarantined, not rounded or wrapped', async () => {
    const values = [
      '1',
      '"123"',
      '-9223372036854775808',
      '9223372036854775807',
      '1.0',
      '1e3',
      'null',
      '0',
      '-0',
    ];
    expect(await column('bigint', values)).toEqual([
      '1',
      '123',
      '-9223372036854775808',
      '9223372036854775807',
      '1',
      '1000',
      null,
      '0',
      '0',
    ]);
    const bad = [
      '1.5',
      '"abc"',
      '9223372036854775808',
      '""',
      '"0x10"',
      '"1_000"',
      '" 1"',
      'true',
      '{}',
      '[1]',
      '"1e-1"',
    ];
    expect(await column('bigint', bad)).toEqual(bad.map(() => misfit));
    expect(await column('tinyint', ['127', '128', '-129'])).toEqual(['127', misfit, misfit]);
    expect(await column('smallint', ['32767', '32768'])).toEqual(['32767', misfit]);
    expect(await column('int', ['2147483647', '2147483648'])).toEqual(['2147483647', misfit]);
  });

  it('a 64-bit unsigned id survives in a string column with all its digits', async () => {
    expect(
      await column('string', [
        '18446744073709551615',
        '"18446744073709551615"',
        '123456789012345678901234567890',
      ]),
    ).toEqual(['18446744073709551615', '18446744073709551615', '123456789012345678901234567890']);
  });

  it('decimals are exact or quarantined: money is never rounded', async () => {
    expect(
      await column('decimal(10,2)', [
        '1.5',
        '"1.50"',
        '12',
        '1.500',
        '"-0.01"',
        '99999999.99',
        '1e2',
        '"1e-2"',
        '0',
      ]),
    ).toEqual(['1.50', '1.50', '12.00', '1.50', '-0.01', '99999999.99', '100.00', '0.01', '0.00']);
    const bad = ['1.005', '100000000', '"abc"', '""', '"."', '"1e-3"', '"NaN"'];
    expect(await column('decimal(10,2)', bad)).toEqual(bad.map(() => misfit));
    expect(
      await column('decimal(38,18)', [
        '"12345678901234567890.123456789012345678"',
        '"1"',
        '"0.000000000000000001"',
      ]),
    ).toEqual(['12345678901234567890.123456789012345678', '1.000000000000000000', '0.000000000000000001']);
    expect(await column('decimal(20,0)', ['18446744073709551615', '"18446744073709551615"'])).toEqual([
      '18446744073709551615',
      '18446744073709551615',
    ]);
  });

  it('a decimal written as a JSON number keeps every digit, also those that a double loses', async () => {
    expect(
      await column('decimal(38,18)', [
        '0.123456789012345678',
        '12345678901234567890.1',
        '-1.000000000000000001',
        '1e-18',
        '2.5',
      ]),
    ).toEqual([
      '0.123456789012345678',
      '12345678901234567890.100000000000000000',
      '-1.000000000000000001',
      '0.000000000000000001',
      '2.500000000000000000',
    ]);
    expect(
      await column('decimal(18,2)', ['9007199254740993.25', '1234567890123456.78', '0.1', '1.005']),
    ).toEqual(['9007199254740993.25', '1234567890123456.78', '0.10', misfit]);
    expect(await column('array<decimal(30,12)>', ['[123456789012345678.123456789012]'])).toEqual([
      '[123456789012345678.123456789012]',
    ]);
  });

  it('booleans are true, false, 1, 0 and their texts', async () => {
    expect(
      await column('boolean', ['true', 'false', '"true"', '"FALSE"', '1', '0', 'null', '"yes"', '2']),
    ).toEqual(['true', 'false', 'true', 'false', 'true', 'false', null, misfit, misfit]);
  });

  it('floating point takes what IEEE 754 can hold and refuses words', async () => {
    expect(await column('double', ['1.5', '"2"', '1e300', '"-.5"', '"5."'])).toEqual([
      '1.5',
      '2.0',
      '1e+300',
      '-0.5',
      '5.0',
    ]);
    expect(await column('double', ['"abc"', '"1e999"', 'true', '" 1"', '""'])).toEqual([
      misfit,
      misfit,
      misfit,
      misfit,
      misfit,
    ]);
    expect(await column('float', ['1e39'])).toEqual([misfit]);
  });

  it('objects and arrays in a string column stay JSON text', async () => {
    expect(await column('string', ['{"a":[1,"x"]}', '[1,2]', 'true', '""', 'null'])).toEqual([
      '{"a":[1,"x"]}',
      '[1,2]',
      'true',
      '',
      null,
    ]);
  });

  it('timestamps with an offset move to the table zone, without one they stay as written', async () => {
    const values = [
      '"2024-03-01T00:00:00Z"',
      '"2024-03-01T00:00:00.123456+01:00"',
      '"2024-03-01 00:00:00"',
      '"2024-03-01T08:30"',
      '"2024-03-01"',
      '1709251200',
      '1709251200123',
      '1709251200123456',
      '1709251200123456789',
      '1709251200.5',
    ];
    expect(await column('timestamp', values, 'Asia/Shanghai')).toEqual([
      '2024-03-01 08:00:00',
      '2024-03-01 07:00:00.123456',
      '2024-03-01 00:00:00',
      '2024-03-01 08:30:00',
      '2024-03-01 00:00:00',
      '2024-03-01 08:00:00',
      '2024-03-01 08:00:00.123',
      '2024-03-01 08:00:00.123456',
      '2024-03-01 08:00:00.123456',
      '2024-03-01 08:00:00.5',
    ]);
    const bad = [
      '"2024-02-30 00:00:00"',
      '"yesterday"',
      '"infinity"',
      '"epoch"',
      '"0000-00-00 00:00:00"',
      '""',
      'true',
    ];
    expect(await column('timestamp', bad)).toEqual(bad.map(() => misfit));
  });

  it('a clock time that daylight saving skips is kept in a timestamp column as the source wrote it', async () => {
    expect(await column('timestamp', ['"2024-03-10 02:30:00"'], 'America/New_York')).toEqual([
      '2024-03-10 02:30:00',
    ]);
  });

  it('dates come from dates and from times, on the table zone calendar', async () => {
    expect(
      await column(
        'date',
        ['"2024-03-01"', '"2024-02-29T18:00:00Z"', '1709251200', '"2024-02-30"', '"x"'],
        'Asia/Shanghai',
      ),
    ).toEqual(['2024-03-01', '2024-03-01', '2024-03-01', misfit, misfit]);
  });

  it('nested columns are converted value by value; a wrong value anywhere does not fit', async () => {
    expect(await column('array<bigint>', ['[1,"2",null]', '[]', '[1.5]', '{"a":1}', '"x"', 'null'])).toEqual([
      '[1, 2, NULL]',
      '[]',
      misfit,
      misfit,
      misfit,
      null,
    ]);
    expect(
      await column('map<string,int>', ['{"a":1,"b":null}', '{}', '{"a":"x"}', '[1]', '{"a":1,"a":2}']),
    ).toEqual(['{a=1, b=NULL}', '{}', misfit, misfit, misfit]);
    expect(
      await column('struct<a:int,b:array<string>>', [
        '{"a":1,"b":["x"]}',
        '{"zz":1}',
        '{"a":[]}',
        '{"b":"x"}',
      ]),
    ).toEqual(["{'a': 1, 'b': [x]}", "{'a': NULL, 'b': NULL}", misfit, misfit]);
    expect(
      await column('array<array<map<string,decimal(4,1)>>>', ['[[{"k":1.5}],[]]', '[[{"k":1.55}]]']),
    ).toEqual(['[[{k=1.5}], []]', misfit]);
  });

  it('members of a struct are found whatever their case: Hive has its fields in lower case only', async () => {
    const type = 'struct<userid:int,tags:array<struct<k:string,v:struct<n:decimal(4,1)>>>>';
    expect(
      await column(type, [
        '{"userId":1,"Tags":[{"K":"a","V":{"N":1.5}}]}',
        '{"userid":1,"USERID":2}',
        '{"userid":null}',
        '{"other":"userid"}',
        '{"userId":"x"}',
        '[{"userId":1}]',
        'null',
      ]),
    ).toEqual([
      "{'userid': 1, 'tags': [{'k': a, 'v': {'n': 1.5}}]}",
      "{'userid': 1, 'tags': NULL}",
      "{'userid': NULL, 'tags': NULL}",
      "{'userid': NULL, 'tags': NULL}",
      misfit,
      misfit,
      null,
    ]);
  });
});
