import { Decimal128 } from 'bson';
import { utf8 } from './bytes.js';
import type { Document, Ejson } from './ejson.js';
import {
  binary,
  code,
  codeWithScope,
  date,
  dbPointer,
  decimal128,
  double,
  int32,
  int64,
  MAX_KEY,
  MIN_KEY,
  objectId,
  regex,
  symbol,
  timestamp,
  UNDEFINED,
} from './ejson.js';
import { DecodeProblem } from './problem.js';

/** MongoDB allows 100 levels; an oplog entry puts a few around them. */
const MAX_DEPTH = 200;

/**
 * Reads one BSON document (bsonspec.org) that fills `bytes`. The bson package is not used for this: it gives plain
 * objects, which lose the order of number-like fields. @throws DecodeProblem
 */
export function readBson(bytes: Buffer): Document {
  const reader = new BsonReader(bytes);
  const document = reader.document(0);
  if (!reader.done()) throw new DecodeProblem('malformed', 'bytes after the BSON document');
  return document;
}

/** True if the first bytes can be a BSON document that fills the buffer; cheap, for telling formats apart. */
export function looksLikeBson(bytes: Buffer): boolean {
  return bytes.length >= 5 && bytes.readInt32LE(0) === bytes.length && bytes[bytes.length - 1] === 0;
}

class BsonReader {
  private at = 0;

  constructor(private readonly bytes: Buffer) {}

  done(): boolean {
    return this.at === this.bytes.length;
  }

  document(depth: number): Document {
    const document: Document = new Map();
    this.elements(depth, (name, value) => document.set(name, value));
    return document;
  }

  private array(depth: number): Ejson[] {
    const array: Ejson[] = [];
    // Keys of an array are its indexes, but servers only look at the order.
    this.elements(depth, (_, value) => array.push(value));
    return array;
  }

  private elements(depth: number, add: (name: string, value: Ejson) => void): void {
    if (depth > MAX_DEPTH)
      throw new DecodeProblem('malformed', `BSON nested deeper than ${MAX_DEPTH} levels`);
    const start = this.at;
    const length = this.int32();
    if (length < 5) throw new DecodeProblem('malformed', `BSON document of ${length} bytes`);
    const end = start + length;
    if (end > this.bytes.length) throw new DecodeProblem('truncated', 'BSON document runs past its bytes');
    for (;;) {
      const type = this.byte();
      if (type === 0) break;
      const name = this.cstring();
      add(name, this.value(type, depth));
    }
    if (this.at !== end) throw new DecodeProblem('malformed', 'BSON document does not end where it says');
  }

  private value(type: number, depth: number): Ejson {
    switch (type) {
      case 0x01:
        return double(this.bytes.readDoubleLE(this.take(8)));
      case 0x02:
        return this.string();
      case 0x03:
        return this.document(depth + 1);
      case 0x04:
        return this.array(depth + 1);
      case 0x05:
        return this.binary();
      case 0x06:
        return UNDEFINED;
      case 0x07:
        return objectId(this.view(12).toString('hex'));
      case 0x08:
        return this.byte() !== 0;
      case 0x09:
        return date(this.int64());
      case 0x0a:
        return null;
      case 0x0b:
        return regex(this.cstring(), this.cstring());
      case 0x0c:
        return dbPointer(this.string(), this.view(12).toString('hex'));
      case 0x0d:
        return code(this.string());
      case 0x0e:
        return symbol(this.string());
      case 0x0f:
        this.int32();
        return codeWithScope(this.string(), this.document(depth + 1));
      case 0x10:
        return int32(this.int32());
      case 0x11: {
        // Unlike every text form the bytes hold the increment first.
        const increment = this.bytes.readUInt32LE(this.take(4));
        return timestamp(this.bytes.readUInt32LE(this.take(4)), increment);
      }
      case 0x12:
        return int64(this.int64());
      case 0x13:
        return decimal128(new Decimal128(this.view(16)).toString());
      case 0xff:
        return MIN_KEY;
      case 0x7f:
        return MAX_KEY;
      default:
        throw new DecodeProblem('malformed', `BSON type 0x${type.toString(16)}`);
    }
  }

  private binary(): Ejson {
    const length = this.int32();
    if (length < 0) throw new DecodeProblem('malformed', 'BSON binary of negative length');
    const subType = this.byte();
    const bytes = this.view(length);
    // Subtype 2 repeats its length inside.
    if (subType === 2 && length >= 4 && bytes.readInt32LE(0) === length - 4)
      return binary(bytes.subarray(4), 2);
    return binary(bytes, subType);
  }

  private string(): string {
    const length = this.int32();
    if (length < 1) throw new DecodeProblem('malformed', `BSON text of ${length} bytes`);
    const bytes = this.view(length);
    if (bytes[length - 1] !== 0) throw new DecodeProblem('malformed', 'BSON text without its final zero');
    return utf8(bytes.subarray(0, length - 1), 'BSON text');
  }

  private cstring(): string {
    const end = this.bytes.indexOf(0, this.at);
    if (end < 0) throw new DecodeProblem('truncated', 'BSON name without its final zero');
    const text = utf8(this.bytes.subarray(this.at, end), 'BSON name');
    this.at = end + 1;
    return text;
  }

  private int32(): number {
    return this.bytes.readInt32LE(this.take(4));
  }

  private int64(): bigint {
    return this.bytes.readBigInt64LE(this.take(8));
  }

  private byte(): number {
    return this.bytes[this.take(1)] as number;
  }

  private view(count: number): Buffer {
    const start = this.take(count);
    return this.bytes.subarray(start, start + count);
  }

  private take(count: number): number {
    if (count > this.bytes.length - this.at) throw new DecodeProblem('truncated', 'BSON ends inside a value');
    const start = this.at;
    this.at += count;
    return start;
  }
}
