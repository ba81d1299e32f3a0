import { expect, it } from 'vitest';
import { readAll, readerOn } from '../unit/kafka/support/collect.js';
import { JAVA_BATCHES } from '../unit/kafka/support/java-batches.js';
import { emptyLog, ModelBroker } from '../unit/kafka/support/model-broker.js';

// tulios/kafkajs#120, #597, #1141, jlandersen/vscode-kafka#217: one producer with another codec stops the whole group.
it('BH: batches of all five codecs, mixed in one partition, are read in one go', async () => {
  const batches = Object.values(JAVA_BATCHES).map((base64, index) => {
    const bytes = Buffer.from(base64, 'base64');
    bytes.writeBigInt64BE(BigInt(index * 9), 0);
    return { baseOffset: index * 9, lastOffset: index * 9 + 8, bytes };
  });
  const broker = new ModelBroker({ ...emptyLog(), batches, lastStable: 45, highWatermark: 45 });
  const seen = await readAll(readerOn(broker), 0, 45);
  expect(seen.map(({ offset }) => offset)).toEqual(Array.from({ length: 45 }, (_, offset) => offset));
  const values = seen.map(({ value }) => value);
  for (let codec = 1; codec < 5; codec++) {
    expect(values.slice(codec * 9, codec * 9 + 9)).toEqual(values.slice(0, 9));
  }
});
