import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { createAdmin, sampleTail } from '../../../kafka/admin.js';
import { createKafka } from '../../../kafka/client.js';
import { Connections } from '../../../kafka/connections.js';
import { BufferPool } from '../../../kafka/buffer-pool.js';
import { fetchApi } from '../../../kafka/protocol/fetch.js';
import { listOffsetsApi, OffsetSpec } from '../../../kafka/protocol/list-offsets.js';
import { metadataApi } from '../../../kafka/protocol/metadata.js';
import { walkBatches } from '../../../kafka/record-batch.js';
import { createRangeReader } from '../../../kafka/range-reader.js';
import { readEndpoints } from '../../../stack/endpoints.js';
import { produce } from './support/java.js';
import { readRange, readTopic, uniqueTopic } from './support/read.js';

const { brokers } = readEndpoints().kafka;
const cluster = { brokers };
const admin = createAdmin(cluster);
const reader = createRangeReader(cluster, { stableWaitMs: 1_000, absentAfterMs: 1_000 });
const topics: string[] = [];

async function newTopic(
  name: string,
  settings: Record<string, string> = {},
  partitions = 1,
): Promise<string> {
  const topic = uniqueTopic(name);
  topics.push(topic);
  await admin.createTopic(topic, { partitions, settings });
  return topic;
}

/** Sends values with kafkajs' producer: quick, where nothing of Kafka's own is needed. */
async function send(topic: string, values: (string | Buffer)[], partition = 0): Promise<void> {
  const producer = createKafka(cluster).producer({ allowAutoTopicCreation: false });
  await producer.connect();
  await producer.send({ topic, messages: values.map((value) => ({ value, partition })) });
  await producer.disconnect();
}

