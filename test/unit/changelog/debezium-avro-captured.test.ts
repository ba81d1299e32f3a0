import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';

import { FIXTURE_ROOT } from './fixtures.js';
import { cleanUp, land, landingTable, type Landed, type TestRecord } from './landing.js';

afterAll(cleanUp);

const lines = (name: string): string[] =>
  readFileSync(`${FIXTURE_ROOT}/debezium-avro/${name}`, 'utf8').trimEnd().split('\n');
const schemas = new Map(
  lines('schemas.tsv').map((line): [number, string] => {
    const [id, answer] = line.split('\t');
    return [Number(id), (JSON.parse(answer!) as { schema: string }).schema];
  }),
);
const lookup = (id: number): Promise<string | undefined> => Promise.resolve(schemas.get(id));
const heads = lines('json-schemas.txt');

const twin = (text: string): Buffer | null => {
  if (text === '-') return null;
  const space = text.indexOf(' ');
  return Buffer.from(heads[Number(text.slice(0, space))]! + text.slice(space + 1));
};
const bytes = (text: string): Buffer | null => (text === '-' ? null : Buffer.from(text, 'base64'));

type Form = 'json' | 'confluent' | 'shop-db' | 'eight' | 'headers';

/** The records of a captured topic, with their offsets. */
function records(form: Form, table: string): TestRecord[] {
  const read = form === 'json' ? twin : bytes;
  return lines(`${form}.${table}.tsv`).map((line) => {
    const [offset, , key, value] = line.split('\t');
    return { offset: Number(offset), key: read(key!), value: read(value!) };
  });
}

const NAME = 'captured';

function capturedTable(
  format: 'debezium' | 'debezium-avro',
  table: string,
  columns: [string, string, string][] = [],
) {
  return landingTable(columns, {
    name: NAME,
    mode: 'mirror',
    format,
    formatOptions: format === 'debezium' ? {} : { registry: 'http://registry' },
    match: { database: 'fx', table },
    eventTime: { format: 'auto', zone: 'UTC', kafka: false },
  });
}

/** The changelogs of both forms, with the columns that the schemas tell. */
async function both(table: string, form: Form = 'confluent'): Promise<{ json: Landed; avro: Landed }> {
  const landed = async (captured: Form, columns: [string, string, string][]) =>
    land(
      [capturedTable(captured === 'json' ? 'debezium' : 'debezium-avro', table, columns)],
      records(captured, table),
      {
        schemas: () => lookup,
      },
    );
  const learnt = (await landed(form, [])).result.newColumns;
  expect(learnt).toEqual((await landed('json', [])).result.newColumns);
  const columns = Object.entries(learnt[NAME]!).map(([name, type]): [string, string, string] => [
    name,
    type,
    name,
  ]);
  expect(columns.length).toBeGreaterThan(3);
  return { json: await landed('json', columns), avro: await landed(form, columns) };
}

const changes = (landed: Landed, select = '* EXCLUDE (event_time)') =>
  landed.rows(`${NAME}_changelog`, select);

