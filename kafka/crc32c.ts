import { crc32c as native } from '@node-rs/crc32';

/** CRC-32C (Castagnoli) of `bytes[from, to)`, unsigned. `zlib.crc32` has the other polynomial; record batches have this one. */
export function crc32c(bytes: Buffer, from = 0, to = bytes.length): number {
  return native(from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to));
}
