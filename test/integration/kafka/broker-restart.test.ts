import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAdmin } from '../../../kafka/admin.js';
import { createRangeReader } from '../../../kafka/range-reader.js';
import { produce } from './support/java.js';
import { startOwnBroker, type OwnBroker } from './support/own-broker.js';
import { recordsOf } from './support/read.js';

const COUNT = 20_000;
const topic = 'restarts';
let broker: OwnBroker;

beforeAll(async () => {
  broker = await startOwnBroker();
  const admin = createAdmin({ brokers: broker.brokers });
  await admin.createTopic(topic);
  await admin.close();
  await produce(broker.brokers, [
    ['producer', 'p', 'lz4'],
    ['fill', 'p', topic, 0, COUNT, 200, 10],
  ]);
});

afterAll(async () => {
  await broker.remove();
});

// A rolling upgrade of Kafka happens on a working day: no read may fail of it, nor give a record twice or not at all.
describe('a broker that goes away in the middle of a read', () => {
  it.each(['SIGTERM', 'SIGKILL'] as const)('costs time, not records (%s)', async (signal) => {
    const reader = createRangeReader({ brokers: broker.brokers }, { retry: { forMs: 90_000 } });
    const offsets: number[] = [];
    let restarting: Promise<void> | undefined;
    const range = { partition: 0, from: 0, to: COUNT };
    for await (const block of reader.readRange(topic, range, { maxFetchBytes: 50_000 })) {
      offsets.push(...recordsOf(block).map(({ offset }) => offset));
      if (restarting === undefined && offsets.length > COUNT / 4) {
        restarting = broker.stop(signal).then(() => broker.start());
        if (signal === 'SIGKILL') await broker.stop(signal);
      }
    }
    await restarting;
    expect(offsets).toHaveLength(COUNT);
    expect(offsets.every((offset, index) => offset === index)).toBe(true);
    await reader.close();
  });

  it('is unavailable, retryable, if it stays away, and can be cancelled meanwhile', async () => {
    const patient = createRangeReader({ brokers: broker.brokers });
    const hasty = createRangeReader({ brokers: broker.brokers }, { retry: { forMs: 1_500 } });
    await patient.positions(topic);
    await broker.stop('SIGKILL');
    await expect(hasty.positions(topic)).rejects.toMatchObject({ code: 'KafkaUnavailable', retryable: true });
    const reason = new Error('worker shuts down');
    const started = Date.now();
    const positions = patient.positions(topic, AbortSignal.any([abortAfter(300, reason)]));
    await expect(positions).rejects.toBe(reason);
    expect(Date.now() - started).toBeLessThan(2_000);
    await patient.close();
    await hasty.close();
    await broker.start();
  });
});

function abortAfter(ms: number, reason: Error): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(reason), ms);
  return controller.signal;
}