describe('debezium-avro: what a real converter wrote of a real MariaDB', () => {
  it.each([
    ['types', 8],
    ['defaults', 2],
    ['order-lines', 6],
    ['orders', 8],
  ])('%s: lands as what the JSON converter wrote of the same binlog', async (table, count) => {
    const { json, avro } = await both(table);
    expect(avro.result.quarantineReasons).toEqual({});
    const rows = await changes(avro);
    expect(rows).toHaveLength(count);
    expect(rows).toEqual(await changes(json));
    // Each connector took its snapshot, whose rows have `cdc_seq` 0, at a time of its own.
    const times = async (landed: Landed) =>
      (await changes(landed, 'event_time, cdc_seq::VARCHAR AS seq')).filter(({ seq }) => seq !== '0');
    expect(await times(avro)).toEqual(await times(json));
  });

  it('the values are those that were inserted, to the last digit', async () => {
    const rows = await changes((await both('types')).avro, 'COLUMNS(*)::VARCHAR');
    expect(rows.find(({ id }) => id === '2147483647')).toMatchObject({
      ...{ i8: '127', u8: '255', i24: '8388607', u32: '4294967295', i64: '9223372036854775807' },
      ...{ u64: '18446744073709551615', d10: '99999999.99', d38: '9999999999999999999999999999.9999999999' },
      ...{ f: '3.4e+38', d: '1.7976931348623157e+308', c: 'äöü€😀', v: '中文 😀 "\\ \n\t' },
      ...{ s: 'red,green,sky blue', b1: '1', b20: '1048575', bin: '\\x00\\xFF\\x80\\xFE\\x00\\x00' },
      ...{ day: '9999-12-31', t3: '838:59:59', dt3: '9999-12-31 23:59:59.999', y: '2155' },
      ...{ dt6: '9999-12-31 23:59:59.999999', ts6: '2038-01-19 03:14:07.999999' },
      j: '{"größe": "😀", "big": 12345678901234567890.123}',
    });
    const updated = rows.find(({ cdc_op }) => cdc_op === 'u');
    expect(updated).toMatchObject({
      i64: '9007199254740993',
      u64: '9223372036854775808',
      d38: '-0.0000000001',
    });
    expect(updated).toMatchObject({ f: '0.1', t3: '-00:00:00.001', e: 'a b', v: null, day: null, j: null });
  });

  it('a column that an ALTER added or widened is NULL before, and wide for all', async () => {
    const rows = await changes((await both('orders')).avro, 'id, amount::VARCHAR AS amount, note, cdc_op');
    expect(rows.map((row) => Object.values(row).join(' '))).toEqual([
      '1 1.1000  i',
      '2   i',
      '3 3.3000  i',
      '1 2.1000  u',
      '4 1234567890.1234 after the ALTER i',
      '3 3.3000 none d',
      '5 3.3000 none i',
      '2  none d',
    ]);
  });

  it('names that Avro does not allow, in a topic prefix or a table, are read as the registry has them', async () => {
    const { json, avro } = await both('order-lines', 'shop-db');
    expect(avro.result.quarantineReasons).toEqual({});
    const rows = await changes(avro);
    expect(rows).toHaveLength(6);
    expect(rows).toEqual(await changes(json));
  });

  it('decimals and their digits are known where the converter leaves out the names of Connect', async () => {
    const nameless = (id: number) =>
      Promise.resolve(
        JSON.stringify(
          JSON.parse(schemas.get(id)!, (name, value: unknown) =>
            name.startsWith('connect.') ? undefined : value,
          ),
        ),
      );
    const landed = await land([capturedTable('debezium-avro', 'types')], records('confluent', 'types'), {
      schemas: () => nameless,
    });
    expect(landed.result.newColumns[NAME]).toMatchObject({ d10: 'decimal(10,2)', d38: 'decimal(38,10)' });
  });
});

describe('debezium-avro: forms of the same converter without a number of four bytes are told apart from lost schemas', () => {
  const details = async (form: 'eight' | 'headers') => {
    const asked: number[] = [];
    const landed = await land([capturedTable('debezium-avro', 'orders')], records(form, 'orders'), {
      schemas: () => (id) => {
        asked.push(id);
        return lookup(id);
      },
    });
    expect(await changes(landed)).toEqual([]);
    const rows = await landed.rows(`${NAME}_quarantine`, 'reason, detail');
    return { asked, rows: rows.map(({ reason, detail }) => `${reason as string}: ${detail as string}`) };
  };
  const settings = 'apicurio.registry.headers.enabled=false';

  it('eight bytes', async () => {
    const { asked, rows } = await details('eight');
    expect(rows).toHaveLength(8);
    for (const row of rows) expect(row).toMatch(/^record_undecodable: .*eight bytes/);
    for (const row of rows) expect(row).toContain(settings);
    expect(asked).toEqual([]);
  });

  it('the number in the headers, which is what the converter does unless told otherwise', async () => {
    const { rows } = await details('headers');
    expect(rows).toHaveLength(8);
    for (const row of rows) expect(row).toContain(settings);
    expect(rows.filter((row) => row.startsWith('schema_unknown: the registry has no schema '))).toHaveLength(
      5,
    );
    expect(rows.filter((row) => row.startsWith('record_undecodable: no Avro record'))).toHaveLength(3);
  });
});
