import { afterAll, describe, expect, it } from 'vitest';

import type { TableSpec } from '../../../config/spec.js';
import { fixture } from './fixtures.js';
import { cleanUp, land, landingTable } from './landing.js';

afterAll(cleanUp);

function orders(
  overrides: Partial<TableSpec> = {},
  columns: [string, string, string?][] = [
    ['id', 'bigint'],
    ['amt', 'decimal(10,2)'],
  ],
) {
  return landingTable(
    columns.map(([name, type, path]) => [name, type, path ?? name]),
    {
      name: 'orders',
      mode: 'mirror',
      format: 'canal-json',
      topic: 'tidb.shop',
      key: ['id'],
      match: { database: 'shop', table: 'orders' },
      eventTime: { format: 'auto', zone: 'UTC', kafka: false },
      ...overrides,
    },
  );
}

/** A TiCDC change of shop.orders; `over` replaces members. */
function change(type: string, data: object[], over: object = {}): string {
  const columns = Object.keys(data[0] ?? {});
  const types = (text: string | number) => Object.fromEntries(columns.map((name) => [name, text]));
  return JSON.stringify({
    id: 0,
    database: 'shop',
    table: 'orders',
    pkNames: ['id'],
    isDdl: false,
    type,
    es: 1709251200123,
    ts: 1709251200900,
    sql: '',
    sqlType: types(12),
    mysqlType: types('varchar'),
    old: null,
    data,
    _tidb: { commitTs: 448069946 },
    ...over,
  });
}

describe('changes: what becomes of records', () => {
  it('every record of a shared topic has one place: rows, quarantine, unmatched or without rows', async () => {
    const records = [
      change('INSERT', [{ id: '1', amt: '1.00' }]),
      change('INSERT', [{ id: '2' }], { table: 'other' }),
      change('ALTER', [], { isDdl: true, data: null, sql: 'alter table orders add c int' }),
      JSON.stringify({
        id: 0,
        database: '',
        table: '',
        isDdl: false,
        type: 'TIDB_WATERMARK',
        es: 1,
        data: null,
        _tidb: { watermarkTs: 42 },
      }),
      '{"cut',
      '[1]',
      '{"some":"log"}',
      change('INSERT', [{ id: '3', amt: 'much' }]),
      null,
      Buffer.from([0xff]),
      change('QUERY', [], { data: null, sql: 'insert into orders values (1)' }),
    ];
    const landed = await land(
      [orders()],
      records.map((value) => ({ value })),
    );
    expect(await landed.rows('orders_changelog', 'id, amt::VARCHAR AS amt')).toEqual([
      { id: '1', amt: '1.00' },
    ]);
    expect(await landed.reasons()).toEqual([
      '4: invalid_json',
      '5: not_an_object',
      '6: not_a_change',
      '7: value_does_not_fit',
      '9: invalid_utf8',
    ]);
    expect(landed.result).toMatchObject({
      records: 11,
      quarantined: 5,
      unmatched: 1,
      withoutRows: 4,
      watermarks: { 0: '42' },
    });
    expect(landed.result.schemaEvents).toEqual([
      {
        table: 'orders',
        cdcTs: '448069946',
        partition: 0,
        offset: 2,
        kind: 'ALTER',
        sql: 'alter table orders add c int',
      },
    ]);
  });

  it('what no table can claim goes to the topic quarantine if the topic is shared', async () => {
    const other = orders({ name: 'other', match: { database: 'shop', table: 'other' } });
    const landed = await land(
      [orders(), other],
      [{ value: '{"cut' }, { value: change('INSERT', [{ id: 'x', amt: '1' }]) }],
    );
    expect(landed.result.quarantineReasons).toEqual({
      topic_tidb_shop_quarantine: { invalid_json: 1 },
      orders_quarantine: { value_does_not_fit: 1 },
    });
  });

  it('rows of one record land together or not at all, and the bad one is named', async () => {
    const landed = await land(
      [orders()],
      [
        {
          value: change('INSERT', [
            { id: '1', amt: '1' },
            { id: '2', amt: 'bad' },
          ]),
        },
        {
          value: change('INSERT', [
            { id: '3', amt: '3' },
            { id: '4', amt: '4' },
          ]),
        },
      ],
    );
    expect((await landed.rows('orders_changelog', 'id')).map((row) => row['id'])).toEqual(['3', '4']);
    const [bad] = await landed.rows('orders_quarantine');
    expect(bad).toMatchObject({
      kafka_offset: '0',
      detail: 'row 1, column amt: "bad" does not fit decimal(10,2)',
    });
    expect(landed.result.quarantined).toBe(1);
  });

  it('a row of which the log has only the key is quarantined, not landed with NULLs; its delete lands', async () => {
    const partial = { _tidb: { commitTs: 5, onlyHandleKey: true } };
    const landed = await land(
      [orders()],
      [
        { value: change('UPDATE', [{ id: '1' }], { ...partial, old: [{ id: '1' }] }) },
        { value: change('INSERT', [{ id: '2' }], { _tidb: { commitTs: 6, claimCheckLocation: 's3://x' } }) },
        { value: change('DELETE', [{ id: '1' }], partial) },
      ],
    );
    expect(await landed.reasons()).toEqual(['0: partial_row', '1: partial_row']);
    expect(await landed.rows('orders_changelog', 'id, cdc_op')).toEqual([{ id: '1', cdc_op: 'd' }]);
  });

  it('the golden large row is partial and the small rows around it land', async () => {
    const golden = fixture('ticdc-canal-json', 'large_row__handle_key_only');
    const table = orders({ match: { database: 'fx', table: 'large' }, key: ['id', 'k2'] }, [
      ['id', 'int'],
      ['k2', 'string'],
      ['v', 'string'],
    ]);
    const landed = await land([table], golden.records);
    expect(landed.result.quarantineReasons).toEqual({ orders_quarantine: { partial_row: 2 } });
  });

  it('a change without its key columns is quarantined: a mirror could not place it', async () => {
    const landed = await land([orders()], [{ value: change('DELETE', [{ amt: '1' }]) }]);
    expect(await landed.reasons()).toEqual(['0: no_key']);
  });
});

