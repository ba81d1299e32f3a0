import { expect, it } from 'vitest';
import { readAll, readerOn } from '../unit/kafka/support/collect.js';
import { encodeBatch } from '../unit/kafka/support/encode.js';
import { emptyLog, ModelBroker, type StoredBatch } from '../unit/kafka/support/model-broker.js';

function batch(baseOffset: number, lastOffset: number, kept: number[]): StoredBatch {
  const records = kept.map((offset) => ({
    offset,
    timestamp: 1,
    key: null,
    value: Buffer.from(`v${offset}`),
  }));
  return { baseOffset, lastOffset, bytes: encodeBatch({ baseOffset, lastOffset, records }) };
}

// tulios/kafkajs#1072, #562: stuck for ever at a batch whose records compaction has taken; its header alone says where
// it ends, and trusting the high watermark instead would skip what follows.
it('BD: an empty batch moves the position by its header, and what follows is read', async () => {
  const batches = [
    batch(0, 99, [5, 17]),
    batch(100, 48_000, []),
    batch(48_001, 48_002, [48_001]),
    batch(48_003, 60_000, []),
  ];
  const log = { ...emptyLog(), batches, lastStable: 60_001, highWatermark: 60_001 };
  const positions: number[] = [];
  const seen = await readAll(readerOn(new ModelBroker(log)), 0, 60_001, {
    maxFetchBytes: 1,
    onProgress: (_partition, position) => positions.push(position),
  });
  expect(seen.map(({ offset }) => offset)).toEqual([5, 17, 48_001]);
  expect(positions).toEqual([100, 48_001, 48_003, 60_001]);
});

it('BD: a range inside an empty batch, or inside a gap between batches, is empty and ends', async () => {
  const batches = [batch(0, 9, []), batch(50, 59, [55])];
  const broker = new ModelBroker({ ...emptyLog(), batches, lastStable: 60, highWatermark: 60 });
  expect(await readAll(readerOn(broker), 3, 7)).toEqual([]);
  expect(await readAll(readerOn(broker), 20, 40)).toEqual([]);
  expect(await readAll(readerOn(broker), 20, 56)).toHaveLength(1);
});
