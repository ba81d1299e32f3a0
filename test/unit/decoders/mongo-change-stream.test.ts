import { serialize, Timestamp } from 'bson';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMongoChangeStreamDecoder } from '../../../changelog/decoders/mongo-change-stream.js';
import { fixtureCases, loadFixture } from '../../fixtures/load.js';
import { canonical, foldDocuments, withoutTypes } from './mongo-support.js';
import { decodeFixture, decodesOrRefuses, record, undecodable } from './support.js';

const decode = createMongoChangeStreamDecoder();

describe('mongo-change-stream fixtures', () => {
  it.each(fixtureCases('mongo-source'))('%s', (name) => {
    const fixture = loadFixture('mongo-source', name);
    const lossy = name.includes('simplified');
    // SimplifiedJson writes binaries as bare base64 too.
    const shown = (text: string | null): string => {
      if (text === null) return 'null';
      const value = JSON.parse(
        text.replace('{"$binary":{"base64":"AP+A","subType":"00"}}', '"AP+A"'),
      ) as never;
      return lossy ? JSON.stringify(withoutTypes(value)) : text;
    };
    const decoded = decodeFixture(decode, fixture.messages);
    const wanted = fixture.expected.filter((entry) => entry.op !== 'ddl');
    const changes = decoded.flatMap(({ result }) => result.changes);
    expect(changes.map(({ op, ts, database, table }) => [op, ts, `${database}.${table}`])).toEqual(
      wanted.map((entry) => {
        const { t, i } = entry.ts as { t: number; i: number };
        return [entry.op, (BigInt(t) << 32n) | BigInt(i), entry.table];
      }),
    );
    const states: string[] = [];
    foldDocuments(changes, (_, doc) => states.push(shown(doc)));
    expect(states).toEqual(
      wanted.map((entry) => {
        const state = entry.state_after === undefined ? entry.after : entry.state_after;
        return shown(state === null ? null : canonical(state));
      }),
    );
    const updates = changes.filter(({ op }) => op === 'u');
    const kinds = wanted.filter(({ op }) => op === 'u').map((entry) => entry.update_kind === 'delta');
    expect(updates.map(({ patch }) => patch !== undefined)).toEqual(kinds);

    const ddl = decoded.flatMap(({ result }) => result.ddl ?? []);
    expect(ddl.map(({ kind, database, table }) => [kind, `${database}.${String(table)}`])).toEqual(
      fixture.expected.filter(({ op }) => op === 'ddl').map((entry) => [entry.command, entry.table]),
    );
  });
});

const json = (value: unknown, more = {}) => record(Buffer.from(JSON.stringify(value)), more);
const at = { $timestamp: { t: 1709251200, i: 3 } };
const base = {
  _id: { _data: '8265E11A8000000003AA' },
  ns: { db: 'shop', coll: 'item' },
  documentKey: { _id: 1 },
};