describe('changes: rows', () => {
  it('an update that changes the key is a delete of the old row and an insert of the new one, in this order', async () => {
    const records = [
      {
        value: change('UPDATE', [{ id: '2', amt: '5.00' }], {
          id: 9,
          gtid: '',
          old: [{ id: '1' }],
          _tidb: undefined,
        }),
      },
      {
        value: change('UPDATE', [{ id: '7', amt: null }], {
          id: 9,
          gtid: '',
          old: [{ amt: '1.00' }],
          _tidb: undefined,
        }),
      },
    ];
    const landed = await land([orders()], records);
    const rows = await landed.rows(
      'orders_changelog',
      'cdc_op, id, amt::VARCHAR AS amt, cdc_before, kafka_partition, kafka_offset, cdc_seq',
    );
    rows.sort(
      (a, b) =>
        Number(a['kafka_offset']) - Number(b['kafka_offset']) || Number(a['cdc_seq']) - Number(b['cdc_seq']),
    );
    expect(rows.map((row) => [row['cdc_op'], row['id'], row['amt'], row['cdc_before']])).toEqual([
      ['d', '1', '5.00', null],
      ['i', '2', '5.00', null],
      ['u', '7', null, '{"amt":"1.00"}'],
    ]);
  });

  it('zero dates are NULL; other impossible dates do not fit', async () => {
    const table = orders({}, [
      ['id', 'bigint'],
      ['d', 'date'],
      ['t', 'timestamp'],
    ]);
    const landed = await land(
      [table],
      [
        { value: change('INSERT', [{ id: '1', d: '0000-00-00', t: '0000-00-00 00:00:00' }]) },
        { value: change('INSERT', [{ id: '2', d: '2024-00-10', t: '2024-02-00 00:00:00' }]) },
        { value: change('INSERT', [{ id: '3', d: '2024-02-31', t: '2024-03-01 00:00:00' }]) },
      ],
    );
    expect(await landed.rows('orders_changelog', 'id, d, t')).toEqual([
      { id: '1', d: null, t: null },
      { id: '2', d: null, t: null },
    ]);
    expect(await landed.reasons()).toEqual(['2: value_does_not_fit']);
  });

  it('shards of a table land in one, with the name of each as a column; their names are patterns', async () => {
    const table = orders({ match: { database: 'shop_\\d+', table: 'orders_\\d\\d', shardColumn: 'shard' } }, [
      ['id', 'bigint'],
      ['shard', 'string', ''],
    ]);
    const shard = (database: string, name: string, id: string) => ({
      value: change('INSERT', [{ id }], { database, table: name }),
    });
    const landed = await land(
      [table],
      [
        shard('shop_1', 'orders_00', '1'),
        shard('shop_2', 'orders_63', '2'),
        shard('shop_1', 'orders_old', '3'),
      ],
    );
    expect(await landed.rows('orders_changelog', 'id, shard')).toEqual([
      { id: '1', shard: 'orders_00' },
      { id: '2', shard: 'orders_63' },
    ]);
    expect(landed.result.unmatched).toBe(1);
  });

  it('columns match by the log name, or without regard to case', async () => {
    const table = orders({}, [
      ['id', 'bigint', 'id'],
      ['amt', 'string', 'AMT'],
    ]);
    const landed = await land(
      [table],
      [{ value: change('INSERT', [{ ID: '1', Amt: 'x' }], { pkNames: ['ID'] }) }],
    );
    expect(await landed.rows('orders_changelog', 'id, amt')).toEqual([{ id: '1', amt: 'x' }]);
    expect(landed.result.newColumns).toEqual({});
  });

  it('two tables may read the same source table', async () => {
    const landed = await land(
      [orders(), orders({ name: 'amounts' }, [['amt', 'string']])],
      [{ value: change('INSERT', [{ id: '1', amt: '2' }]) }],
    );
    expect(await landed.rows('amounts_changelog', 'amt')).toEqual([{ amt: '2' }]);
    expect(await landed.rows('orders_changelog', 'id')).toEqual([{ id: '1' }]);
  });

  it('raw keeps the record beside its rows', async () => {
    const value = change('INSERT', [{ id: '1', amt: '2' }]);
    const landed = await land([orders({ rawColumn: 'raw' })], [{ value }]);
    expect(await landed.rows('orders_changelog', 'raw')).toEqual([{ raw: value }]);
  });
});

