/** Growable arrays of one Parquet row group, without an object or a string per record. */

/** Numbers as they lie in a block's own arrays, which are taken over at once. */
export class DoubleBuffer {
  private values = new Float64Array(4096);
  count = 0;

  push(value: number): void {
    this.makeRoom(1);
    this.values[this.count++] = value;
  }

  pushAll(values: Float64Array, count: number): void {
    this.makeRoom(count);
    this.values.set(values.length === count ? values : values.subarray(0, count), this.count);
    this.count += count;
  }

  pushSame(value: number, count: number): void {
    this.makeRoom(count);
    this.values.fill(value, this.count, this.count + count);
    this.count += count;
  }

  bytes(): Buffer {
    return Buffer.from(this.values.buffer, 0, this.count * 8);
  }

  reset(): void {
    this.count = 0;
  }

  private makeRoom(count: number): void {
    if (this.count + count <= this.values.length) return;
    const next = new Float64Array(Math.max(this.values.length * 2, this.count + count));
    next.set(this.values.subarray(0, this.count));
    this.values = next;
  }
}

/** Little-endian 64-bit integers from numbers that are safe integers. */
export class Int64Buffer {
  private words = new Uint32Array(1024);
  count = 0;

  push(value: number): void {
    if (this.count * 2 === this.words.length) this.words = grown(this.words);
    const high = Math.floor(value / 4294967296);
    this.words[this.count * 2] = value - high * 4294967296;
    this.words[this.count * 2 + 1] = high;
    this.count += 1;
  }

  pushBig(value: bigint): void {
    if (this.count * 2 === this.words.length) this.words = grown(this.words);
    this.words[this.count * 2] = Number(BigInt.asUintN(32, value));
    this.words[this.count * 2 + 1] = Number(BigInt.asUintN(32, value >> 32n));
    this.count += 1;
  }

  bytes(): Buffer {
    return Buffer.from(this.words.buffer, 0, this.count * 8);
  }

  reset(): void {
    this.count = 0;
  }
}

function grown(array: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const next = new Uint32Array(array.length * 2);
  next.set(array);
  return next;
}

/** Optional byte strings, PLAIN encoded: four bytes of length and the bytes. */
export class OptionalBytesBuffer {
  private data = Buffer.allocUnsafe(1 << 16);
  private present = new Uint8Array(1024);
  private nulls = 0;
  size = 0;
  count = 0;

  push(source: Buffer, start: number, end: number): void {
    if (start < 0) {
      this.mark(0);
      return;
    }
    const length = end - start;
    this.makeRoom(4 + length);
    this.data.writeUInt32LE(length, this.size);
    source.copy(this.data, this.size + 4, start, end);
    this.size += 4 + length;
    this.mark(1);
  }

  pushNulls(count: number): void {
    for (let i = 0; i < count; i++) this.mark(0);
  }

  pushText(text: string | null): void {
    if (text === null) {
      this.mark(0);
      return;
    }
    this.makeRoom(4 + text.length * 3);
    const length = this.data.write(text, this.size + 4);
    this.data.writeUInt32LE(length, this.size);
    this.size += 4 + length;
    this.mark(1);
  }

  private mark(present: 0 | 1): void {
    if (this.count === this.present.length) {
      const next = new Uint8Array(this.present.length * 2);
      next.set(this.present);
      this.present = next;
    }
    this.present[this.count++] = present;
    this.nulls += 1 - present;
  }

  private makeRoom(bytes: number): void {
    if (this.size + bytes <= this.data.length) return;
    const next = Buffer.allocUnsafe(Math.max(this.data.length * 2, this.size + bytes));
    this.data.copy(next, 0, 0, this.size);
    this.data = next;
  }

  /** Definition levels, then the values that are not null. */
  parts(): Buffer[] {
    return [levels(this.present, this.count, this.nulls), this.data.subarray(0, this.size)];
  }

  reset(): void {
    this.size = 0;
    this.count = 0;
    this.nulls = 0;
  }
}

/** RLE / bit-packed hybrid of one-bit definition levels with its four bytes of length. */
function levels(present: Uint8Array, count: number, nulls: number): Buffer {
  const uniform = nulls === 0 || nulls === count;
  const groups = Math.ceil(count / 8);
  const header = varint(uniform ? count * 2 : groups * 2 + 1);
  const body = Buffer.alloc(uniform ? 1 : groups);
  if (uniform) body[0] = nulls === 0 ? 1 : 0;
  else for (let i = 0; i < count; i++) body[i >> 3]! |= present[i]! << (i & 7);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length + body.length);
  return Buffer.concat([length, header, body]);
}

/** Lengths of a DELTA_LENGTH_BYTE_ARRAY page: blocks of 128 deltas in four miniblocks, each delta in 32 bits. */
export function deltaLengths(lengths: Int32Array, count: number): Buffer {
  const blocks = Math.ceil(Math.max(0, count - 1) / 128);
  const out = Buffer.alloc(32 + blocks * (16 + 512));
  let position = putVarint(out, 0, 128);
  position = putVarint(out, position, 4);
  position = putVarint(out, position, count);
  position = putZigzag(out, position, count === 0 ? 0 : lengths[0]!);
  for (let block = 1; block < count; block += 128) {
    const end = Math.min(count, block + 128);
    let least = Infinity;
    for (let i = block; i < end; i++) least = Math.min(least, lengths[i]! - lengths[i - 1]!);
    position = putZigzag(out, position, least);
    const miniblocks = Math.ceil((end - block) / 32);
    for (let i = 0; i < 4; i++) out[position++] = i < miniblocks ? 32 : 0;
    for (let i = block; i < end; i++, position += 4) {
      out.writeUInt32LE(lengths[i]! - lengths[i - 1]! - least, position);
    }
    position += (miniblocks * 32 - (end - block)) * 4;
  }
  return out.subarray(0, position);
}

function varint(value: number): Buffer {
  const out = Buffer.alloc(8);
  return out.subarray(0, putVarint(out, 0, value));
}

function putZigzag(out: Buffer, at: number, value: number): number {
  return putVarint(out, at, value < 0 ? -2 * value - 1 : 2 * value);
}

function putVarint(out: Buffer, at: number, value: number): number {
  let position = at;
  let rest = value;
  while (rest >= 0x80) {
    out[position++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  out[position++] = rest;
  return position;
}
