import { afterAll, describe, expect, it } from 'vitest';

import { cleanUp, land, type TestRecord } from './landing.js';
import { change, orders } from './orders.js';

afterAll(cleanUp);

/** A mirror with snapshots whose key its log names. */
const mirror = (overrides: Parameters<typeof orders>[0] = {}, columns?: Parameters<typeof orders>[1]) =>
  orders({ key: [], snapshot: DAILY, ...overrides }, columns);

const DAILY = { every: 'day', engine: 'auto', keep: 7, keepMonthEnds: false, late: 'next' } as const;

/** One such row holds up every snapshot of a mirror: it has no identity to merge by. */
describe('changes of a mirror without their primary key', () => {
  const canal = (over: object, data: object, type = 'INSERT'): TestRecord => ({
    value: change(type, [data], over),
  });
  const learnt = mirror();

  it('are quarantined where the log names the key, absent or null, and the rows around them land', async () => {
    const landed = await land(
      [learnt],
      [
        canal({}, { id: '1', amt: '1' }),
        canal({}, { amt: '2' }),
        canal({}, { id: null, amt: '3' }),
        canal({}, { id: null }, 'DELETE'),
        canal({ old: [{ amt: '1' }] }, { amt: '5' }, 'UPDATE'),
        canal({}, { id: '6', amt: null }),
      ],
    );
    expect((await landed.rows('orders_changelog', 'id')).map(({ id }) => id)).toEqual(['1', '6']);
    expect(await landed.reasons()).toEqual(['1: no_key', '2: no_key', '3: no_key', '4: no_key']);
    expect((await landed.quarantined())[0]).toMatchObject({ detail: 'row 0 lacks a key column' });
  });

  it('are quarantined in a batch of their own too, before the table has any column', async () => {
    const landed = await land([mirror({}, [])], [canal({}, { name: 'nokey' })]);
    expect(await landed.reasons()).toEqual(['0: no_key']);
    expect(landed.result.quarantined).toBe(1);
  });

  it('are quarantined with all rows of their record, and for one column of a longer key', async () => {
    const over = { pkNames: ['id', 'no'] };
    const table = mirror({}, [
      ['id', 'bigint'],
      ['no', 'int'],
    ]);
    const several = change(
      'INSERT',
      [
        { id: '1', no: '1' },
        { id: '1', no: null },
      ],
      over,
    );
    const landed = await land(
      [table],
      [{ value: several }, canal(over, { no: '2' }), canal(over, { id: '3', no: '3' })],
    );
    expect((await landed.rows('orders_changelog', 'id')).map(({ id }) => id)).toEqual(['3']);
    expect((await landed.quarantined()).map(({ detail }) => detail)).toEqual([
      'row 1 lacks a key column',
      'row 0 lacks a key column',
    ]);
  });

  it('are quarantined by a declared key too, null like absent', async () => {
    const plain = Array.from({ length: 4 }, (_, i) => canal({}, { id: String(i), amt: '1' }));
    const landed = await land(
      [orders()],
      [...plain, canal({}, { id: null, amt: '3' }), canal({}, { amt: '3' })],
    );
    expect(landed.result.files[0]!.rows).toBe(4);
    expect(await landed.reasons()).toEqual(['4: no_key', '5: no_key']);
  });

  it('are told by the key that each record names: it may change, and a table may have none', async () => {
    const table = mirror({}, [
      ['id', 'bigint'],
      ['code', 'string'],
    ]);
    const landed = await land(
      [table],
      [
        canal({}, { id: '1', code: null }),
        canal({ pkNames: ['code'] }, { id: null, code: 'b' }),
        canal({ pkNames: ['code'] }, { id: '3', code: null }),
        canal({ pkNames: null }, { id: null, code: 'd' }),
        canal({ pkNames: [] }, { code: 'e' }),
      ],
    );
    expect((await landed.rows('orders_changelog', 'kafka_offset::INT AS o')).map(({ o }) => o)).toEqual([
      0, 1, 3, 4,
    ]);
    expect(await landed.reasons()).toEqual(['2: no_key']);
  });

  it('land in a mirror without snapshots and without a declared key: nothing merges it', async () => {
    const landed = await land([orders({ key: [] })], [canal({}, { amt: '2' })]);
    expect(landed.result).toMatchObject({ quarantined: 0, records: 1 });
  });

  const maxwell = (data: object, more: object = {}): string =>
    JSON.stringify({ database: 'shop', table: 'orders', type: 'insert', ts: 1709251200, data, ...more });

  it('of Maxwell are told by primary_key_columns or the record key, whose names are in lower case', async () => {
    const key = '{"database":"shop","table":"orders","pk.id":1}';
    const named = { primary_key_columns: ['Id'] };
    const landed = await land(
      [mirror({ format: 'maxwell' }, [['id', 'bigint', 'Id']])],
      [
        { value: maxwell({ Id: 1 }), key },
        { value: maxwell({ Id: null, amt: 1 }), key },
        { value: maxwell({ amt: 1 }, named) },
        { value: maxwell({ Id: 4 }, named) },
        { value: maxwell({ Id: null, amt: 1 }) },
      ],
    );
    expect((await landed.rows('orders_changelog', 'id')).map(({ id }) => id)).toEqual(['1', '4', null]);
    expect(await landed.reasons()).toEqual(['1: no_key', '2: no_key']);
  });

  const debezium = (after: object): string =>
    JSON.stringify({
      ...{ before: null, after, op: 'c', ts_ms: 1709251200123 },
      source: {
        connector: 'mysql',
        db: 'shop',
        table: 'orders',
        ts_ms: 1709251200000,
        file: 'b.000001',
        pos: 4,
        row: 0,
      },
    });

  it('of Debezium are told by the message key; a message without one lands', async () => {
    const landed = await land(
      [mirror({ format: 'debezium' })],
      [
        { value: debezium({ id: 1, amt: '1' }), key: '{"id":1}' },
        { value: debezium({ id: null, amt: '1' }), key: '{"schema":{},"payload":{"id":null}}' },
        { value: debezium({ amt: '1' }), key: '{"id":3}' },
        { value: debezium({ id: null, amt: '4' }) },
      ],
    );
    expect((await landed.rows('orders_changelog', 'id')).map(({ id }) => id)).toEqual(['1', null]);
    expect(await landed.reasons()).toEqual(['1: no_key', '2: no_key']);
  });

  it('are not all those of a topic whose message keys have a member that no row has', async () => {
    const landed = await land(
      [mirror({ format: 'debezium' })],
      [{ value: debezium({ id: 1, amt: '1' }), key: '{"id":1,"__dbz__physicalTableIdentifier":"orders_1"}' }],
    );
    expect(landed.result.quarantined).toBe(0);
  });
});
