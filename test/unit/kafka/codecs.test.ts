import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { compressFrameSync } from 'lz4-napi';
import { compress as snappyCompress } from 'snappyjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadCodecs, type Decompress } from '../../../kafka/codecs.js';
import { Codec } from '../../../kafka/record-batch.js';
import { readAll, readerOn } from './support/collect.js';
import { xerial, zstdStored } from './support/encode.js';
import { JAVA_BATCHES } from './support/java-batches.js';
import { emptyLog, ModelBroker } from './support/model-broker.js';

const LIMIT = 1 << 20;
let decompress: Decompress;

beforeAll(async () => {
  decompress = await loadCodecs();
});

// Any producer may switch its codec any day: a topic that cannot be read then stops (field note BH).
describe('codecs', () => {
  it.each(Object.keys(JAVA_BATCHES))("reads what Kafka's own producer writes with %s", async (name) => {
    const bytes = Buffer.from(JAVA_BATCHES[name]!, 'base64');
    const broker = new ModelBroker({
      ...emptyLog(),
      batches: [{ baseOffset: 0, lastOffset: 8, bytes }],
      lastStable: 9,
      highWatermark: 9,
    });
    const seen = await readAll(readerOn(broker), 0, 9);
    expect(seen).toHaveLength(9);
    expect(seen[0]).toMatchObject({ offset: 0, key: 'key1' });
    expect(Buffer.from(seen[7]!.value!, 'latin1').toString()).toBe(
      `value 8: 课程 ${'lorem ipsum '.repeat(6)}`,
    );
    expect(seen[8]).toMatchObject({ offset: 8, key: null, value: null });
  });

  it('reads snappy with the framing of xerial and without, as librdkafka writes it', () => {
    const input = Buffer.from('snappy '.repeat(500));
    expect(decompress(Codec.snappy, xerial(input, 700), LIMIT).equals(input)).toBe(true);
    expect(decompress(Codec.snappy, snappyCompress(input), LIMIT).equals(input)).toBe(true);
  });

  it('reads lz4 frames of many blocks, with and without checksums', () => {
    const input = Buffer.from(Array.from({ length: 400_000 }, (_, index) => (index * index) >> 7));
    for (const options of [{}, { contentChecksum: true, blockChecksums: true }]) {
      expect(decompress(Codec.lz4, compressFrameSync(input, options), 8 * LIMIT).equals(input)).toBe(true);
    }
  });

  it('reads zstd of many blocks without a content size, and of several frames', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 5000 }),
        fc.integer({ min: 1, max: 999 }),
        (bytes, block) => {
          const frame = zstdStored(Buffer.from(bytes), block);
          expect(decompress(Codec.zstd, frame, LIMIT).equals(bytes)).toBe(true);
          expect(decompress(Codec.zstd, Buffer.concat([frame, frame]), LIMIT)).toHaveLength(2 * bytes.length);
        },
      ),
      { numRuns: 50 },
    );
  });

  // Without a limit one batch of some kilobytes could take all the memory of a worker, and of every table in it.
  it('refuses a batch that decompresses to more than the limit', () => {
    const zeros = Buffer.alloc(4 << 20);
    const bombs = {
      [Codec.gzip]: gzipSync(zeros),
      [Codec.snappy]: snappyCompress(zeros),
      [Codec.lz4]: compressFrameSync(zeros),
      [Codec.zstd]: zstdBomb(64),
    };
    for (const [codec, bomb] of Object.entries(bombs)) {
      expect(bomb.length).toBeLessThan(LIMIT);
      expect(() => decompress(Number(codec), bomb, LIMIT), `codec ${codec}`).toThrow();
    }
  });

  it('throws on garbage of every kind, and comes back from it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.constantFrom(1, 3, 4), (bytes, codec) => {
        expect(() => decompress(codec, Buffer.from(bytes), LIMIT)).toThrow();
      }),
    );
    const frame = zstdStored(Buffer.from('still fine'));
    const broken = Buffer.from(frame);
    broken[6] = 0xff;
    expect(() => decompress(Codec.zstd, broken, LIMIT)).toThrow();
    expect(() => decompress(Codec.zstd, frame.subarray(0, -3), LIMIT)).toThrow();
    expect(decompress(Codec.zstd, frame, LIMIT).toString()).toBe('still fine');
    expect(() => decompress(5, frame, LIMIT)).toThrow(/codec 5/);
  });
});

/** Blocks of one repeated byte, 128 KiB each, in four bytes each. */
function zstdBomb(blocks: number): Buffer {
  const block = Buffer.alloc(4);
  const parts: Buffer[] = [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58])];
  for (let index = 1; index <= blocks; index++) {
    block.writeUIntLE(((128 << 10) << 3) | (1 << 1) | (index === blocks ? 1 : 0), 0, 3);
    parts.push(Buffer.from(block));
  }
  return Buffer.concat(parts);
}