describe('changes: new columns', () => {
  const record = (over: object = {}) => ({
    value: change('INSERT', [{ id: '1', amt: '2', n: '5', big: '1', b: 'x' }], {
      mysqlType: {
        id: 'bigint',
        amt: 'decimal(10,2)',
        n: 'int unsigned',
        big: 'bigint unsigned',
        b: 'varbinary(10)',
      },
      ...over,
    }),
  });

  it('are reported with the Hive type of their source type', async () => {
    const landed = await land([orders()], [{ value: change('INSERT', [{ id: '0', amt: '1' }]) }, record()]);
    expect(landed.result.newColumns).toEqual({ orders: { n: 'bigint', big: 'decimal(20,0)', b: 'binary' } });
    expect(landed.result.files[0]!.rows).toBe(2);
  });

  it('are all columns of a mirror that has none yet', async () => {
    const landed = await land([orders({ key: [] }, [])], [record()]);
    expect(Object.keys(landed.result.newColumns['orders']!).sort()).toEqual(['amt', 'b', 'big', 'id', 'n']);
  });

  it('are not looked for where the table ignores schema changes', async () => {
    const landed = await land([orders({ schemaChange: 'ignore' })], [record()]);
    expect(landed.result.newColumns).toEqual({});
  });

  it('of Maxwell get a type from their JSON, for want of a better one', async () => {
    const value =
      '{"database":"shop","table":"orders","type":"insert","ts":1709251200,"data":{"id":1,"amt":1.5,"n":7,"t":"x","j":{"a":1}}}';
    const landed = await land([orders({ format: 'maxwell' })], [{ value }]);
    expect(landed.result.newColumns).toEqual({ orders: { n: 'bigint', t: 'string', j: 'string' } });
  });

  it('of Debezium get theirs from the schema in the record', async () => {
    const field = (name: string, type: string, more: object = {}) => ({
      field: name,
      type,
      optional: true,
      ...more,
    });
    const fields = [
      field('id', 'int64'),
      field('amt', 'bytes', {
        name: 'org.apache.kafka.connect.data.Decimal',
        parameters: { scale: '2', 'connect.decimal.precision': '10' },
      }),
      field('d', 'int32', { name: 'io.debezium.time.Date' }),
      field('blob', 'bytes'),
    ];
    const value = JSON.stringify({
      schema: {
        type: 'struct',
        fields: [field('before', 'struct', { fields }), field('after', 'struct', { fields })],
      },
      payload: {
        before: null,
        after: { id: 7, amt: 'MDk=', d: 19783, blob: 'AP8=' },
        source: {
          connector: 'postgresql',
          snapshot: 'false',
          db: 'shop',
          schema: 'public',
          table: 'orders',
          ts_ms: 1709251200000,
          lsn: 99,
        },
        op: 'c',
        ts_ms: 1709251200450,
      },
    });
    const landed = await land([orders({ format: 'debezium' })], [{ value }]);
    expect(landed.result.newColumns).toEqual({ orders: { d: 'date', blob: 'binary' } });
    expect(await landed.rows('orders_changelog', 'id, amt::VARCHAR AS amt, cdc_ts, cdc_op')).toEqual([
      { id: '7', amt: '123.45', cdc_ts: '99', cdc_op: 'i' },
    ]);
  });
});

