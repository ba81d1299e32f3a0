import { describe, expect, it } from 'vitest';

import { createMongoChangeStreamDecoder } from '../../../changelog/decoders/mongo-change-stream.js';
import { createMongoShakeDecoder } from '../../../changelog/decoders/mongoshake.js';
import { createDebeziumMongoDecoder } from '../../../changelog/formats/debezium-mongo.js';
import type { RecordDecoder } from '../../../changelog/types.js';
import { record, undecodable } from './support.js';

/* What producers of MongoDB's changes write beside the plain cases of the fixtures. */

const decodeText = (decode: RecordDecoder, value: object | string, key?: string) =>
  decode(
    record(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)), {
      key: key === undefined ? null : Buffer.from(key),
    }),
  );

describe('mongoshake', () => {
  const decode = createMongoShakeDecoder();
  const entry = (op: string, o: object, more: object = {}) =>
    decodeText(decode, {
      ts: { $timestamp: { t: 1709251200, i: 4 } },
      v: { $numberInt: '2' },
      op,
      ns: 'shop.item',
      o,
      ...more,
    });

  it('applyOps inside applyOps gives the operations in their order, each later than the one before', () => {
    const insert = { op: 'i', ns: 'shop.item', o: { _id: { $numberInt: '1' } } };
    const inner = { op: 'c', ns: 'admin.$cmd', o: { applyOps: [insert, { ...insert, op: 'd' }] } };
    const { changes } = entry('c', { applyOps: [inner, insert] }, { ns: 'admin.$cmd' });
    expect(changes.map(({ op }) => op)).toEqual(['i', 'd', 'i']);
    const [a, b, c] = changes.map(({ seq }) => seq);
    expect(a! < b! && b! < c!).toBe(true);
  });

  it('an _id that is null is an _id; a document without any is refused', () => {
    expect(entry('d', { _id: null }).changes[0]?.row).toEqual({ doc_id: 'null' });
    expect(undecodable(() => entry('d', { a: true })).attributes.reason).toBe('no-key');
  });

  it('an index that an old server wrote as a document is DDL, not a document', () => {
    const { changes, ddl } = entry('i', { key: { a: { $numberInt: '1' } } }, { ns: 'shop.system.indexes' });
    expect(changes).toEqual([]);
    expect(ddl).toMatchObject([{ database: 'shop', table: null, kind: 'createIndexes' }]);
  });

  it('renames and drops name the collection that they are about', () => {
    const rename = entry('c', { renameCollection: 'shop.a.b', to: 'shop.c' }, { ns: 'admin.$cmd' });
    expect(rename.ddl).toMatchObject([{ database: 'shop', table: 'a.b', kind: 'renameCollection' }]);
    const drop = entry('c', { drop: 'item' }, { ns: 'shop.$cmd' });
    expect(drop.ddl).toMatchObject([{ database: 'shop', table: 'item', kind: 'drop' }]);
    const all = entry('c', { dropDatabase: { $numberInt: '1' } }, { ns: 'shop.$cmd' });
    expect(all.ddl).toMatchObject([{ database: 'shop', table: null, kind: 'dropDatabase' }]);
  });

  it('a replaced document may have fields named like operators', () => {
    const id = { _id: { $numberInt: '1' } };
    const [change] = entry('u', { ...id, $diff: 'x', 'a.b': 'y' }, { o2: id }).changes;
    expect(change).toMatchObject({
      op: 'u',
      row: { doc: '{"_id":{"$numberInt":"1"},"$diff":"x","a.b":"y"}' },
    });
    expect(change?.patch).toBeUndefined();
  });
});

