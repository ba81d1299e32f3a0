import { serialize, Timestamp } from 'bson';
import { deflateRawSync, deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { crc32 } from '../../../changelog/decoders/crc32.js';
import { createMongoShakeDecoder } from '../../../changelog/decoders/mongoshake.js';
import { record, undecodable } from './support.js';

const decode = createMongoShakeDecoder();

/** A raw message around logs, as MongoShake's TMessage.ToBytes writes it. */
function raw(
  logs: Buffer[],
  more: { count?: number; compress?: number; checksum?: number; tag?: number } = {},
): Buffer {
  const header = Buffer.alloc(20);
  const sum = logs.reduce((xor, log) => (xor ^ crc32(log)) >>> 0, 0);
  header.writeUInt32BE(more.checksum ?? sum, 0);
  header.writeUInt32BE(more.tag ?? 0x1000, 4);
  header.writeUInt32BE(2, 8);
  header.writeUInt32BE(more.compress ?? 0, 12);
  header.writeUInt32BE(more.count ?? logs.length, 16);
  const body = logs.flatMap((log) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(log.length);
    return [length, log];
  });
  return Buffer.concat([header, ...body]);
}

const oplog = (entry: Record<string, unknown>): Buffer =>
  Buffer.from(serialize({ ts: new Timestamp({ t: 1709251200, i: 3 }), op: 'i', ns: 'a.b', ...entry }));

describe('mongoshake raw', () => {
  it('decodes the annotated example of the reference, byte for byte', () => {
    const hex =
      'a02eac65 00001000 00000002 00000000 00000001 00000038' +
      '38000000 11 7473 00 03000000 801ae165 02 6f7000 02000000 6400 02 6e7300 04000000 612e6200' +
      '03 6f00 0e000000 10 5f696400 07000000 00 00';
    const { changes } = decode(record(Buffer.from(hex.replaceAll(' ', ''), 'hex'), { offset: 5 }));
    expect(changes).toMatchObject([
      {
        database: 'a',
        table: 'b',
        op: 'd',
        ts: (1709251200n << 32n) | 3n,
        seq: 5n << 20n,
        eventMs: 1709251200000,
        row: { doc_id: '7' },
        key: ['doc_id'],
      },
    ]);
  });

  it('takes nothing from a prefix of a batch and everything from its last record', () => {
    const logs = [oplog({ o: { _id: 1 } }), oplog({ o: { _id: 2 } })];
    const sum = logs.reduce((xor, log) => (xor ^ crc32(log)) >>> 0, 0);
    const prefix = raw(logs.slice(0, 1), { count: 2, checksum: sum });
    expect(decode(record(prefix)).changes).toEqual([]);
    expect(decode(record(raw(logs))).changes.map(({ row, seq }) => [row.doc_id, seq])).toEqual([
      ['1', 0n],
      ['2', 1n],
    ]);
  });

  it('refuses a complete record whose checksum is wrong', () => {
    const error = undecodable(() => decode(record(raw([oplog({ o: { _id: 1 } })], { checksum: 7 }))));
    expect(error.attributes.reason).toBe('bad-checksum');
  });

  it('knows every compression code', () => {
    const log = oplog({ o: { _id: 1 } });
    expect(decode(record(raw([deflateSync(log)], { compress: 3 }))).changes).toHaveLength(1);
    expect(decode(record(raw([deflateRawSync(log)], { compress: 4 }))).changes).toHaveLength(1);
    // MongoShake with snappy says compressed but is not.
    expect(decode(record(raw([log], { compress: 2 }))).changes).toHaveLength(1);
    undecodable(() => decode(record(raw([Buffer.from('no gzip')], { compress: 1 }))));
    undecodable(() => decode(record(raw([log], { compress: 9 }))));
  });

  it('refuses every truncation that is not a prefix of the batch', () => {
    const logs = [oplog({ o: { _id: 1 } }), oplog({ o: { _id: 2 } })];
    const whole = raw(logs);
    const boundary = 20 + 4 + (logs[0]?.length ?? 0);
    for (let length = 0; length < whole.length; length++) {
      const cut = () => createMongoShakeDecoder({ message: 'raw' })(record(whole.subarray(0, length)));
      if (length === boundary) expect(cut().changes).toEqual([]);
      else undecodable(cut);
    }
  });
});
