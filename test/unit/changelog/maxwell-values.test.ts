import { afterAll, describe, expect, it } from 'vitest';

import { cleanUp, land } from './landing.js';
import { orders } from './orders.js';

afterAll(cleanUp);

/** A Maxwell record of shop.orders around the JSON of its row; `over` is more JSON members. */
function record(data: string, over = '"type":"insert"'): string {
  return `{"database":"shop","table":"orders","ts":1709251200,${over},"data":${data}}`;
}

describe('maxwell: values', () => {
  /** Column type, JSON of the value, the text that must land, the source type where it is known. */
  const cases: [type: string, json: string, text: string | null, sourceType?: string][] = [
    ['decimal(38,20)', '123456789012345678.12345678901234567890', '123456789012345678.12345678901234567890'],
    ['string', `-${'9'.repeat(35)}.${'9'.repeat(30)}`, `-${'9'.repeat(35)}.${'9'.repeat(30)}`],
    ['string', '9'.repeat(65), '9'.repeat(65)],
    ['decimal(20,0)', '18446744073709551615', '18446744073709551615'],
    ['bigint', '-9223372036854775808', '-9223372036854775808'],
    ['double', '1.7976931348623157E308', '1.7976931348623157e+308'],
    ['float', '3.4028235E38', '3.4028235e+38'],
    // A JSON column beside a long decimal: its numbers stay numbers, digit by digit.
    [
      'string',
      '{"x":1.5,"y":[1.12345678901234567890],"z":"1.12345678901234567890"}',
      '{"x":1.5,"y":[1.12345678901234567890],"z":"1.12345678901234567890"}',
    ],
    ['array<decimal(38,20)>', '[1.12345678901234567890]', '[1.12345678901234567890]'],
    ['string', '"\\u00011.5"', '\u00011.5'],
    ['string', '"a\\u0000b"', 'a\u0000b'],
    ['string', '""', ''],
    ['string', 'null', null],
    ['string', '[]', '', "set('a','b')"],
    ['string', 'null', null, "set('a','b')"],
    ['string', '["a","b"]', 'a,b', "set('a','b')"],
    ['string', '["a"]', '["a"]'],
    ['binary', '""', ''],
    ['binary', '"AP8="', '00FF'],
    ['binary', '"YQ=="', '61000000', 'binary(4)'],
    ['date', '"0000-00-00"', null],
    ['string', '"0000-00-00"', '0000-00-00'],
  ];
  const table = orders({ format: 'maxwell' }, [
    ['id', 'bigint'],
    ...cases.map(([type], i): [string, string] => [`v${i}`, type]),
  ]);
  cases.forEach(([, , , sourceType], i) => {
    if (sourceType !== undefined) table.columns[i + 1]!.sourceType = sourceType;
  });
  const row = `{"id":1,${cases.map(([, json], i) => `"v${i}":${json}`).join(',')}}`;

  it('land to the last digit, and NULL, empty and missing stay apart', async () => {
    const old = row.replace('"id":1,', '');
    const landed = await land([table], [{ value: record(row, `"type":"update","old":${old}`) }]);
    expect(landed.result.quarantineReasons).toEqual({});
    const select = cases.map(
      ([type], i) => `${type === 'binary' ? `hex(v${i})` : `v${i}::VARCHAR`} AS v${i}`,
    );
    const [seen] = await landed.rows('orders_changelog', `${select.join(', ')}, cdc_before`);
    const landedTexts = cases.map((_, i) => seen![`v${i}`]);
    expect(landedTexts).toEqual(cases.map(([, , text]) => text));
    expect(seen!['cdc_before']).toContain('"v0":123456789012345678.12345678901234567890,');
    expect(seen!['cdc_before']).toContain('"v7":{"x":1.5,"y":[1.12345678901234567890],"z":');
  });

  it('bytes that are no base64 are quarantined', async () => {
    const blobs = orders({ format: 'maxwell' }, [
      ['id', 'bigint'],
      ['b', 'binary'],
    ]);
    const landed = await land([blobs], [{ value: record('{"id":1,"b":"@@"}') }]);
    expect(await landed.reasons()).toEqual(['0: value_does_not_fit']);
  });
});

describe('maxwell: records', () => {
  it('a row of which only the key was sent because it was too large is quarantined, not landed with NULLs', async () => {
    const reason = '"reason":"RecordTooLargeException"';
    const landed = await land(
      [orders({ format: 'maxwell' })],
      [
        { value: record('{"id":1}', `"type":"update",${reason}`) },
        { value: record('{"id":2}', `"type":"delete",${reason}`) },
      ],
    );
    expect(await landed.reasons()).toEqual(['0: partial_row']);
    expect(await landed.rows('orders_changelog', 'id, cdc_op')).toEqual([{ id: '2', cdc_op: 'd' }]);
  });
});
