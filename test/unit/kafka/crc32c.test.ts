import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32c } from '../../../kafka/crc32c.js';

/** The definition, bit by bit. */
function slowly(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

// A wrong checksum would make every batch of every topic look corrupt, or let a corrupt one pass.
describe('crc32c', () => {
  it('answers the check value of the CRC catalogue, and those of RFC 3720', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
    expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
    expect(crc32c(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43);
  });

  it('does not depend on where in memory the bytes begin', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 0, max: 7 }), (bytes, shift) => {
        const buffer = Buffer.concat([Buffer.alloc(shift, 0xaa), bytes, Buffer.alloc(3, 0xbb)]);
        expect(crc32c(buffer, shift, shift + bytes.length)).toBe(slowly(bytes));
      }),
    );
  });
});
