import * as zlib from 'node:zlib';
import { decompressFrameSync } from 'lz4-napi';
import { Codec } from './record-batch.js';
import { lz4OutputBound } from './lz4-frame.js';
import { decompressSnappy } from './snappy.js';
import { zstdOutputBound } from './zstd-frame.js';

/** Bytes of one batch's records, decompressed; throws on garbage and on more than `maxBytes`. */
export type Decompress = (codec: number, input: Buffer, maxBytes: number) => Buffer;

type ZstdDecompress = (input: Buffer, maxBytes: number) => Buffer;

/** node:zlib has zstd from Node 22.15 on. */
const nativeZstd = (
  zlib as unknown as {
    zstdDecompressSync?: (input: Buffer, options: { maxOutputLength: number }) => Buffer;
  }
).zstdDecompressSync;

let loading: Promise<Decompress> | undefined;

/** All codecs of Kafka, ready for use. Loads the WebAssembly zstd decoder once, where Node has none of its own. */
export function loadCodecs(): Promise<Decompress> {
  loading ??= loadZstd().then((zstd) => (codec, input, maxBytes) => decompress(zstd, codec, input, maxBytes));
  return loading;
}

function decompress(zstd: ZstdDecompress, codec: number, input: Buffer, maxBytes: number): Buffer {
  switch (codec) {
    case Codec.none:
      return input;
    case Codec.gzip:
      return zlib.gunzipSync(input, { maxOutputLength: maxBytes });
    case Codec.snappy:
      return decompressSnappy(input, maxBytes);
    case Codec.lz4: {
      // The decoder has no limit of its own, so what the frame's blocks may come to is looked at before.
      const bound = lz4OutputBound(input);
      if (bound > maxBytes) throw tooLarge(bound, maxBytes);
      return decompressFrameSync(input);
    }
    case Codec.zstd:
      return zstd(input, maxBytes);
    default:
      throw new Error(`compression codec ${codec} is not one that Kafka has`);
  }
}

async function loadZstd(): Promise<ZstdDecompress> {
  if (nativeZstd !== undefined) {
    return (input, maxBytes) => nativeZstd(input, { maxOutputLength: maxBytes });
  }
  const { ZSTDDecoder } = await import('zstddec');
  const decoder = new ZSTDDecoder();
  await decoder.init();
  return (input, maxBytes) => {
    // Kafka's producers write frames without a content size, for which zstddec needs to be told how much room to make.
    const bound = zstdOutputBound(input);
    if (bound > maxBytes) throw tooLarge(bound, maxBytes);
    const output = decoder.decode(input, Math.max(bound, 1));
    // zstddec does not look at the error that the C function returns; what it hands back then has no bytes.
    if (output.length === 0 && bound > 0) throw new Error('the zstd frame cannot be decoded');
    return Buffer.from(output.buffer, output.byteOffset, output.byteLength);
  };
}

function tooLarge(bytes: number, maxBytes: number): Error {
  return new Error(`it decompresses to as much as ${bytes} bytes, more than the limit of ${maxBytes}`);
}