describe('debezium: PostgreSQL', () => {
  const pg = (op: string, before: object | null, after: object | null, source: object = {}) =>
    JSON.stringify({
      before,
      after,
      source: {
        connector: 'postgresql',
        snapshot: 'false',
        db: 'shop',
        schema: 'public',
        table: 'orders',
        ts_ms: 1709251200000,
        lsn: 100,
        ...source,
      },
      op,
      ts_ms: 1709251200450,
    });

  it('changes of one LSN keep their order, snapshot rows come first, and the schema is part of the name outside public', async () => {
    const landed = await land(
      [orders({ format: 'debezium', formatOptions: { decimal: 'string' } })],
      [
        { value: pg('r', null, { id: 1, amt: '1.00' }, { snapshot: 'true' }) },
        { value: pg('u', null, { id: 1, amt: '2.00' }) },
        { value: pg('u', null, { id: 1, amt: '3.00' }) },
        { value: pg('c', null, { id: 1, amt: '9.00' }, { schema: 'audit' }) },
        { value: pg('d', { id: 1, amt: null }, null), key: '{"id":1}' },
        { value: null, key: '{"id":1}' },
      ],
    );
    const rows = await landed.rows(
      'orders_changelog',
      'cdc_op, amt::VARCHAR AS amt, cdc_ts, cdc_seq, kafka_partition, kafka_offset',
    );
    const seq = rows.map((row) => BigInt(row['cdc_seq'] as string));
    expect(rows.map((row) => [row['cdc_op'], row['amt']])).toEqual([
      ['i', '1.00'],
      ['u', '2.00'],
      ['u', '3.00'],
      ['d', null],
    ]);
    expect([...seq].sort((a, b) => (a < b ? -1 : 1))).toEqual(seq);
    expect(landed.result).toMatchObject({ unmatched: 1, withoutRows: 1, quarantined: 0 });
  });

  it('a value that PostgreSQL did not log never lands as if it were one', async () => {
    const landed = await land(
      [
        orders({ format: 'debezium' }, [
          ['id', 'bigint'],
          ['t', 'string'],
        ]),
      ],
      [{ value: pg('u', null, { id: 1, t: '__debezium_unavailable_value' }) }],
    );
    expect(await landed.reasons()).toEqual(['0: partial_row']);
  });

  it('a delete without an old row has its key from the record key; without any it is quarantined', async () => {
    const landed = await land(
      [orders({ format: 'debezium' })],
      [
        { value: pg('d', null, null), key: '{"schema":{},"payload":{"id":5}}' },
        { value: pg('d', null, null) },
      ],
    );
    expect(await landed.rows('orders_changelog', 'id, cdc_op')).toEqual([{ id: '5', cdc_op: 'd' }]);
    expect(await landed.reasons()).toEqual(['1: no_key']);
  });

  it('heartbeats and transaction markers mean nothing; a flattened record is no change', async () => {
    const landed = await land(
      [orders({ format: 'debezium' })],
      [
        { value: '{"ts_ms":1709251200450}' },
        { value: '{"status":"BEGIN","id":"571","ts_ms":1,"event_count":null}' },
        { value: '{"id":1,"amt":"1.00","__deleted":"false"}' },
      ],
    );
    expect(landed.result.withoutRows).toBe(2);
    expect(await landed.reasons()).toEqual(['2: not_a_change']);
  });
});

