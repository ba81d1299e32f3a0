import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { fetchApi, type FetchRequest } from '../../../kafka/protocol/fetch.js';
import { listOffsetsApi } from '../../../kafka/protocol/list-offsets.js';
import { metadataApi } from '../../../kafka/protocol/metadata.js';
import { decodeResponse, encodeRequest, negotiate } from '../../../kafka/protocol/request.js';
import { WireReader, WireWriter } from '../../../kafka/protocol/wire.js';

/** kafkajs' own encoders, written by others, as a second opinion on the versions that it knows. */
const requireKafkajs = createRequire(import.meta.url);
async function kafkajsBody(api: string, version: number, options: object): Promise<Buffer> {
  const path = `kafkajs/src/protocol/requests/${api}/v${version}/request.js`;
  const make = requireKafkajs(path) as (options: object) => { encode(): Promise<{ buffer: Buffer }> };
  return (await make(options).encode()).buffer;
}

const fetchRequest: FetchRequest = {
  topic: '主题.t',
  topicId: 'AAECAwQFBgcICQoLDA0ODw',
  partition: 3,
  leaderEpoch: 9,
  offset: 2 ** 41 + 5,
  maxBytes: 1 << 20,
  maxWaitMs: 500,
};

// A field too many or too few, and a broker closes the connection or reads another field's bytes as an offset.
describe('requests', () => {
  it.each([4, 5, 6, 7, 8, 9, 10, 11])('Fetch v%i has the bytes that kafkajs sends', async (version) => {
    const { topic, partition, leaderEpoch, offset, maxBytes, maxWaitMs } = fetchRequest;
    const expected = await kafkajsBody('fetch', version, {
      replicaId: -1,
      maxWaitTime: maxWaitMs,
      minBytes: 1,
      maxBytes,
      isolationLevel: 1,
      topics: [
        {
          topic,
          partitions: [{ partition, currentLeaderEpoch: leaderEpoch, fetchOffset: offset, maxBytes }],
        },
      ],
    });
    expect(encodeRequest(fetchApi, fetchRequest, version).equals(expected)).toBe(true);
  });

  it.each([2, 3])('ListOffsets v%i has the bytes that kafkajs sends', async (version) => {
    const partitions = [1, 2].map((partition) => ({ partition, leaderEpoch: 0 }));
    const expected = await kafkajsBody('listOffsets', version, {
      replicaId: -1,
      isolationLevel: 1,
      topics: [{ topic: 't', partitions: partitions.map(({ partition }) => ({ partition, timestamp: -2 })) }],
    });
    const request = { topic: 't', committedOnly: true, timestamp: -2, partitions };
    expect(encodeRequest(listOffsetsApi, request, version).equals(expected)).toBe(true);
  });

  it.each([4, 5, 6])('Metadata v%i has the bytes that kafkajs sends', async (version) => {
    const expected = await kafkajsBody('metadata', version, { topics: ['t'], allowAutoTopicCreation: false });
    expect(encodeRequest(metadataApi, { topic: 't' }, version).equals(expected)).toBe(true);
  });

  it('grows for a topic name of any length, and names topics by id from Fetch v13 on', () => {
    const long = { ...fetchRequest, topic: 'x'.repeat(249) };
    expect(encodeRequest(fetchApi, long, 12).includes(Buffer.from(long.topic))).toBe(true);
    const byId = encodeRequest(fetchApi, long, 13);
    expect(byId.includes(Buffer.from(long.topic))).toBe(false);
    expect(byId.includes(Buffer.from(long.topicId!, 'base64url'))).toBe(true);
  });
});

describe('responses', () => {
  it('read a throttled answer, which has no partitions', () => {
    const body = new WireWriter(true)
      .noTags()
      .int32(250)
      .int16(0)
      .int32(0)
      .array([], () => undefined)
      .noTags();
    expect(decodeResponse(fetchApi, body.finish(), 13)).toEqual({ throttleMs: 250, partition: undefined });
  });

  it('fail on an answer that ends early, instead of reading zeros', () => {
    const body = new WireWriter(false).int32(0).int16(0).int32(0).int32(1).string('t').int32(1).int32(0);
    expect(() => decodeResponse(fetchApi, body.finish(), 11)).toThrow(/response ends/);
  });

  it('skip tagged fields that a newer broker adds', () => {
    const tags = Buffer.from([2, 0, 1, 0xff, 5, 2, 1, 2, 42]);
    const reader = new WireReader(tags, true);
    reader.tags();
    expect(reader.int8()).toBe(42);
  });

  it('read the zero topic id as none, and offsets beyond 2^53 as an error', () => {
    expect(new WireReader(Buffer.alloc(16), true).uuid()).toBeUndefined();
    expect(() => new WireReader(Buffer.from('0020000000000000', 'hex'), false).int64()).toThrow(RangeError);
    expect(new WireReader(Buffer.from('001fffffffffffff', 'hex'), false).int64()).toBe(
      Number.MAX_SAFE_INTEGER,
    );
    expect(new WireReader(Buffer.from('ffffffffffffffff', 'hex'), false).int64()).toBe(-1);
  });
});

// Field note BM: brokers drop old versions, and old brokers lack new ones.
describe('negotiate', () => {
  it('takes the newest version that both speak', () => {
    const range = (minVersion: number, maxVersion: number) => ({ 1: { minVersion, maxVersion } });
    expect(negotiate(fetchApi, range(4, 18))).toBe(13);
    expect(negotiate(fetchApi, range(0, 11))).toBe(11);
    expect(negotiate(fetchApi, range(4, 18), 12)).toBe(12);
    expect(negotiate(fetchApi, range(14, 20))).toBeUndefined();
    expect(negotiate(fetchApi, range(0, 3))).toBeUndefined();
    expect(negotiate(fetchApi, {})).toBeUndefined();
  });
});
