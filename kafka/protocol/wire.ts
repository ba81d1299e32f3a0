/**
 * Primitive types of Kafka's protocol (https://kafka.apache.org/protocol#protocol_types). `flexible` is the encoding
 * of KIP-482: lengths as unsigned varints plus one, and tagged fields at the end of each structure.
 */

/** Writes a request body; grows as needed. */
export class WireWriter {
  private bytes = Buffer.alloc(256);
  private end = 0;

  constructor(private readonly flexible: boolean) {}

  int8(value: number): this {
    return this.put(1, (at) => this.bytes.writeInt8(value, at));
  }

  int16(value: number): this {
    return this.put(2, (at) => this.bytes.writeInt16BE(value, at));
  }

  int32(value: number): this {
    return this.put(4, (at) => this.bytes.writeInt32BE(value, at));
  }

  int64(value: number): this {
    return this.put(8, (at) => this.bytes.writeBigInt64BE(BigInt(value), at));
  }

  boolean(value: boolean): this {
    return this.int8(value ? 1 : 0);
  }

  /** 16 bytes, given as Kafka prints them: base64url. */
  uuid(value: string): this {
    return this.raw(Buffer.from(value, 'base64url').subarray(0, 16));
  }

  string(value: string | null): this {
    const text = value === null ? undefined : Buffer.from(value, 'utf8');
    if (this.flexible) this.unsignedVarint(text === undefined ? 0 : text.length + 1);
    else this.int16(text?.length ?? -1);
    return text === undefined ? this : this.raw(text);
  }

  array<T>(items: readonly T[] | null, each: (item: T) => void): this {
    if (this.flexible) this.unsignedVarint(items === null ? 0 : items.length + 1);
    else this.int32(items?.length ?? -1);
    items?.forEach(each);
    return this;
  }

  /** End of a structure: no tagged fields. Nothing in the old encoding. */
  noTags(): this {
    return this.flexible ? this.unsignedVarint(0) : this;
  }

  finish(): Buffer {
    return this.bytes.subarray(0, this.end);
  }

  private unsignedVarint(value: number): this {
    let rest = value;
    while (rest > 0x7f) {
      this.int8((((rest & 0x7f) | 0x80) << 24) >> 24);
      rest >>>= 7;
    }
    return this.int8(rest);
  }

  private raw(value: Buffer): this {
    return this.put(value.length, (at) => value.copy(this.bytes, at));
  }

  private put(size: number, write: (at: number) => void): this {
    if (this.end + size > this.bytes.length) {
      this.bytes = Buffer.concat([this.bytes], Math.max(this.bytes.length * 2, this.end + size));
    }
    write(this.end);
    this.end += size;
    return this;
  }
}

/** Reads a response body. Byte fields are views of the response, not copies. */
export class WireReader {
  private at = 0;

  constructor(
    private readonly bytes: Buffer,
    private readonly flexible: boolean,
  ) {}

  int8(): number {
    return this.bytes.readInt8(this.skip(1));
  }

  int16(): number {
    return this.bytes.readInt16BE(this.skip(2));
  }

  int32(): number {
    return this.bytes.readInt32BE(this.skip(4));
  }

  /** A 64-bit integer that must be safe as a number: offsets, timestamps and producer ids are. */
  int64(): number {
    return readInt64(this.bytes, this.skip(8));
  }

  boolean(): boolean {
    return this.int8() !== 0;
  }

  /** A topic id as Kafka prints it (base64url); undefined for the zero id, which means none. */
  uuid(): string | undefined {
    const at = this.skip(16);
    const id = this.bytes.subarray(at, at + 16);
    return id.every((byte) => byte === 0) ? undefined : id.toString('base64url');
  }

  string(): string | null {
    const length = this.flexible ? this.unsignedVarint() - 1 : this.int16();
    if (length < 0) return null;
    const at = this.skip(length);
    return this.bytes.toString('utf8', at, at + length);
  }

  byteField(): Buffer {
    const length = this.flexible ? this.unsignedVarint() - 1 : this.int32();
    const at = this.skip(Math.max(length, 0));
    return this.bytes.subarray(at, this.at);
  }

  array<T>(each: () => T): T[] {
    const length = this.flexible ? this.unsignedVarint() - 1 : this.int32();
    const items: T[] = [];
    for (let index = 0; index < length; index++) items.push(each());
    return items;
  }

  /** Skips the tagged fields at the end of a structure. Nothing in the old encoding. */
  tags(): void {
    if (!this.flexible) return;
    for (let count = this.unsignedVarint(); count > 0; count--) {
      this.unsignedVarint();
      this.skip(this.unsignedVarint());
    }
  }

  private unsignedVarint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.bytes.readUInt8(this.skip(1));
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      if (scale > 2 ** 28) throw new RangeError('unsigned varint of more than five bytes');
    }
  }

  private skip(size: number): number {
    const at = this.at;
    if (at + size > this.bytes.length) {
      throw new RangeError(`response ends at byte ${this.bytes.length}, needed ${at + size}`);
    }
    this.at = at + size;
    return at;
  }
}

/** A big-endian signed 64-bit integer as a number; a RangeError if a double cannot hold it. */
export function readInt64(bytes: Buffer, at: number): number {
  const value = bytes.readInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
  if (!Number.isSafeInteger(value)) {
    throw new RangeError(`64-bit value ${bytes.readBigInt64BE(at)} is beyond what a number holds exactly`);
  }
  return value;
}
