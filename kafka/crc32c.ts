import { endianness } from 'node:os';

/** CRC-32C (Castagnoli), reflected. zlib.crc32 has the other polynomial, and Node has no native one. */
const POLYNOMIAL = 0x82f63b78;

/** The checksum of each byte followed by as many zero bytes as `previous` has, and one. */
function nextTable(previous: Int32Array): Int32Array {
  return previous.map((crc) => (crc >>> 8) ^ t0[crc & 0xff]!);
}

const t0 = new Int32Array(256).map((_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  return crc;
});
const t1 = nextTable(t0);
const t2 = nextTable(t1);
const t3 = nextTable(t2);
const t4 = nextTable(t3);
const t5 = nextTable(t4);
const t6 = nextTable(t5);
const t7 = nextTable(t6);
const t8 = nextTable(t7);
const t9 = nextTable(t8);
const t10 = nextTable(t9);
const t11 = nextTable(t10);
const t12 = nextTable(t11);
const t13 = nextTable(t12);
const t14 = nextTable(t13);
const t15 = nextTable(t14);

/** Bytes that one turn of the loop takes. */
const STEP = 16;
const LITTLE_ENDIAN = endianness() === 'LE';

function bytewise(bytes: Buffer, from: number, to: number, start: number): number {
  let crc = start;
  for (let at = from; at < to; at++) crc = t0[(crc ^ bytes[at]!) & 0xff]! ^ (crc >>> 8);
  return crc;
}

/**
 * CRC-32C of `bytes[from, to)`, unsigned. Sixteen bytes a step through sixteen tables: 1.1 GB/s here, three times the
 * plain table, and a third of what the rest of reading costs.
 */
export function crc32c(bytes: Buffer, from = 0, to = bytes.length): number {
  if (!LITTLE_ENDIAN || to - from < 2 * STEP) return ~bytewise(bytes, from, to, -1) >>> 0;
  const aligned = Math.min(to, from + ((4 - ((bytes.byteOffset + from) & 3)) & 3));
  let crc = bytewise(bytes, from, aligned, -1);
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + aligned, ((to - aligned) >> 4) << 2);
  for (let at = 0; at < words.length; at += 4) {
    const a = crc ^ words[at]!;
    const b = words[at + 1]!;
    const c = words[at + 2]!;
    const d = words[at + 3]!;
    crc =
      t15[a & 0xff]! ^
      t14[(a >>> 8) & 0xff]! ^
      t13[(a >>> 16) & 0xff]! ^
      t12[a >>> 24]! ^
      t11[b & 0xff]! ^
      t10[(b >>> 8) & 0xff]! ^
      t9[(b >>> 16) & 0xff]! ^
      t8[b >>> 24]! ^
      t7[c & 0xff]! ^
      t6[(c >>> 8) & 0xff]! ^
      t5[(c >>> 16) & 0xff]! ^
      t4[c >>> 24]! ^
      t3[d & 0xff]! ^
      t2[(d >>> 8) & 0xff]! ^
      t1[(d >>> 16) & 0xff]! ^
      t0[d >>> 24]!;
  }
  return ~bytewise(bytes, aligned + words.length * 4, to, crc) >>> 0;
}
