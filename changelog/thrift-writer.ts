const LIST_TYPES = { i32: 5, binary: 8, struct: 12 } as const;

/** Thrift's compact protocol, as much of it as Parquet's metadata needs. */
export class ThriftWriter {
  private buffer = Buffer.allocUnsafe(256);
  private length = 0;
  private lastField = 0;

  i32(field: number, value: number): void {
    this.header(field, 5);
    this.zigzag(value);
  }

  i64(field: number, value: number): void {
    this.header(field, 6);
    this.zigzag(value);
  }

  string(field: number, value: string): void {
    this.header(field, 8);
    this.listString(value);
  }

  struct(field: number, body: () => void): void {
    this.header(field, 12);
    this.element(body);
  }

  /** Begins a list; its elements follow with `element`, `listI32` or `listString`. */
  list(field: number, type: keyof typeof LIST_TYPES, size: number): void {
    this.header(field, 9);
    if (size < 15) this.byte((size << 4) | LIST_TYPES[type]);
    else {
      this.byte(0xf0 | LIST_TYPES[type]);
      this.varint(size);
    }
  }

  element(body: () => void): void {
    const outer = this.lastField;
    this.lastField = 0;
    body();
    this.byte(0);
    this.lastField = outer;
  }

  listI32(value: number): void {
    this.zigzag(value);
  }

  listString(value: string): void {
    const bytes = Buffer.from(value);
    this.varint(bytes.length);
    for (const byte of bytes) this.byte(byte);
  }

  /** The bytes of the outermost struct. */
  finish(): Buffer {
    this.byte(0);
    return this.buffer.subarray(0, this.length);
  }

  private header(field: number, type: number): void {
    this.byte(((field - this.lastField) << 4) | type);
    this.lastField = field;
  }

  private zigzag(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  private varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.byte((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.byte(rest);
  }

  private byte(value: number): void {
    if (this.length === this.buffer.length) {
      this.buffer = Buffer.concat([this.buffer, Buffer.allocUnsafe(this.buffer.length)]);
    }
    this.buffer[this.length++] = value;
  }
}
