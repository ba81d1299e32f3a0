import { Kafka, logLevel } from 'kafkajs';
import type { ClickRecord } from './clicks.js';

/** What was produced, for comparing with what Hive answers. */
export interface Produced {
  records: number;
  /** `dt/hh` -> rows. */
  partitions: Map<string, number>;
  /** Reason -> records. */
  reasons: Map<string, number>;
}

export const nothingProduced = (): Produced => ({ records: 0, partitions: new Map(), reasons: new Map() });

const BATCH = 2_000;

/** Creates a topic that must not exist yet. */
export async function createTopic(brokers: string[], topic: string, partitions: number): Promise<void> {
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    await admin.createTopics({
      topics: [{ topic, numPartitions: partitions, replicationFactor: 1 }],
      waitForLeaders: true,
    });
  } finally {
    await admin.disconnect();
  }
}

/** Sends the records round robin and adds them to the account. */
export async function produce(
  brokers: string[],
  topic: string,
  partitions: number,
  records: Iterable<ClickRecord>,
  account: Produced,
  onProgress: (records: number) => void,
): Promise<void> {
  const producer = new Kafka({ brokers, logLevel: logLevel.NOTHING }).producer();
  await producer.connect();
  try {
    let batch: ClickRecord[] = [];
    const flush = async (): Promise<void> => {
      const messages = batch.map(({ value }, i) => ({
        value,
        partition: (account.records + i) % partitions,
      }));
      await producer.send({ topic, messages });
      for (const record of batch) enter(account, record);
      batch = [];
      onProgress(account.records);
    };
    for (const record of records) {
      batch.push(record);
      if (batch.length === BATCH) await flush();
    }
    if (batch.length > 0) await flush();
  } finally {
    await producer.disconnect();
  }
}

function enter(account: Produced, { expected }: ClickRecord): void {
  account.records += 1;
  const [counts, key] =
    'partition' in expected ? [account.partitions, expected.partition] : [account.reasons, expected.reason];
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
