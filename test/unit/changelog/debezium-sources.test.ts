import { afterAll, describe, expect, it } from 'vitest';

import { cleanUp, land, landingTable } from './landing.js';
import { orders } from './orders.js';

afterAll(cleanUp);

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

describe('debezium: protocol of TiCDC', () => {
  const event = (op: string, commitTs: string, images: object, db = 'shop') =>
    JSON.stringify({
      payload: {
        source: {
          version: '2.4.0.Final',
          connector: 'TiCDC',
          name: 'c1',
          ts_ms: 1709251200123,
          snapshot: 'false',
          db,
          table: db === '' ? '' : 'orders',
          ...{ server_id: 0, gtid: null, file: '', pos: 0, row: 0, thread: 0, query: null },
          commit_ts: 1,
          cluster_id: 'c1',
        },
        ts_ms: 1709251200900,
        transaction: null,
        op,
        ...images,
      },
      schema: { type: 'struct', fields: [] },
    }).replace('"commit_ts":1,', `"commit_ts":${commitTs},`);
  const row = (id: number, amt: number) => ({ id, amt, paid: true, kind: 'a,b' });

  it('is ordered by commit_ts to its last digit, deletes before inserts; watermarks are the highest, and nothing else', async () => {
    const landed = await land(
      [
        orders({ format: 'debezium' }, [
          ['id', 'bigint'],
          ['amt', 'decimal(10,2)'],
          ['paid', 'tinyint'],
          ['kind', 'string'],
        ]),
      ],
      [
        { value: event('c', '448069946605043720', { before: null, after: row(2, 2.5) }) },
        { value: event('d', '448069946605043720', { before: row(1, 1), after: null }) },
        { value: event('u', '448069946605043719', { after: row(1, 9.25) }) },
        {
          value: event('m', '448069946605043721', { before: null, after: null }, ''),
          key: '{"payload":{},"schema":{}}',
        },
        { value: event('m', '448069946605043719', { before: null, after: null }, '') },
      ],
    );
    expect(landed.result).toMatchObject({
      quarantined: 0,
      withoutRows: 2,
      watermarks: { 0: '448069946605043721' },
    });
    const rows = await landed.rows(
      'orders_changelog',
      'cdc_op, cdc_ts, cdc_seq, id, amt::VARCHAR AS amt, paid, kind, kafka_partition, kafka_offset',
    );
    expect(
      rows.map((r) => [r['cdc_op'], r['cdc_ts'], r['cdc_seq'], r['id'], r['amt'], r['paid'], r['kind']]),
    ).toEqual([
      ['i', '448069946605043720', '3', '2', '2.50', 1, 'a,b'],
      ['d', '448069946605043720', '1', '1', '1.00', 1, 'a,b'],
      ['u', '448069946605043719', '2', '1', '9.25', 1, 'a,b'],
    ]);
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
