import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BatchFormatError, walkBatches } from '../../../kafka/record-batch.js';
import { readAll, readerOn, seenIn } from './support/collect.js';
import { encodeBatch, encodeMessage, encodeWrapper, sealed, type RecordInput } from './support/encode.js';
import { emptyLog, ModelBroker } from './support/model-broker.js';

function record(offset: number, value = `v${offset}`, timestamp = 1000 + offset): RecordInput {
  return { offset, timestamp, key: Buffer.from(`k${offset}`), value: Buffer.from(value) };
}

function brokerOf(bytes: Buffer, lastOffset: number, baseOffset = 0): ModelBroker {
  return new ModelBroker({
    ...emptyLog(),
    batches: [{ baseOffset, lastOffset, bytes }],
    lastStable: lastOffset + 1,
    highWatermark: lastOffset + 1,
  });
}

describe('walkBatches', () => {
  const two = Buffer.concat([
    encodeBatch({ baseOffset: 3, lastOffset: 4, records: [record(3), record(4)] }),
    encodeBatch({ baseOffset: 5, lastOffset: 9, records: [] }),
  ]);

  it('gives the last offset that a batch stands for, also where compaction left it empty', () => {
    expect(walkBatches(two).batches).toMatchObject([
      { baseOffset: 3, lastOffset: 4, recordCount: 2 },
      { baseOffset: 5, lastOffset: 9, recordCount: 0 },
    ]);
  });

  // A broker cuts a record set at its byte limit: nearly every fetch ends inside a batch.
  it('bears a cut at any byte, and says how large the cut batch is', () => {
    const whole = walkBatches(two).batches;
    for (let size = 0; size <= two.length; size++) {
      const { batches, truncatedSize } = walkBatches(two.subarray(0, size));
      expect(batches).toEqual(whole.filter(({ end }) => end <= size));
      const cut = whole.find(({ end }) => end > size);
      if (cut !== undefined && size >= cut.at + 17) expect(truncatedSize).toBe(cut.end - cut.at);
    }
  });

  it('refuses what a later format may be, rather than to misread it', () => {
    const batch = encodeBatch({ baseOffset: 0, lastOffset: 0, records: [record(0)], magic: 3 });
    expect(() => walkBatches(batch)).toThrow(/magic 3/);
  });

  it('refuses offsets that a number cannot hold', () => {
    const batch = encodeBatch({ baseOffset: 0, lastOffset: 0, records: [record(0)] });
    batch.writeBigInt64BE(2n ** 53n, 0);
    expect(() => walkBatches(batch)).toThrow(BatchFormatError);
  });

  it('refuses batches that go backwards', () => {
    const backwards = Buffer.concat([two, two]);
    expect(() => walkBatches(backwards)).toThrow(/ended at offset 9/);
  });
});

describe('records', () => {
  it('keeps keys, values, nulls, empties and timestamps, and skips headers', async () => {
    const records: RecordInput[] = [
      { offset: 0, timestamp: 5_000_000_000_000, key: null, value: Buffer.alloc(0), headers: [['h', null]] },
      { offset: 1, timestamp: 0, key: Buffer.alloc(0), value: null, headers: [['h', Buffer.alloc(300, 7)]] },
      { offset: 7, timestamp: -1, key: Buffer.from('k'), value: Buffer.alloc(70_000, 0x41) },
    ];
    const seen = await readAll(
      readerOn(brokerOf(encodeBatch({ baseOffset: 0, lastOffset: 8, records }), 8)),
      0,
      9,
    );
    expect(seen).toEqual([
      { offset: 0, timestamp: 5_000_000_000_000, key: null, value: '' },
      { offset: 1, timestamp: 0, key: '', value: null },
      { offset: 7, timestamp: -1, key: 'k', value: 'A'.repeat(70_000) },
    ]);
  });

  it('gives LogAppendTime where the topic is set so', async () => {
    const bytes = encodeBatch({
      baseOffset: 0,
      lastOffset: 1,
      records: [record(0), record(1)],
      logAppendTime: 77,
    });
    const seen = await readAll(readerOn(brokerOf(bytes, 1)), 0, 2);
    expect(seen.map(({ timestamp }) => timestamp)).toEqual([77, 77]);
  });

  it('yields of a batch that straddles the edges only what lies inside', async () => {
    const records = [0, 1, 2, 3, 4].map((offset) => record(offset));
    for (const codec of ['none', 'zstd'] as const) {
      const broker = brokerOf(encodeBatch({ baseOffset: 0, lastOffset: 4, records, codec }), 4);
      const seen = await readAll(readerOn(broker), 2, 4);
      expect(seen.map(({ offset }) => offset)).toEqual([2, 3]);
    }
  });

  it('reads more compressed batches in one fetch than a block takes, and one that is larger than a block', async () => {
    const batches = Array.from({ length: 40 }, (_, offset) => {
      const value = `${offset} `.repeat(offset === 20 ? 500_000 : 20_000);
      const input = { baseOffset: offset, lastOffset: offset, records: [record(offset, value)] };
      return { ...input, bytes: encodeBatch({ ...input, codec: 'zstd' }) };
    });
    const broker = new ModelBroker({ ...emptyLog(), batches, lastStable: 40, highWatermark: 40 });
    const seen = await readAll(readerOn(broker, { firstFetchBytes: 8 << 20 }), 0, 40);
    expect(seen).toHaveLength(40);
    expect(seen.every(({ offset, value }) => value!.startsWith(`${offset} ${offset} `))).toBe(true);
    expect(broker.fetches).toHaveLength(1);
  });

  it('reads the message sets of Kafka before 0.11, plain and compressed', async () => {
    for (const magic of [0, 1] as const) {
      const plain = Buffer.concat([encodeMessage(magic, record(0)), encodeMessage(magic, record(1))]);
      const bytes = Buffer.concat([plain, encodeWrapper(magic, [record(2), record(3), record(4)])]);
      const seen = await readAll(readerOn(brokerOf(bytes, 4)), 1, 4);
      expect(seen.map(({ offset, key, value }) => [offset, key, value])).toEqual([
        [1, 'k1', 'v1'],
        [2, 'k2', 'v2'],
        [3, 'k3', 'v3'],
      ]);
      expect(seen.map(({ timestamp }) => timestamp)).toEqual(magic === 1 ? [1001, 1002, 1003] : [-1, -1, -1]);
    }
  });

  it('keeps the columns of a block when the next one is asked for', async () => {
    const batches = [0, 1].map((offset) => ({
      baseOffset: offset,
      lastOffset: offset,
      bytes: encodeBatch({ baseOffset: offset, lastOffset: offset, records: [record(offset)] }),
    }));
    const broker = new ModelBroker({ ...emptyLog(), batches, lastStable: 2, highWatermark: 2 });
    const offsets: Float64Array[] = [];
    const range = { partition: 0, from: 0, to: 2 };
    for await (const block of readerOn(broker).readRange('t', range, { maxFetchBytes: 1 })) {
      expect(seenIn(block)).toHaveLength(1);
      offsets.push(block.offsets);
    }
    expect(offsets.map(([offset]) => offset)).toEqual([0, 1]);
  });
});