describe('debezium: MongoDB', () => {
  const items = landingTable(
    [
      ['doc_id', 'string', 'doc_id'],
      ['doc', 'string', 'doc'],
      ['qty', 'bigint', '$.qty'],
      ['at', 'timestamp', '$.at'],
    ],
    {
      name: 'items',
      mode: 'mirror',
      format: 'debezium',
      key: ['doc_id'],
      match: { database: 'shop', table: 'item' },
      timezone: 'Asia/Shanghai',
      eventTime: { format: 'auto', zone: 'UTC', kafka: false },
    },
  );
  const id = '65e1800000000000000000a1';
  const key = JSON.stringify({ id: `{"$oid": "${id}"}` });
  const event = (op: string, after: string | null, more: object = {}, source: object = {}) =>
    JSON.stringify({
      before: null,
      after,
      op,
      source: {
        connector: 'mongodb',
        ts_ms: 1709251200000,
        ord: 3,
        snapshot: 'false',
        db: 'shop',
        collection: 'item',
        ...source,
      },
      ts_ms: 1709251200555,
      ...more,
    });
  const document = `{"_id": {"$oid": "${id}"},"qty": {"$numberLong": "9007199254740993"},"at": {"$date": 1709251200123}}`;

  it('documents in the connector dialect become canonical, a delta becomes a patch, deletes are known by their key', async () => {
    const landed = await land(
      [items],
      [
        { key, value: event('r', document, {}, { snapshot: 'true' }) },
        {
          key,
          value: event('u', null, {
            updateDescription: {
              removedFields: ['note'],
              updatedFields: '{"qty": 5}',
              truncatedArrays: [{ field: 'tags', size: 2 }],
            },
          }),
        },
        { key, value: event('d', null) },
        { key, value: null },
        { key, value: '{"op":"u"}' },
      ],
    );
    const rows = await landed.rows('items_changelog', 'cdc_op, cdc_ts, doc_id, qty, "at", doc, cdc_patch');
    expect(rows.map((row) => [row['cdc_op'], row['cdc_ts'], row['doc_id'], row['qty'], row['at']])).toEqual([
      ['i', '0', id, '9007199254740993', '2024-03-01 08:00:00.123'],
      ['u', String((1709251200n << 32n) + 3n), id, null, null],
      ['d', String((1709251200n << 32n) + 3n), id, null, null],
    ]);
    expect(rows[0]!['doc']).toBe(
      `{"_id":{"$oid":"${id}"},"qty":{"$numberLong":"9007199254740993"},"at":{"$date":{"$numberLong":"1709251200123"}}}`,
    );
    expect(JSON.parse(rows[1]!['cdc_patch'] as string)).toMatchObject({
      truncate: [['tags', 2]],
      set: [['qty', { $numberInt: '5' }]],
      unset: ['note'],
    });
    expect(landed.result.withoutRows).toBe(1);
    expect(await landed.reasons()).toEqual(['4: record_undecodable']);
  });
});
