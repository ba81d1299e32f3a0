import { createHash } from 'node:crypto';
import { Kafka, logLevel, type Producer } from 'kafkajs';
import type { OutRecord } from './records.js';

/** Sends change records as such logs come in life: every now and then one comes twice, and one comes after its successors. */
export class LogWriter {
  readonly sent: Record<string, number> = {};
  twice = 0;
  late = 0;
  private readonly pending = new Set<Promise<unknown>>();

  private constructor(
    private readonly producer: Producer,
    private readonly partitions: Record<string, number>,
    private readonly random: () => number,
  ) {}

  static async open(
    brokers: string[],
    partitions: Record<string, number>,
    random: () => number,
  ): Promise<LogWriter> {
    const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING });
    const producer = kafka.producer({ maxInFlightRequests: 1 });
    await producer.connect();
    return new LogWriter(producer, partitions, random);
  }

  async send(topic: string, records: OutRecord[]): Promise<void> {
    const now: OutRecord[] = [];
    for (const record of records) {
      const dice = this.random();
      if (dice < 0.02) {
        this.late += 1;
        this.later(topic, record);
        continue;
      }
      now.push(record);
      if (dice > 0.02 && dice < 0.04) {
        this.twice += 1;
        this.later(topic, record);
      }
    }
    await this.write(topic, now);
  }

  async close(): Promise<void> {
    await Promise.all(this.pending);
    await this.producer.disconnect();
  }

  private later(topic: string, record: OutRecord): void {
    const delayed = new Promise((resolve) => setTimeout(resolve, 200 + this.random() * 1_500))
      .then(() => this.write(topic, [record]))
      .finally(() => this.pending.delete(delayed));
    this.pending.add(delayed);
  }

  private async write(topic: string, records: OutRecord[]): Promise<void> {
    if (records.length === 0) return;
    const messages = records.map(({ key, value }) => ({ value, partition: this.partitionOf(topic, key) }));
    await this.producer.send({ topic, messages });
    this.sent[topic] = (this.sent[topic] ?? 0) + records.length;
  }

  private partitionOf(topic: string, key: string): number {
    return createHash('md5').update(key).digest()[0]! % this.partitions[topic]!;
  }
}
