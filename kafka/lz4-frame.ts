/**
 * Sizes in an LZ4 frame, read from its headers (https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md): magic,
 * FLG, BD, optional content size and dictionary id, header checksum; then blocks of a uint32 size (its top bit: stored),
 * data, optional checksum; a size of zero ends the frame.
 */
const MAGIC = 0x184d2204;
/** A compressed block grows to at most 255 times its size: one byte of a length extension stands for 255 bytes. */
const MAX_RATIO = 255;

const FLG = { contentChecksum: 0x04, contentSize: 0x08, blockChecksum: 0x10, dictionaryId: 0x01 } as const;

/** An upper bound of the bytes that a frame decompresses to. Throws if the headers make no sense. */
export function lz4OutputBound(input: Buffer): number {
  if (input.length < 7 || input.readUInt32LE(0) !== MAGIC) throw new Error('it is not an LZ4 frame');
  const flags = input.readUInt8(4);
  const blockMax = 1 << (8 + 2 * ((input.readUInt8(5) >> 4) & 7));
  let at = 7 + (flags & FLG.contentSize ? 8 : 0) + (flags & FLG.dictionaryId ? 4 : 0);
  let bound = 0;
  while (at + 4 <= input.length) {
    const header = input.readUInt32LE(at);
    if (header === 0) return bound;
    const size = header & 0x7fffffff;
    bound += header >>> 31 === 1 ? size : Math.min(blockMax, size * MAX_RATIO);
    at += 4 + size + (flags & FLG.blockChecksum ? 4 : 0);
  }
  throw new Error('the LZ4 frame is cut off');
}
