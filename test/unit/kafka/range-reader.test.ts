import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { kafkaUnavailable } from '../../../kafka/errors.js';
import { KafkaError } from '../../../kafka/protocol/error-codes.js';
import { readAll, readerOn } from './support/collect.js';
import { encodeBatch } from './support/encode.js';
import { emptyLog, ModelBroker, type StoredLog } from './support/model-broker.js';

/** A log of one record a batch, offsets 0 to count - 1. */
function logOf(count: number, size = 10): StoredLog {
  const batches = Array.from({ length: count }, (_, offset) => ({
    baseOffset: offset,
    lastOffset: offset,
    bytes: encodeBatch({
      baseOffset: offset,
      lastOffset: offset,
      records: [{ offset, timestamp: 1, key: null, value: Buffer.alloc(size, 0x41) }],
    }),
  }));
  return { ...emptyLog(), batches, lastStable: count, highWatermark: count };
}

const connectionError = (): Error =>
  Object.assign(new Error('Connection error: ECONNREFUSED'), { name: 'KafkaJSConnectionError' });

let unhandled: unknown[];
const note = (error: unknown): void => void unhandled.push(error);

beforeEach(() => {
  unhandled = [];
  process.on('unhandledRejection', note);
});

afterEach(async () => {
  await delay(5);
  process.off('unhandledRejection', note);
  expect(unhandled).toEqual([]);
});

describe('loss is permanent and named', () => {
  it('says which offsets retention took, and reads nothing', async () => {
    const broker = new ModelBroker({ ...logOf(10), logStart: 6 });
    await expect(readAll(readerOn(broker), 2, 9)).rejects.toMatchObject({
      code: 'OffsetsLost',
      retryable: false,
      attributes: { partition: 0, lostFrom: 2, lostTo: 6, reason: 'retention', logStart: 6 },
      message: expect.stringMatching(/2 to 5 of t\/0.*retention/s) as string,
    });
  });

  it('says so when retention overtakes a read that is under way', async () => {
    const broker = new ModelBroker(logOf(10));
    const reader = readerOn(broker);
    const seen: number[] = [];
    const reading = (async () => {
      for await (const block of reader.readRange(
        't',
        { partition: 0, from: 0, to: 10 },
        { maxFetchBytes: 1 },
      )) {
        seen.push(...block.offsets);
        if (seen.length === 3) broker.log.logStart = 8;
      }
    })();
    await expect(reading).rejects.toMatchObject({ code: 'OffsetsLost', attributes: { lostTo: 8 } });
    expect(seen).toEqual(seen.map((_, index) => index));
  });

  it('tells a log that ends before the range, as after truncation', async () => {
    const broker = new ModelBroker(logOf(5));
    await expect(readAll(readerOn(broker), 3, 9)).rejects.toMatchObject({
      code: 'OffsetsLost',
      attributes: { reason: 'beyond_end', lostFrom: 5, lostTo: 9, highWatermark: 5 },
    });
    await expect(readAll(readerOn(broker), 7, 9)).rejects.toMatchObject({
      code: 'OffsetsLost',
      attributes: { lostFrom: 7, lostTo: 9 },
    });
  });

  it('tells a recreated topic by its id, however many records it has', async () => {
    const broker = new ModelBroker(logOf(10));
    await expect(
      readAll(readerOn(broker), 0, 5, { topicId: 'BBBBBBBBBBBBBBBBBBBBBQ' }),
    ).rejects.toMatchObject({
      code: 'OffsetsLost',
      attributes: {
        reason: 'recreated',
        plannedTopicId: 'BBBBBBBBBBBBBBBBBBBBBQ',
        topicId: broker.log.topicId,
      },
    });
    expect(broker.fetches).toHaveLength(0);
  });

  it('tells a topic that is recreated between two fetches', async () => {
    const broker = new ModelBroker(logOf(10));
    const reading = (async () => {
      const range = { partition: 0, from: 0, to: 10 };
      for await (const block of readerOn(broker).readRange('t', range, { maxFetchBytes: 1 })) {
        if (block.offsets[0] === 2) broker.log = { ...logOf(20), topicId: 'CCCCCCCCCCCCCCCCCCCCCQ' };
      }
    })();
    await expect(reading).rejects.toMatchObject({ code: 'OffsetsLost', attributes: { reason: 'recreated' } });
  });

  it('takes an absent topic or partition for absent only after asking for a while', async () => {
    const broker = new ModelBroker(logOf(1));
    const reader = readerOn(broker, { absentAfterMs: 30 });
    broker.exists = false;
    await expect(reader.positions('t')).rejects.toMatchObject({ code: 'TopicNotFound', retryable: false });
    expect(broker.metadataCalls).toBeGreaterThan(1);
    const reading = reader.positions('t');
    await delay(5);
    broker.exists = true;
    expect((await reading).partitions).toHaveLength(1);
    const noPartition = reader.readRange('t', { partition: 3, from: 0, to: 1 }).next();
    await expect(noPartition).rejects.toMatchObject({ code: 'TopicNotFound', attributes: { partition: 3 } });
  });
});