describe('mongo-change-stream', () => {
  const decode = createMongoChangeStreamDecoder();
  const id = { _id: { $oid: '65e1800000000000000000a1' } };

  it('NaN and infinities that the Java driver writes bare are doubles', () => {
    const event =
      `{"_id":{"_data":"82"},"operationType":"insert","clusterTime":{"$timestamp":{"t":1,"i":1}},"ns":{"db":"a","coll":"b"},` +
      `"documentKey":{"_id":1},"fullDocument":{"_id":1,"x":NaN,"y":-Infinity,"z":Infinity}}`;
    expect(decodeText(decode, event).changes[0]?.row.doc).toBe(
      '{"_id":{"$numberInt":"1"},"x":{"$numberDouble":"NaN"},"y":{"$numberDouble":"-Infinity"},"z":{"$numberDouble":"Infinity"}}',
    );
    expect(undecodable(() => decodeText(decode, event.replace('NaN', 'nan'))).attributes.reason).toBe(
      'malformed',
    );
  });

  it('documents as JSON texts inside the event (output.format.value=schema) are read like others', () => {
    const text = JSON.stringify;
    const event = {
      _id: text({ _data: '8265E11A8000000003AA' }),
      operationType: 'insert',
      fullDocument: text({ ...id, qty: 1 }),
      ns: { db: 'shop', coll: 'item' },
      to: null,
      documentKey: text(id),
      updateDescription: null,
      clusterTime: text({ $timestamp: { t: 1709251200, i: 3 } }),
    };
    const whole = decodeText(decode, { schema: { type: 'struct' }, payload: event }).changes[0];
    expect(whole).toMatchObject({
      op: 'i',
      ts: (1709251200n << 32n) | 3n,
      row: { doc: '{"_id":{"$oid":"65e1800000000000000000a1"},"qty":{"$numberInt":"1"}}' },
    });
    const updateDescription = { updatedFields: text({ qty: 5 }), removedFields: ['note'] };
    const update = { ...event, operationType: 'update', fullDocument: null, updateDescription };
    expect(JSON.parse(decodeText(decode, update).changes[0]!.patch!)).toMatchObject({
      set: [['qty', { $numberInt: '5' }]],
      unset: ['note'],
    });
  });

  it('a part of a split event is refused: it would be taken for the whole', () => {
    const event = {
      _id: { _data: '8265E11A8000000003AA' },
      operationType: 'update',
      clusterTime: { $timestamp: { t: 1709251200, i: 3 } },
      ns: { db: 'shop', coll: 'item' },
      documentKey: id,
      fullDocument: id,
      splitEvent: { fragment: 1, of: 2 },
    };
    expect(undecodable(() => decodeText(decode, event)).attributes.reason).toBe('unsupported');
  });
});

describe('debezium: MongoDB', () => {
  const decode = createDebeziumMongoDecoder();
  const source = {
    connector: 'mongodb',
    ts_ms: 1709251200000,
    snapshot: 'false',
    db: 'shop',
    collection: 'item',
    ord: 3,
  };
  const key = '{"id":"{\\"$oid\\": \\"65e1800000000000000000a1\\"}"}';

  it('NaN in the connector dialect is a double', () => {
    const { changes } = decodeText(decode, { after: '{"_id": 1,"x": NaN}', source, op: 'c' }, key);
    expect(changes[0]?.row.doc).toBe('{"_id":{"$numberInt":"1"},"x":{"$numberDouble":"NaN"}}');
  });

  it('patches of connectors that read the oplog are applied, not taken for unknown changes', () => {
    const update = (patch: string) =>
      decodeText(decode, { after: null, patch, source, op: 'u' }, key).changes[0]!;
    expect(JSON.parse(update('{"$v": 1,"$set": {"a.0": {"$numberLong": "5"}}}').patch!)).toMatchObject({
      set: [['a.0', { $numberLong: '5' }]],
    });
    const replaced = update('{"_id": {"$oid": "65e1800000000000000000a1"},"a": 1}');
    expect(replaced.row.doc).toBe('{"_id":{"$oid":"65e1800000000000000000a1"},"a":{"$numberInt":"1"}}');
    expect(replaced.patch).toBeUndefined();
  });
});
