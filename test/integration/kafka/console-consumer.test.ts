import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAdmin } from '../../../kafka/admin.js';
import { createKafka } from '../../../kafka/client.js';
import { createRangeReader } from '../../../kafka/range-reader.js';
import { readEndpoints } from '../../../stack/endpoints.js';
import { CONFIG_COMMAND, runKafkaTool } from '../../../stack/kafka-tools.js';
import { consoleConsume, produce, type ConsumedRecord } from './support/java.js';
import { readRange, readTopic, uniqueTopic } from './support/read.js';

/*
 * What Kafka's own producers wrote, read by us and by Kafka's own consumer: both have to see the same records. Where
 * they differ, rows would be missing in Hive, or rows be there that the application rolled back.
 */
const { brokers } = readEndpoints().kafka;
const cluster = { brokers };
const admin = createAdmin(cluster);
const reader = createRangeReader(cluster);
const codecs = uniqueTopic('codecs');
const transactions = uniqueTopic('transactions');
const compacted = uniqueTopic('compacted');

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

beforeAll(async () => {
  await admin.createTopic(codecs, { partitions: 2 });
  await admin.createTopic(transactions, { partitions: 2 });
  await admin.createTopic(compacted, {
    settings: {
      'cleanup.policy': 'compact',
      'segment.ms': '200',
      'min.cleanable.dirty.ratio': '0.01',
      'delete.retention.ms': '0',
      'max.compaction.lag.ms': '500',
    },
  });
  await produce(brokers, [...codecScript(), ...transactionScript(), ...compactedScript()]);
});

afterAll(async () => {
  for (const topic of [codecs, transactions, compacted]) await admin.deleteTopic(topic);
  await admin.close();
  await reader.close();
});

/** Every codec in both partitions, from records of nothing to records that fill several blocks of a codec. */
function codecScript(): (string | number)[][] {
  return CODECS.flatMap((codec) => [
    ['producer', codec, codec],
    ['send', codec, codecs, 0, '\\N', '\\N'],
    ['send', codec, codecs, 0, 'key', ''],
    ['send', codec, codecs, 0, '', '值'],
    ['fill', codec, codecs, 0, 400, 300, 50],
    ['flush', codec],
    ['fill', codec, codecs, 1, 3, 400_000, 50],
    ['flush', codec],
  ]);
}

/** Two transactional producers and a plain one, interleaved; each ending with markers at the end of a partition. */
function transactionScript(): (string | number)[][] {
  const rounds = Array.from({ length: 6 }, (_, round) => [
    ['begin', 'a'],
    ['begin', 'b'],
    ['fill', 'a', transactions, 0, 5 + round * 7, 200, 20],
    ['fill', 'plain', transactions, 0, 9, 120, 20],
    ['flush', 'a'],
    ['fill', 'b', transactions, 0, 30, 90, 20],
    ['fill', 'b', transactions, 1, 4, 90, 20],
    ['send', 'b', transactions, 0, '\0\0\0\0', 'a key that looks like a marker'],
    ['flush', 'plain'],
    [round % 2 === 0 ? 'abort' : 'commit', 'a'],
    [round % 3 === 0 ? 'commit' : 'abort', 'b'],
  ]);
  return [
    ['producer', 'a', 'lz4', uniqueTopic('tx-a')],
    ['producer', 'b', 'none', uniqueTopic('tx-b')],
    ['producer', 'plain', 'zstd'],
    ...rounds.flat(),
  ];
}

/** The same few keys again and again, also in transactions, so that whole batches become empty. */
function compactedScript(): (string | number)[][] {
  return [
    ['producer', 'c', 'snappy'],
    ['producer', 'd', 'none', uniqueTopic('tx-d')],
    ...Array.from({ length: 5 }, (_, round) => [
      ['fill', 'c', compacted, 0, 200, 100, 3],
      ['flush', 'c'],
      ['begin', 'd'],
      ['fill', 'd', compacted, 0, 60, 100, 5],
      [round === 2 ? 'abort' : 'commit', 'd'],
    ]).flat(),
  ];
}

async function expectSame(topic: string): Promise<ConsumedRecord[]> {
  const theirs = await consoleConsume(brokers, topic);
  const ours = await readTopic(reader, topic);
  expect(ours.length).toBe(theirs.length);
  expect(ours).toEqual(theirs);
  return ours;
}

describe('the same records as the console consumer', () => {
  it('sees in every codec', async () => {
    const records = await expectSame(codecs);
    expect(records).toHaveLength(CODECS.length * (3 + 400 + 3));
  });

  it('sees of interleaved, committed and aborted transactions', async () => {
    const records = await expectSame(transactions);
    const { partitions } = await reader.positions(transactions);
    const written = partitions.reduce((sum, { lastStable }) => sum + lastStable, 0);
    expect(records.length).toBeGreaterThan(200);
    expect(records.length).toBeLessThan(written);
  });

  it('sees of a transactional topic in ranges cut anywhere', async () => {
    const whole = await readTopic(reader, transactions);
    const { lastStable } = (await reader.positions(transactions)).partitions[0]!;
    const parts: ConsumedRecord[] = [];
    for (let from = 0; from < lastStable; from += 17) {
      const to = Math.min(from + 17, lastStable);
      parts.push(...(await readRange(reader, transactions, { from, to }, { maxFetchBytes: 2000 })));
    }
    expect(parts).toEqual(whole.filter(({ partition }) => partition === 0));
  });

  it(
    'sees of a compacted topic, whose batches have lost records or all of them',
    { timeout: 300_000 },
    async () => {
      const before = (await readTopic(reader, compacted)).length;
      await compactTo(before / 2);
      const records = await expectSame(compacted);
      expect(records.length).toBeLessThan(before / 2);
      const { lastStable } = (await reader.positions(compacted)).partitions[0]!;
      expect(lastStable).toBeGreaterThan(before);
    },
  );
});

/** Waits until Kafka's log cleaner has left fewer than so many records of the compacted topic. */
async function compactTo(records: number): Promise<void> {
  const producer = createKafka(cluster).producer();
  await producer.connect();
  try {
    for (let attempt = 0; attempt < 2; attempt++) {
      for (const until = Date.now() + 90_000; Date.now() < until;) {
        // Something new, so that the last written segment is rolled and may be cleaned.
        await producer.send({ topic: compacted, messages: [{ partition: 0, key: 'key-0', value: 'newer' }] });
        await delay(2_000);
        if ((await readTopic(reader, compacted)).length < records) return;
      }
      await restartCleaner();
    }
  } finally {
    await producer.disconnect();
  }
  const { partitions } = await reader.positions(compacted);
  throw new Error(`Kafka did not compact ${compacted}: ${JSON.stringify(partitions)}`);
}

/** A cleaner thread that met an error does not come back by itself; another number of threads starts new ones. */
async function restartCleaner(): Promise<void> {
  const change = ['--alter', '--add-config', 'log.cleaner.threads=2'];
  await runKafkaTool(CONFIG_COMMAND, [
    ...['--bootstrap-server', brokers.join(','), '--entity-type', 'brokers', '--entity-default'],
    ...change,
  ]);
}