describe('trouble that passes', () => {
  it('waits for an open transaction, then says that it is open', async () => {
    const broker = new ModelBroker({ ...logOf(10), lastStable: 4 });
    await expect(readAll(readerOn(broker), 0, 10)).rejects.toMatchObject({
      code: 'RangeBeyondStable',
      retryable: true,
      attributes: { lastStable: 4 },
    });
    const reading = readAll(readerOn(broker, { stableWaitMs: 150 }), 0, 10);
    await delay(20);
    broker.log.lastStable = 10;
    expect(await reading).toHaveLength(10);
  });

  it('asks for the leader again after each failure', async () => {
    const broker = new ModelBroker(logOf(3));
    broker.faults = [{ errorCode: KafkaError.NOT_LEADER_OR_FOLLOWER }, connectionError()];
    expect(await readAll(readerOn(broker), 0, 3)).toHaveLength(3);
    expect(broker.metadataCalls).toBe(3);
  });

  it('gives up as KafkaUnavailable, retryable, with the cause', async () => {
    const broker = new ModelBroker(logOf(3));
    broker.faults = Array.from({ length: 10_000 }, connectionError);
    const start = Date.now();
    await expect(readAll(readerOn(broker), 0, 3)).rejects.toMatchObject({
      code: 'KafkaUnavailable',
      retryable: true,
      message: expect.stringContaining('ECONNREFUSED') as string,
    });
    expect(Date.now() - start).toBeLessThan(2_000);
  });

  // A page that says "Kafka did not answer" at night is of use only if it says which Kafka, and where that is written.
  it('names the brokers and the key of the config that has them', () => {
    const cluster = { name: 'logs', brokers: ['k1:9092', 'k2:9092'] };
    const { message } = kafkaUnavailable('metadata of topic t', new Error('ECONNREFUSED'), cluster);
    expect(message).toMatch(
      /metadata of topic t: ECONNREFUSED.*k1:9092, k2:9092 \(kafka\.logs\.brokers\).*Check/,
    );
  });

  it('does not try again what cannot work: a denied topic', async () => {
    const broker = new ModelBroker(logOf(3));
    broker.faults = [{ errorCode: KafkaError.TOPIC_AUTHORIZATION_FAILED }];
    await expect(readAll(readerOn(broker), 0, 3)).rejects.toMatchObject({
      code: 'KafkaRefused',
      retryable: false,
    });
    expect(broker.fetches).toHaveLength(1);
  });
});

describe('size', () => {
  it('reads a batch that is larger than the fetch', async () => {
    const broker = new ModelBroker(logOf(3, 50_000));
    const seen = await readAll(readerOn(broker), 0, 3, { maxFetchBytes: 1000 });
    expect(seen.map(({ value }) => value!.length)).toEqual([50_000, 50_000, 50_000]);
  });

  it('asks for more where a broker cuts even the first batch, then for the usual again', async () => {
    const broker = new ModelBroker(logOf(3, 5_000));
    const fetch = broker.fetch.bind(broker);
    broker.fetch = async (leader, request) => {
      const answer = await fetch(leader, request);
      return answer && { ...answer, records: answer.records.subarray(0, request.maxBytes) };
    };
    expect(await readAll(readerOn(broker), 0, 3, { maxFetchBytes: 1000 })).toHaveLength(3);
    expect(Math.max(...broker.fetches.map(({ maxBytes }) => maxBytes))).toBe(
      broker.log.batches[0]!.bytes.length,
    );
    expect(broker.fetches.filter(({ maxBytes }) => maxBytes === 1000)).toHaveLength(3);
  });

  it('holds one fetch ahead of the caller, not more', async () => {
    const broker = new ModelBroker(logOf(10));
    const blocks = readerOn(broker).readRange('t', { partition: 0, from: 0, to: 10 }, { maxFetchBytes: 1 });
    await blocks.next();
    await delay(10);
    expect(broker.fetches.map(({ offset }) => offset)).toEqual([0, 1]);
    await blocks.return();
    await delay(10);
    expect(broker.fetches).toHaveLength(2);
  });

  it('gives the memory of a fetch back once its blocks are used up', async () => {
    const broker = new ModelBroker(logOf(3));
    await readAll(readerOn(broker), 0, 3, { maxFetchBytes: 1 });
    expect(broker.released).toBe(3);
  });
});

describe('an empty answer', () => {
  it('ends a range whose rest compaction has taken, before an open transaction', async () => {
    const log = logOf(10);
    log.batches = log.batches.filter(({ baseOffset }) => baseOffset < 4);
    const progress: number[] = [];
    const onProgress = (_partition: number, position: number): void => void progress.push(position);
    expect(await readAll(readerOn(new ModelBroker(log)), 0, 10, { onProgress })).toHaveLength(4);
    expect(progress.at(-1)).toBe(10);
  });

  it('proves nothing while a broker is still loading the remote part of a tiered log', async () => {
    const broker = new ModelBroker(logOf(5));
    broker.localStart = 5;
    broker.faults = ['empty', 'empty', 'empty', 'empty'];
    expect(await readAll(readerOn(broker), 0, 5)).toHaveLength(5);
  });

  it('proves nothing if it comes once, or from a throttling broker', async () => {
    const broker = new ModelBroker(logOf(5));
    broker.faults = ['empty', 'throttled', 'throttled'];
    expect(await readAll(readerOn(broker), 0, 5)).toHaveLength(5);
  });
});

