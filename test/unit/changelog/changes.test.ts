import { afterAll, describe, expect, it } from 'vitest';

import { fixture } from './fixtures.js';
import { cleanUp, land } from './landing.js';
import { change, orders } from './orders.js';

afterAll(cleanUp);

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
        sourceDatabase: 'shop',
        sourceTable: 'orders',
        timestamp: 1709251200000,
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
