/**
 * Sizes in a zstd stream, read from its headers (RFC 8878, section 3.1): frames of magic number, frame header, blocks of
 * a three-byte header (last:1, type:2, size:21), optional checksum.
 */
const MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
const MAX_BLOCK = 128 * 1024;
const BLOCK = { raw: 0, rle: 1, compressed: 2 } as const;
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const;

/**
 * An upper bound of the bytes that a stream decompresses to, exact where its frames carry their content size. Throws
 * if the headers make no sense.
 */
export function zstdOutputBound(input: Buffer): number {
  let bound = 0;
  let at = 0;
  if (input.length === 0) throw new Error('it is not a zstd frame');
  while (at < input.length) {
    const magic = input.readUInt32LE(at);
    if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) {
      at += 8 + input.readUInt32LE(at + 4);
      continue;
    }
    if (magic !== MAGIC) throw new Error('it is not a zstd frame');
    const header = frameHeader(input, at + 4);
    const blocks = walkBlocks(input, header.end);
    bound += header.contentSize ?? blocks.bound;
    at = blocks.end + (header.hasChecksum ? 4 : 0);
  }
  if (at > input.length) throw new Error('the zstd frame is cut off');
  return bound;
}

function frameHeader(
  input: Buffer,
  at: number,
): { end: number; contentSize: number | undefined; hasChecksum: boolean } {
  const descriptor = input.readUInt8(at);
  const singleSegment = (descriptor & 0x20) !== 0;
  const sizeFlag = (descriptor >> 6) as 0 | 1 | 2 | 3;
  const sizeBytes = sizeFlag === 0 && singleSegment ? 1 : CONTENT_SIZE_BYTES[sizeFlag];
  const sizeAt = at + 1 + (singleSegment ? 0 : 1) + DICTIONARY_ID_BYTES[(descriptor & 3) as 0 | 1 | 2 | 3];
  return {
    end: sizeAt + sizeBytes,
    contentSize: contentSize(input, sizeAt, sizeBytes),
    hasChecksum: (descriptor & 0x04) !== 0,
  };
}

function contentSize(input: Buffer, at: number, bytes: number): number | undefined {
  switch (bytes) {
    case 0:
      return undefined;
    case 1:
      return input.readUInt8(at);
    case 2:
      return input.readUInt16LE(at) + 256;
    case 4:
      return input.readUInt32LE(at);
    default:
      return Number(input.readBigUInt64LE(at));
  }
}

function walkBlocks(input: Buffer, start: number): { end: number; bound: number } {
  let at = start;
  let bound = 0;
  for (;;) {
    const header = input.readUIntLE(at, 3);
    const type = (header >> 1) & 3;
    const size = header >> 3;
    at += 3 + (type === BLOCK.rle ? 1 : size);
    if (type > BLOCK.compressed) throw new Error('the zstd frame holds a block of a reserved type');
    bound += type === BLOCK.compressed ? MAX_BLOCK : size;
    if ((header & 1) !== 0) return { end: at, bound };
  }
}
