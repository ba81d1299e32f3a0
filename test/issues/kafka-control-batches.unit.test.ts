import { expect, it } from 'vitest';
import { readAll, readerOn } from '../unit/kafka/support/collect.js';
import { encodeBatch, encodeMarker } from '../unit/kafka/support/encode.js';
import {
  emptyLog,
  ModelBroker,
  type StoredBatch,
  type StoredLog,
} from '../unit/kafka/support/model-broker.js';

const PRODUCER = 7;

function data(offset: number, key = `k${offset}`): StoredBatch {
  const bytes = encodeBatch({
    baseOffset: offset,
    lastOffset: offset,
    records: [{ offset, timestamp: 1, key: Buffer.from(key), value: Buffer.from(`v${offset}`) }],
    producerId: PRODUCER,
    transactional: true,
  });
  return { baseOffset: offset, lastOffset: offset, bytes };
}

function marker(offset: number, type: 'abort' | 'commit'): StoredBatch {
  return { baseOffset: offset, lastOffset: offset, bytes: encodeMarker(offset, PRODUCER, type) };
}

function logOf(batches: StoredBatch[], aborted: StoredLog['aborted'] = []): StoredLog {
  const end = batches.at(-1)!.lastOffset + 1;
  return { ...emptyLog(), batches, aborted, lastStable: end, highWatermark: end };
}

const offsets = async (log: StoredLog, from: number, to: number, maxFetchBytes = 1): Promise<number[]> =>
  (await readAll(readerOn(new ModelBroker(log)), from, to, { maxFetchBytes })).map(({ offset }) => offset);

// tulios/kafkajs#403, #511, #619, #1256: a fetch that lands on a marker alone repeats for ever.
it('BC: a fetch of nothing but markers moves the position', async () => {
  const log = logOf([data(0), marker(1, 'commit'), data(2), marker(3, 'commit')]);
  expect(await offsets(log, 0, 4)).toEqual([0, 2]);
  expect(await offsets(log, 1, 2)).toEqual([]);
});

// apache/seatunnel#11471, apache/flink-connector-kafka#100: a bounded read waits for a last record that never comes.
it('R: a range that ends on a marker ends', async () => {
  const log = logOf([data(0), data(1), marker(2, 'commit')]);
  expect(await offsets(log, 0, 3)).toEqual([0, 1]);
});

// tulios/kafkajs filterAbortedMessages.js: a data record with a key of four zero bytes is taken for the abort marker.
it('BF: an aborted record with a key like a marker does not end its transaction', async () => {
  const aborted = [{ producerId: PRODUCER, firstOffset: 0, markerOffset: 3 }];
  const log = logOf(
    [data(0), data(1, '\0\0\0\0'), data(2), marker(3, 'abort'), data(4), marker(5, 'commit')],
    aborted,
  );
  expect(await offsets(log, 0, 6, 1 << 20)).toEqual([4]);
  expect(await offsets(log, 0, 6)).toEqual([4]);
});

// platformatic/kafka#391, #393: TypeError when a fetch starts between aborted data and its marker.
it('BG: a read may begin between aborted data and its marker', async () => {
  const aborted = [{ producerId: PRODUCER, firstOffset: 0, markerOffset: 2 }];
  const log = logOf([data(0), data(1), marker(2, 'abort'), data(3), marker(4, 'commit')], aborted);
  for (const from of [0, 1, 2, 3]) expect(await offsets(log, from, 5)).toEqual([3]);
  // The list may also lack a transaction whose data is below the log start.
  expect(await offsets({ ...log, aborted: [], logStart: 2 }, 2, 5)).toEqual([3]);
});
