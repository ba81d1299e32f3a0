import { isUtf8 } from 'node:buffer';

import { doubleText, float32Text } from '../decoders/mysql-text.js';

/** An Avro schema as far as Connect's converters write it. */
export type AvroSchema = string | AvroSchema[] | AvroObject;
export interface AvroObject {
  type: AvroSchema;
  name?: string;
  namespace?: string;
  fields?: { name: string; type: AvroSchema }[];
  items?: AvroSchema;
  values?: AvroSchema;
  symbols?: string[];
  size?: number;
  'connect.name'?: string;
  'connect.type'?: string;
  'connect.parameters'?: Record<string, string>;
  logicalType?: string;
  /** Of a decimal, by Avro's own rules. */
  scale?: number;
  precision?: number;
}

/** Reads one value and answers its JSON. */
type Read = (bytes: AvroBytes) => string;

/**
 * Reads Avro's binary encoding (avro.apache.org/docs, specification) as the JSON that Connect's JSON converter writes: 64-bit integers with
 * all digits, bytes as base64, NaN and infinities as texts. A library reads past the end of damaged bytes and believes their counts,
 * and so would hold up a worker for hours over one record; here every length is checked first.
 */
export class AvroJson {
  private readonly named = new Map<string, Read>();
  private readonly root: Read;

  /**
   * Names may be any: converters take them from topics and tables (`shop-db.order-lines`), and few check them against Avro's rules.
   * @throws Error if the schema has a type that Avro does not know, or a part is missing
   */
  constructor(schema: AvroSchema) {
    this.root = this.reader(schema, '');
  }

  /** @throws Error if the bytes from `start` on are not one value of the schema */
  json(bytes: Buffer, start: number): string {
    const from = new AvroBytes(bytes, start);
    const text = this.root(from);
    if (from.left > 0) throw new Error(`${from.left} bytes are left behind the record`);
    return text;
  }

  private reader(schema: AvroSchema, namespace: string): Read {
    if (typeof schema === 'string') return this.simple(schema, namespace);
    if (Array.isArray(schema)) {
      const branches = schema.map((branch) => this.reader(branch, namespace));
      return (bytes) => bytes.pick(branches, 'branch')(bytes);
    }
    if (typeof schema !== 'object' || schema === null)
      throw new Error(`no schema: ${JSON.stringify(schema)}`);
    const { type } = schema;
    switch (type) {
      case 'record':
        return this.record(schema, namespace);
      case 'enum': {
        const symbols = part(schema, 'symbols', Array.isArray).map((symbol) => JSON.stringify(symbol));
        return this.name(schema, namespace, (bytes) => bytes.pick(symbols, 'symbol'));
      }
      case 'fixed': {
        const size = part(schema, 'size', (given) => Number.isInteger(given) && Number(given) >= 0);
        return this.name(schema, namespace, (bytes) => base64(bytes.take(size)));
      }
      case 'array': {
        const item = this.reader(part(schema, 'items'), namespace);
        return (bytes) => `[${bytes.blocks(() => item(bytes)).join(',')}]`;
      }
      case 'map': {
        const member = this.reader(part(schema, 'values'), namespace);
        return (bytes) => `{${bytes.blocks(() => `${bytes.text()}:${member(bytes)}`).join(',')}}`;
      }
      default:
        return this.reader(type, schema.namespace ?? namespace);
    }
  }

  private record(schema: AvroObject, namespace: string): Read {
    const inner = fullName(schema, namespace).replace(/\.?[^.]*$/, '');
    const fields: [string, Read][] = [];
    // Known before its fields are: one of them may be of this type.
    const read = this.name(schema, namespace, (bytes) => {
      bytes.enter();
      const members = fields.map(([name, field]) => `${name}:${field(bytes)}`);
      bytes.leave();
      return `{${members.join(',')}}`;
    });
    for (const { name, type } of part(schema, 'fields', Array.isArray)) {
      fields.push([JSON.stringify(name), this.reader(type, inner)]);
    }
    return read;
  }