describe('stopping', () => {
  it("throws the signal's reason from wherever it waits", async () => {
    for (const faults of [[], Array.from({ length: 10_000 }, connectionError)]) {
      const broker = new ModelBroker(logOf(5));
      broker.faults = faults;
      if (faults.length === 0) broker.fetch = () => new Promise(() => undefined);
      const controller = new AbortController();
      const reader = readerOn(broker, { retry: { baseMs: 5_000, maxMs: 5_000, forMs: 60_000 } });
      const reading = readAll(reader, 0, 5, { signal: controller.signal });
      const reason = new Error('cancelled by the workflow');
      setTimeout(() => controller.abort(reason), 10);
      await expect(reading).rejects.toBe(reason);
    }
  });

  it('refuses to begin when it is cancelled already', async () => {
    const broker = new ModelBroker(logOf(5));
    const reason = new Error('too late');
    await expect(readAll(readerOn(broker), 0, 5, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await expect(readerOn(broker).positions('t', AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(broker.fetches).toHaveLength(0);
  });

  it('leaves nothing behind when the caller stops asking while the next fetch fails', async () => {
    const broker = new ModelBroker(logOf(5));
    const reader = readerOn(broker, { retry: { baseMs: 5, maxMs: 5, forMs: 60_000 } });
    const fetch = broker.fetch.bind(broker);
    let attempts = 0;
    broker.fetch = (leader, request) => {
      attempts++;
      return request.offset === 0 ? fetch(leader, request) : Promise.reject(connectionError());
    };
    const blocks = reader.readRange('t', { partition: 0, from: 0, to: 5 }, { maxFetchBytes: 1 });
    await blocks.next();
    await blocks.return();
    await delay(10);
    const before = attempts;
    await delay(40);
    expect(attempts).toBe(before);
  });

  it('leaves no listener on a signal that outlives the read', async () => {
    const controller = new AbortController();
    let listeners = 0;
    const { signal } = controller;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => (listeners++, add(...args));
    signal.removeEventListener = (...args: Parameters<typeof remove>) => (listeners--, remove(...args));
    await readAll(readerOn(new ModelBroker(logOf(5))), 0, 5, { signal });
    expect(listeners).toBe(0);
  });

  it('hands on an error of the caller as it is', async () => {
    const error = new Error('disk full');
    const blocks = readerOn(new ModelBroker(logOf(5))).readRange('t', { partition: 0, from: 0, to: 5 });
    await blocks.next();
    await expect(blocks.throw(error)).rejects.toBe(error);
  });
});

describe('positions', () => {
  it("tells log start, last stable offset, high watermark and the topic's id", async () => {
    const broker = new ModelBroker({ ...logOf(10), logStart: 2, lastStable: 7 });
    const before = Date.now();
    const positions = await readerOn(broker).positions('t');
    expect(positions).toMatchObject({
      topic: 't',
      topicId: broker.log.topicId,
      partitions: [{ partition: 0, logStart: 2, lastStable: 7, highWatermark: 10 }],
    });
    expect(positions.asOf).toBeGreaterThanOrEqual(before);
  });

  it('answers the end of the committed log for a time after the last record', async () => {
    const broker = new ModelBroker({ ...logOf(10), lastStable: 7 });
    expect(await readerOn(broker).offsetsForTime('t', 5e12)).toEqual(new Map([[0, 7]]));
  });

  it('reads an empty range without asking Kafka, and refuses nonsense', async () => {
    const broker = new ModelBroker(logOf(1));
    expect(await readAll(readerOn(broker), 9, 9)).toEqual([]);
    expect(broker.metadataCalls).toBe(0);
    await expect(readAll(readerOn(broker), 5, 4)).rejects.toMatchObject({ code: 'InvalidRange' });
    await expect(readAll(readerOn(broker), 0.5, 4)).rejects.toMatchObject({ code: 'InvalidRange' });
  });
});

describe('bytes behind the end of a range', () => {
  // Splits of one topic lie side by side: what each fetches beyond its end is fetched again by the next.
  it('are hardly fetched, however long the log goes on', async () => {
    const size = 4_000;
    const broker = new ModelBroker(logOf(3_000, size));
    let fetched = 0;
    const options = { onFetched: (bytes: number) => void (fetched += bytes) };
    const seen = [];
    for await (const block of readerOn(broker).readRange(
      't',
      { partition: 0, from: 200, to: 1_200 },
      options,
    ))
      seen.push(...block.offsets);
    expect(seen).toHaveLength(1_000);
    expect(fetched).toBeGreaterThan(1_000 * size);
    expect(fetched).toBeLessThan(1_000 * size * 1.06);
  });
});
