import { afterAll, describe, expect, it } from 'vitest';

import { cleanUp, land } from './landing.js';
import { change, orders } from './orders.js';

afterAll(cleanUp);

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
