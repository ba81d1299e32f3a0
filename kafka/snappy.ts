import { uncompress } from 'snappyjs';

/**
 * Framing of xerial's snappy-java, which Kafka's own producers write: this magic, a version and a compatible version
 * (int32 each), then blocks of an int32 size and raw snappy. librdkafka and others write raw snappy without frames.
 */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER = 16;

/** Decompresses snappy, framed by xerial or raw. Throws on garbage and on more than `maxBytes`. */
export function decompressSnappy(input: Buffer, maxBytes: number): Buffer {
  if (!input.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) return block(input, maxBytes);
  const blocks: Buffer[] = [];
  let room = maxBytes;
  for (let at = XERIAL_HEADER; at < input.length;) {
    const size = input.readInt32BE(at);
    const end = at + 4 + size;
    if (size < 0 || end > input.length) throw new Error('a snappy block runs past the end of its batch');
    const output = block(input.subarray(at + 4, end), room);
    room -= output.length;
    blocks.push(output);
    at = end;
  }
  return blocks.length === 1 ? blocks[0]! : Buffer.concat(blocks);
}

function block(input: Buffer, maxBytes: number): Buffer {
  return uncompress(input, maxBytes);
}