// A worker that meets broken bytes has to say where they are, and may not hang, crash or deliver them.
describe('broken batches', () => {
  const records = [0, 1, 2].map((offset) => record(offset));
  const good = encodeBatch({
    baseOffset: 100,
    lastOffset: 102,
    records: records.map((r) => ({ ...r, offset: r.offset + 100 })),
  });

  it('names topic, partition and offset, after a second look', async () => {
    const bad = Buffer.from(good);
    bad[bad.length - 1]! ^= 1;
    const broker = brokerOf(bad, 102, 100);
    await expect(readAll(readerOn(broker), 100, 103)).rejects.toMatchObject({
      code: 'CorruptBatch',
      retryable: false,
      attributes: { topic: 't', partition: 0, offset: 100 },
    });
    expect(broker.fetches).toHaveLength(2);
  });

  it('goes on if only the first look was broken', async () => {
    const bad = Buffer.from(good);
    bad[bad.length - 1]! ^= 1;
    const broker = brokerOf(bad, 102, 100);
    const fetch = broker.fetch.bind(broker);
    broker.fetch = (leader, request) => {
      const answer = fetch(leader, request);
      broker.log.batches[0]!.bytes = good;
      return answer;
    };
    const seen = await readAll(readerOn(broker), 100, 103);
    expect(seen.map(({ offset }) => offset)).toEqual([100, 101, 102]);
  });

  it('refuses bytes after the last record, which its checksum would not show', async () => {
    const records = [record(0), record(1)];
    const bad = encodeBatch({ baseOffset: 0, lastOffset: 1, records });
    bad.writeInt32BE(1, 57);
    await expect(readAll(readerOn(brokerOf(sealed(bad), 1)), 0, 2)).rejects.toThrow(/after its last record/);
  });

  it('does not look at a batch above the range', async () => {
    const bad = Buffer.from(good);
    bad[bad.length - 1]! ^= 1;
    const batches = [
      {
        baseOffset: 0,
        lastOffset: 0,
        bytes: encodeBatch({ baseOffset: 0, lastOffset: 0, records: [record(0)] }),
      },
      { baseOffset: 100, lastOffset: 102, bytes: bad },
    ];
    const broker = new ModelBroker({ ...emptyLog(), batches, lastStable: 103, highWatermark: 103 });
    expect(await readAll(readerOn(broker), 0, 50)).toHaveLength(1);
  });

  it('never delivers anything else than an error or the records, whatever bytes change', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: good.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        fc.boolean(),
        async (at, flip, seal) => {
          const bad = Buffer.from(good);
          bad[at]! ^= flip;
          if (seal) sealed(bad);
          const outcome = await readAll(readerOn(brokerOf(bad, 102, 100)), 100, 103).then(
            (seen) => seen.length,
            (error: { code?: string; message: string }) => error.code ?? error.message,
          );
          expect(['CorruptBatch', 'KafkaUnavailable', 0, 1, 2, 3]).toContain(outcome);
        },
      ),
      { numRuns: 300 },
    );
  });
});
