import { DecodeProblem } from './problem.js';

/** Wire types of protobuf that proto2 messages without groups use. */
export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;
export const FIXED32 = 5;

/**
 * Reads the protobuf wire format (protobuf.dev/programming-guides/encoding) field by field. Presence is the caller's
 * business: nothing here has a default, which is the point of not using a generated class for proto2.
 */
export class WireReader {
  private at: number;
  /** Number and wire type of the field that `next` stopped at. */
  field = 0;
  type = 0;

  constructor(
    private readonly bytes: Buffer,
    start = 0,
    private readonly end = bytes.length,
  ) {
    this.at = start;
  }

  /** Goes to the next field; false at the end of the message. */
  next(): boolean {
    if (this.at >= this.end) return false;
    const tag = this.uint32('tag');
    this.field = tag >>> 3;
    this.type = tag & 7;
    if (this.field === 0) throw new DecodeProblem('malformed', 'protobuf field number 0');
    return true;
  }

  /** Passes over the value of the current field. */
  skip(): void {
    switch (this.type) {
      case VARINT:
        this.varint64();
        break;
      case FIXED64:
        this.take(8);
        break;
      case BYTES:
        this.take(this.length());
        break;
      case FIXED32:
        this.take(4);
        break;
      default:
        throw new DecodeProblem('malformed', `protobuf wire type ${this.type}`);
    }
  }

  bool(): boolean {
    return this.int32() !== 0;
  }

  /** int32 or enum. A negative one is written as ten bytes. */
  int32(): number {
    this.expect(VARINT);
    const small = this.small();
    return small >= 0 ? small : Number(BigInt.asIntN(32, this.varint64()));
  }

  int64(): bigint {
    this.expect(VARINT);
    return BigInt.asIntN(64, this.varint64());
  }

  /** int64 as decimal text: most values are small and need no BigInt. */
  int64Text(): string {
    this.expect(VARINT);
    const small = this.small();
    return small >= 0 ? String(small) : BigInt.asIntN(64, this.varint64()).toString();
  }

  uint64Text(): string {
    this.expect(VARINT);
    const small = this.small();
    return small >= 0 ? String(small) : this.varint64().toString();
  }

  double(): number {
    this.expect(FIXED64);
    return this.bytes.readDoubleLE(this.take(8));
  }

  /** Bytes of a length-delimited field: a view, not a copy. */
  view(): Buffer {
    this.expect(BYTES);
    const length = this.length();
    const start = this.take(length);
    return this.bytes.subarray(start, start + length);
  }

  /** Reader of an embedded message. */
  message(): WireReader {
    this.expect(BYTES);
    const length = this.length();
    const start = this.take(length);
    return new WireReader(this.bytes, start, start + length);
  }

  private expect(type: number): void {
    if (this.type !== type) {
      throw new DecodeProblem(
        'malformed',
        `protobuf field ${this.field} has wire type ${this.type}, not ${type}`,
      );
    }
  }

  private take(count: number): number {
    if (count > this.end - this.at) {
      throw new DecodeProblem('truncated', `protobuf field ${this.field} runs past its message`);
    }
    const start = this.at;
    this.at += count;
    return start;
  }

  private length(): number {
    return this.uint32('length');
  }

  private uint32(what: string): number {
    const small = this.small();
    if (small >= 0) return small;
    const value = this.varint64();
    if (value > 0xffffffffn) throw new DecodeProblem('malformed', `protobuf ${what} above 2^32`);
    return Number(value);
  }

  /** A varint of up to four bytes, or -1 (nothing consumed) if it is longer or cut. */
  private small(): number {
    const { bytes, end } = this;
    let value = 0;
    for (let i = 0; i < 4; i++) {
      const at = this.at + i;
      if (at >= end) return -1;
      const byte = bytes[at] as number;
      value |= (byte & 0x7f) << (7 * i);
      if (byte < 0x80) {
        this.at = at + 1;
        return value;
      }
    }
    return -1;
  }

  /** Ten bytes of seven bits, gathered in two halves: arithmetic on BigInts is slow. */
  private varint64(): bigint {
    let low = 0;
    let high = 0;
    for (let i = 0; i < 10; i++) {
      if (this.at >= this.end) throw new DecodeProblem('truncated', 'protobuf varint runs past its message');
      const byte = this.bytes[this.at++] as number;
      const bits = byte & 0x7f;
      if (i < 4) low |= bits << (7 * i);
      else if (i === 4) {
        low |= bits << 28;
        high = bits >> 4;
      } else high |= bits << (7 * i - 32);
      if (byte < 0x80) return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
    }
    throw new DecodeProblem('malformed', 'protobuf varint longer than ten bytes');
  }
}