const numbered = (count: number, prefix = 'v'): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`);

afterEach(async () => {
  for (const topic of topics.splice(0)) await admin.deleteTopic(topic).catch(() => undefined);
});

afterAll(async () => {
  await admin.close();
  await reader.close();
});

describe('what Kafka has lost', () => {
  it('is named when records are deleted past the position', async () => {
    const topic = await newTopic('retention');
    await send(topic, numbered(20));
    await admin.deleteRecordsBefore(topic, 0, 12);
    await expect(readRange(reader, topic, { from: 5, to: 20 })).rejects.toMatchObject({
      code: 'OffsetsLost',
      attributes: { lostFrom: 5, lostTo: 12, reason: 'retention', logStart: 12 },
    });
    const rest = await readRange(reader, topic, { from: 12, to: 20 });
    expect(rest.map(({ offset }) => offset)).toEqual([12, 13, 14, 15, 16, 17, 18, 19]);
  });

  it('is told from a topic that was deleted and created again, though it has more records by now', async () => {
    const topic = await newTopic('recreated');
    await send(topic, numbered(10, 'old'));
    const planned = await reader.positions(topic);
    await admin.deleteTopic(topic);
    await delay(500);
    await admin.createTopic(topic);
    await send(topic, numbered(30, 'new'));
    const topicId = planned.topicId!;
    await expect(readRange(reader, topic, { from: 5, to: 10 }, { topicId })).rejects.toMatchObject({
      code: 'OffsetsLost',
      attributes: { reason: 'recreated', plannedTopicId: topicId },
    });
    // The other reader has never seen the old topic, so that only the id it is given can tell it.
    const other = createRangeReader(cluster);
    await expect(readRange(other, topic, { from: 5, to: 10 }, { topicId })).rejects.toMatchObject({
      attributes: { reason: 'recreated' },
    });
    expect(await readRange(other, topic, { from: 0, to: 30 })).toHaveLength(30);
    await other.close();
  });

  it('is told from a new topic with fewer records, also without an id', async () => {
    const topic = await newTopic('shorter');
    await send(topic, numbered(3));
    await expect(readRange(reader, topic, { from: 100, to: 200 })).rejects.toMatchObject({
      code: 'OffsetsLost',
      attributes: { reason: 'beyond_end', lostFrom: 100, lostTo: 200, highWatermark: 3 },
    });
  });
});

describe('topics as they come', () => {
  it('has no records in an empty topic', async () => {
    const topic = await newTopic('empty', {}, 3);
    const { partitions } = await reader.positions(topic);
    expect(partitions).toEqual(
      [0, 1, 2].map((partition) => ({ partition, logStart: 0, lastStable: 0, highWatermark: 0 })),
    );
    expect(await readTopic(reader, topic)).toEqual([]);
    expect(await sampleTail(reader, topic, 5)).toEqual([]);
  });

  it('says of a topic that does not exist that it does not, and does not create it', async () => {
    const topic = uniqueTopic('absent');
    await expect(reader.positions(topic)).rejects.toMatchObject({ code: 'TopicNotFound' });
    await expect(readRange(reader, topic, { from: 0, to: 1 })).rejects.toMatchObject({
      code: 'TopicNotFound',
    });
    expect((await admin.listTopics()).map((summary) => summary.topic)).not.toContain(topic);
  });

  it('reads a record of 20 MB with a fetch limit of 1 MB', async () => {
    const topic = await newTopic('large', { 'max.message.bytes': '30000000' });
    const large = Buffer.alloc(20_000_000, 'x');
    await produce(brokers, [
      ['producer', 'p', 'none'],
      ['send', 'p', topic, 0, 'before', 'small'],
      ['flush', 'p'],
      ['fill', 'p', topic, 0, 1, large.length, 1],
      ['flush', 'p'],
      ['send', 'p', topic, 0, 'after', 'small'],
    ]);
    const records = await readRange(reader, topic, { from: 0, to: 3 }, { maxFetchBytes: 1 << 20 });
    expect(records.map(({ key }) => key)).toEqual(['before', 'k0', 'after']);
    expect(Buffer.byteLength(records[1]!.value!)).toBeGreaterThanOrEqual(large.length);
  });

  it('refuses a range above an open transaction, and reads it when that has ended', async () => {
    const topic = await newTopic('open');
    const id = uniqueTopic('tx');
    await produce(brokers, [
      ['producer', 'p', 'none', id],
      ['begin', 'p'],
      ['send', 'p', topic, 0, 'k', 'not yet'],
      ['producer', 'plain', 'none'],
      ['flush', 'p'],
      ['send', 'plain', topic, 0, 'k', 'behind it'],
    ]);
    expect((await reader.positions(topic)).partitions).toMatchObject([{ lastStable: 0, highWatermark: 2 }]);
    await expect(readRange(reader, topic, { from: 0, to: 2 })).rejects.toMatchObject({
      code: 'RangeBeyondStable',
      retryable: true,
    });
    // The same transactional id again: Kafka aborts what its predecessor left open.
    await produce(brokers, [['producer', 'p', 'none', id]]);
    const { lastStable } = (await reader.positions(topic)).partitions[0]!;
    expect(lastStable).toBe(3);
    expect((await readTopic(reader, topic)).map(({ offset, value }) => [offset, value])).toEqual([
      [1, 'behind it'],
    ]);
  });

  it('finds offsets by time, and samples the tail of every partition', async () => {
    const topic = await newTopic('times', {}, 2);
    const before = Date.now();
    await send(topic, numbered(5), 0);
    await delay(50);
    const middle = Date.now();
    await send(topic, numbered(5), 0);
    await send(topic, numbered(2, 'other'), 1);
    expect(await reader.offsetsForTime(topic, before)).toEqual(
      new Map([
        [0, 0],
        [1, 0],
      ]),
    );
    expect(await reader.offsetsForTime(topic, middle)).toEqual(
      new Map([
        [0, 5],
        [1, 0],
      ]),
    );
    expect(await reader.offsetsForTime(topic, Date.now() + 60_000)).toEqual(
      new Map([
        [0, 10],
        [1, 2],
      ]),
    );
    const tail = await sampleTail(reader, topic, 3);
    expect(tail.map(({ partition, offset, value }) => [partition, offset, value!.toString()])).toEqual([
      [0, 7, 'v2'],
      [0, 8, 'v3'],
      [0, 9, 'v4'],
      [1, 0, 'other0'],
      [1, 1, 'other1'],
    ]);
  });

  it('reads many partitions at once over the same connections', async () => {
    const topic = await newTopic('parallel', {}, 12);
    for (let partition = 0; partition < 12; partition++)
      await send(topic, numbered(200, `${partition}-`), partition);
    const fresh = createRangeReader(cluster);
    const records = await readTopic(fresh, topic, { maxFetchBytes: 1000 });
    expect(records).toHaveLength(12 * 200);
    expect(records.every(({ partition, value }) => value!.startsWith(`${partition}-`))).toBe(true);
    await fresh.close();
  });
});

// An upgrade or an older cluster must not change what is read (field note BM).
describe('every version that is spoken', () => {
  it('gives the same answers', async () => {
    const topic = await newTopic('versions');
    await send(topic, numbered(10));
    const connections = new Connections(cluster, new BufferPool());
    const all = (api: { minVersion: number; maxVersion: number }): number[] =>
      Array.from({ length: api.maxVersion - api.minVersion + 1 }, (_, index) => api.minVersion + index);
    let topicId: string | undefined;
    let leader = -1;
    for (const version of all(metadataApi)) {
      const { brokers: nodes, topics: found } = await connections.send(
        'any',
        metadataApi,
        { topic },
        version,
      );
      connections.learn(nodes);
      expect(found, `Metadata v${version}`).toMatchObject([
        { topic, errorCode: 0, partitions: [{ partition: 0 }] },
      ]);
      leader = found[0]!.partitions[0]!.leader;
      topicId = found[0]!.topicId;
      expect(topicId === undefined, `Metadata v${version}`).toBe(version < 10);
    }
    for (const version of all(listOffsetsApi)) {
      const request = {
        topic,
        committedOnly: true,
        timestamp: OffsetSpec.latest,
        partitions: [{ partition: 0, leaderEpoch: 0 }],
      };
      const { partitions } = await connections.send(leader, listOffsetsApi, request, version);
      expect(partitions, `ListOffsets v${version}`).toEqual([{ partition: 0, errorCode: 0, offset: 10 }]);
    }
    for (const version of all(fetchApi)) {
      const request = {
        topic,
        topicId,
        partition: 0,
        leaderEpoch: 0,
        offset: 4,
        maxBytes: 1 << 20,
        maxWaitMs: 100,
      };
      const { partition } = await connections.send(leader, fetchApi, request, version);
      expect(partition, `Fetch v${version}`).toMatchObject({
        errorCode: 0,
        highWatermark: 10,
        lastStable: 10,
      });
      expect(walkBatches(partition!.records).batches.at(-1)!.lastOffset, `Fetch v${version}`).toBe(9);
    }
    await connections.close();
  });
});