describe('mongo-change-stream traps', () => {
  it('puts copied documents before every event', () => {
    const copied = {
      ...base,
      _id: { _id: 1, copyingData: true },
      operationType: 'insert',
      fullDocument: { _id: 1 },
    };
    const [change] = decode(json(copied, { offset: 9 })).changes;
    expect(change).toMatchObject({ op: 'i', ts: 0n, seq: 9n << 20n, row: { doc_id: '1' } });
  });

  it('takes the time from the resume token where clusterTime is missing', () => {
    const [change] = decode(json({ ...base, operationType: 'delete' })).changes;
    expect(change).toMatchObject({ op: 'd', ts: (0x65e11a80n << 32n) | 3n, eventMs: 0x65e11a80 * 1000 });
    expect(undecodable(() => decode(json({ ...base, _id: {}, operationType: 'delete' }))).message).toMatch(
      /clusterTime/,
    );
  });

  it('keeps pre-images, of a delete as the removed row', () => {
    const image = { fullDocumentBeforeChange: { _id: 1, n: 1 }, clusterTime: at };
    const doc = '{"_id":{"$numberInt":"1"},"n":{"$numberInt":"1"}}';
    expect(decode(json({ ...base, ...image, operationType: 'delete' })).changes[0]).toMatchObject({
      row: { doc_id: '1', doc },
      before: null,
    });
    const replace = { ...base, ...image, operationType: 'replace', fullDocument: { _id: 1 } };
    expect(decode(json(replace)).changes[0]).toMatchObject({ op: 'u', before: { doc_id: '1', doc } });
  });

  it('uses the exact paths of MongoDB 6.1', () => {
    const updateDescription = {
      updatedFields: { 'a.b': 1, 'c.0': 2 },
      removedFields: ['d.0'],
      disambiguatedPaths: { 'a.b': ['a.b'], 'c.0': ['c', 0], 'd.0': ['d', '0'] },
    };
    const event = { ...base, clusterTime: at, operationType: 'update', updateDescription };
    expect(JSON.parse(decode(json(event)).changes[0]?.patch ?? '')).toMatchObject({
      set: [
        [['a.b'], { $numberInt: '1' }],
        [['c', 0], { $numberInt: '2' }],
      ],
      unset: [['d', '0']],
    });
  });

  it('says that an update with neither document nor delta is unknown', () => {
    const event = { ...base, clusterTime: at, operationType: 'update' };
    expect(JSON.parse(decode(json(event)).changes[0]?.patch ?? '')).toMatchObject({ kind: 'unknown' });
  });

  it('keeps kinds of events that it does not know as DDL', () => {
    const event = { ...base, clusterTime: at, operationType: 'reshardCollection' };
    expect(decode(json(event)).ddl).toMatchObject([
      { kind: 'reshardCollection', database: 'shop', table: 'item' },
    ]);
  });

  it('reads BSON values', () => {
    const bytes = serialize({
      ...base,
      clusterTime: new Timestamp({ t: 1709251200, i: 3 }),
      operationType: 'insert',
      fullDocument: { _id: 1 },
    });
    expect(decode(record(Buffer.from(bytes))).changes).toMatchObject([
      { op: 'i', ts: (1709251200n << 32n) | 3n },
    ]);
  });

  it('reads bare documents only where the namespace is declared', () => {
    expect(undecodable(() => decode(json({ _id: 1 }))).message).toMatch(/namespace/);
    const bare = createMongoChangeStreamDecoder({ namespace: 'shop.item' });
    expect(bare(json({ _id: 1 }, { offset: 3 })).changes).toMatchObject([
      { database: 'shop', table: 'item', op: 'u', ts: null, seq: 3n << 20n, row: { doc_id: '1' } },
    ]);
    const key = Buffer.from('{"_id":{"$oid":"65e1800000000000000000a1"}}');
    expect(bare(record(null, { key })).changes).toMatchObject([
      { op: 'd', row: { doc_id: '65e1800000000000000000a1' } },
    ]);
    expect(bare(record(null, { key: Buffer.from('{"_id":{"_data":"82"}}') })).changes).toEqual([]);
    expect(decode(record(null, { key })).changes).toEqual([]);
  });

  it('refuses every truncation and any damage with RecordUndecodable', () => {
    for (const name of fixtureCases('mongo-source')) {
      const whole = loadFixture('mongo-source', name).messages[1]?.value ?? Buffer.alloc(0);
      for (let length = 0; length < whole.length; length++) {
        undecodable(() => decode(record(whole.subarray(0, length))));
      }
      fc.assert(
        fc.property(fc.nat(whole.length - 1), fc.nat(255), (index, byte) => {
          const bytes = Buffer.from(whole);
          bytes[index] = byte;
          decodesOrRefuses(() => decode(record(bytes)));
        }),
        { numRuns: 200 },
      );
    }
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        decodesOrRefuses(() => decode(json(value)));
        decodesOrRefuses(() =>
          decode(json({ ...base, clusterTime: at, operationType: 'update', updateDescription: value })),
        );
      }),
      { numRuns: 200 },
    );
  });
});
