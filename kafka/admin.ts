import type { Admin } from 'kafkajs';
import { createKafka, type ClusterOptions } from './client.js';
import { orAborted, withRetry, type RetryPolicy } from './retry.js';
import type { PartitionPosition, RangeReader } from './types.js';

export interface TopicSummary {
  topic: string;
  partitions: number;
  /** Kafka's own, such as __consumer_offsets. */
  internal: boolean;
}

export interface NewTopic {
  partitions?: number;
  replicationFactor?: number;
  /** Topic settings, such as `retention.ms`. */
  settings?: Record<string, string>;
}

/** The few administrative calls that discovery, the demo and the tests need. */
export interface KafkaAdmin {
  /** All topics that the credentials may see, by name. */
  listTopics(signal?: AbortSignal): Promise<TopicSummary[]>;
  /** False if a topic of that name is there already. */
  createTopic(topic: string, options?: NewTopic): Promise<boolean>;
  deleteTopic(topic: string): Promise<void>;
  /** Moves the log start of a partition up to an offset, as retention does. */
  deleteRecordsBefore(topic: string, partition: number, offset: number): Promise<void>;
  close(): Promise<void>;
}

/** A person waits for these calls: a shorter patience than a reader's. */
const RETRY: RetryPolicy = { baseMs: 200, maxMs: 1_000, forMs: 10_000 };

/** Administration of one cluster. Connects when first used; `close` it when done. */
export function createAdmin(cluster: ClusterOptions): KafkaAdmin {
  const admin = createKafka(cluster).admin({ retry: { retries: 2 } });
  let connected: Promise<void> | undefined;

  const call = <T>(what: string, run: (admin: Admin) => Promise<T>, signal?: AbortSignal): Promise<T> =>
    withRetry(
      what,
      { ...RETRY, cluster },
      signal,
      async () => {
        connected ??= admin.connect();
        await orAborted(connected, signal);
        return orAborted(run(admin), signal);
      },
      () => {
        connected = undefined;
      },
    );

  return {
    async listTopics(signal) {
      const { topics } = await call('the list of topics', (a) => a.fetchTopicMetadata(), signal);
      return topics
        .map(({ name, partitions }) => ({
          topic: name,
          partitions: partitions.length,
          internal: name.startsWith('__'),
        }))
        .sort((a, b) => (a.topic < b.topic ? -1 : 1));
    },

    createTopic: (topic, { partitions = 1, replicationFactor = -1, settings = {} } = {}) =>
      call(`creating topic ${topic}`, (a) =>
        a.createTopics({
          topics: [
            {
              topic,
              numPartitions: partitions,
              replicationFactor,
              configEntries: Object.entries(settings).map(([name, value]) => ({ name, value })),
            },
          ],
          waitForLeaders: true,
        }),
      ),

    deleteTopic: (topic) => call(`deleting topic ${topic}`, (a) => a.deleteTopics({ topics: [topic] })),

    deleteRecordsBefore: (topic, partition, offset) =>
      call(`deleting records of ${topic}/${partition}`, (a) =>
        a.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(offset) }] }),
      ),

    async close() {
      await connected?.catch(() => undefined);
      await admin.disconnect();
    },
  };
}

/** A record on its own, for looking at rather than for volume. */
export interface SampledRecord {
  partition: number;
  offset: number;
  timestamp: number;
  key: Buffer | null;
  value: Buffer | null;
}

/** A window of offsets that holds fewer records than asked for is widened this many times, four times each. */
const WIDENINGS = 5;

/**
 * The last `count` committed records of each partition, in offset order; fewer where the log has no more, or where
 * markers, aborted and compacted records leave next to nothing of a long stretch.
 */
export async function sampleTail(
  reader: RangeReader,
  topic: string,
  count: number,
  signal?: AbortSignal,
): Promise<SampledRecord[]> {
  const { partitions } = await reader.positions(topic, signal);
  const tails = await Promise.all(
    partitions.map((position) => tailOf(reader, topic, position, count, signal)),
  );
  return tails.flat();
}

async function tailOf(
  reader: RangeReader,
  topic: string,
  { partition, logStart, lastStable }: PartitionPosition,
  count: number,
  signal: AbortSignal | undefined,
): Promise<SampledRecord[]> {
  for (let width = count, turn = 0; ; width *= 4, turn++) {
    const from = Math.max(logStart, lastStable - width);
    const records: SampledRecord[] = [];
    const options = signal === undefined ? {} : { signal };
    for await (const block of reader.readRange(topic, { partition, from, to: lastStable }, options)) {
      const bytes = (start: number, end: number): Buffer | null =>
        start < 0 ? null : Buffer.from(block.bytes.subarray(start, end));
      for (let index = Math.max(0, block.count - count); index < block.count; index++) {
        records.push({
          partition,
          offset: block.offsets[index]!,
          timestamp: block.timestamps[index]!,
          key: bytes(block.keyStart[index]!, block.keyEnd[index]!),
          value: bytes(block.valueStart[index]!, block.valueEnd[index]!),
        });
      }
      records.splice(0, Math.max(0, records.length - count));
    }
    if (records.length >= count || from === logStart || turn === WIDENINGS) return records;
  }
}
