import { expect, it } from 'vitest';
import { readAll, readerOn } from '../unit/kafka/support/collect.js';
import { emptyLog, ModelBroker } from '../unit/kafka/support/model-broker.js';

// tulios/kafkajs#1144, #1119, #334: a low watermark above the position makes a consumer loop, or jump without a word.
it('BE: a log that starts above the position is an error that names the lost interval', async () => {
  const broker = new ModelBroker({ ...emptyLog(), logStart: 700, lastStable: 900, highWatermark: 900 });
  const start = Date.now();
  await expect(readAll(readerOn(broker), 500, 800)).rejects.toMatchObject({
    code: 'OffsetsLost',
    retryable: false,
    attributes: { lostFrom: 500, lostTo: 700 },
  });
  expect(Date.now() - start).toBeLessThan(1_000);
  // Not one offset beside the planned ones was asked for.
  expect(broker.fetches.map(({ offset }) => offset)).toEqual([500]);
});

// pinterest/secor#126, quickwit-oss/quickwit#1602, ClickHouse/clickhouse-kafka-connect#511: after deletion and
// recreation a reader is stuck, or loses the first records of the new topic.
it('BK: an end of the log below the position is an error, not a jump to the end', async () => {
  const broker = new ModelBroker({ ...emptyLog(), lastStable: 40, highWatermark: 40 });
  await expect(readAll(readerOn(broker), 500, 800)).rejects.toMatchObject({
    code: 'OffsetsLost',
    attributes: { lostFrom: 500, lostTo: 800, reason: 'beyond_end', highWatermark: 40 },
  });
});