  private name(schema: AvroObject, namespace: string, read: Read): Read {
    this.named.set(fullName(schema, namespace), read);
    return read;
  }

  private simple(type: string, namespace: string): Read {
    const known = this.named.get(`${namespace}.${type}`) ?? this.named.get(type);
    const read = known ?? SIMPLE[type];
    if (!read) throw new Error(`unknown type ${JSON.stringify(type)}`);
    return read;
  }
}

/** A part without which a schema of its type says nothing. */
function part<K extends 'fields' | 'symbols' | 'size' | 'items' | 'values'>(
  schema: AvroObject,
  name: K,
  fits: (given: unknown) => boolean = (given) => given !== undefined,
): NonNullable<AvroObject[K]> {
  const given = schema[name];
  if (!fits(given))
    throw new Error(`the ${schema.type as string} ${schema.name ?? ''} of the schema has no ${name}`);
  return given!;
}

function fullName({ name = '', namespace }: AvroObject, outer: string): string {
  const space = namespace ?? outer;
  return space === '' || name.includes('.') ? name : `${space}.${name}`;
}

const SIMPLE: Record<string, Read> = {
  null: () => 'null',
  boolean: (bytes) => (bytes.take(1)[0] === 0 ? 'false' : 'true'),
  int: (bytes) => bytes.long().toString(),
  long: (bytes) => bytes.long().toString(),
  float: (bytes) => numberJson(bytes.take(4).readFloatLE(), float32Text),
  double: (bytes) => numberJson(bytes.take(8).readDoubleLE(), doubleText),
  bytes: (bytes) => base64(bytes.take(bytes.length())),
  string: (bytes) => bytes.text(),
};

function numberJson(value: number, text: (value: number) => string): string {
  return Number.isFinite(value) ? text(value) : `"${value}"`;
}

function base64(bytes: Buffer): string {
  return `"${bytes.toString('base64')}"`;
}

/** Deeper than any table's row; a type that holds itself could go on for ever. */
const MAX_DEPTH = 200;

class AvroBytes {
  private depth = 0;

  constructor(
    private readonly bytes: Buffer,
    private at: number,
  ) {}

  get left(): number {
    return this.bytes.length - this.at;
  }

  enter(): void {
    this.depth += 1;
    if (this.depth > MAX_DEPTH) throw new Error(`nested deeper than ${MAX_DEPTH} levels`);
  }

  leave(): void {
    this.depth -= 1;
  }

  take(count: number): Buffer {
    if (count > this.left) throw new Error('the record is cut short');
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  /** A number in zigzag notation, seven bits a byte; a bigint only where a number would not do. */
  long(): number | bigint {
    let value = 0;
    let unit = 1;
    for (let i = 0; i < 7; i++, unit *= 128) {
      const byte = this.take(1)[0]!;
      value += (byte & 0x7f) * unit;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
    let wide = BigInt(value);
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const byte = this.take(1)[0]!;
      wide |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, (wide >> 1n) ^ -(wide & 1n));
    }
    throw new Error('a number of more than ten bytes');
  }

  /** A length of bytes that are there. */
  length(): number {
    const length = this.long();
    if (length < 0 || length > this.left) throw new Error('the record is cut short');
    return Number(length);
  }

  text(): string {
    const bytes = this.take(this.length());
    if (!isUtf8(bytes)) throw new Error('a text that is not UTF-8');
    return JSON.stringify(bytes.toString('utf8'));
  }

  pick<T>(all: readonly T[], what: string): T {
    const index = this.long();
    const found = index >= 0 ? all[Number(index)] : undefined;
    if (found === undefined) throw new Error(`no ${what} ${index}`);
    return found;
  }

  /** Items of an array or map. Those of Connect take a byte at least, so there are never more than bytes. */
  blocks(item: () => string): string[] {
    const items: string[] = [];
    for (;;) {
      let count = Number(this.long());
      if (count === 0) return items;
      if (count < 0) {
        count = -count;
        this.length();
      }
      if (count > this.left) throw new Error('the record is cut short');
      for (let i = 0; i < count; i++) items.push(item());
    }
  }
}
