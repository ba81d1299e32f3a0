import avro from 'avsc';

/** An Avro schema as far as Connect's converters write it. */
type Schema = string | Schema[] | AvroObject;
interface AvroObject {
  type: Schema;
  name?: string;
  namespace?: string;
  fields?: { name: string; type: Schema }[];
  items?: Schema;
  values?: Schema;
  'connect.name'?: string;
  'connect.type'?: string;
  'connect.parameters'?: Record<string, string>;
  /** Of a decimal, by Avro's own rules. */
  scale?: number;
}

/** A field of a Connect schema, as Connect's JSON converter writes it beside its records. */
interface ConnectSchema {
  type: string;
  field?: string;
  name?: string;
  parameters?: Record<string, string>;
  fields?: ConnectSchema[];
}

/** 64-bit integers as bigint: a number would round them. */
const LONG = avro.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(value);
    return bytes;
  },
  fromJSON: BigInt,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0),
});

/** The type of a schema, with 64-bit integers as bigint. @throws Error if it is none */
export function exactType(schema: unknown): avro.Type {
  return avro.Type.forSchema(schema as avro.Schema, {
    typeHook: (part) => (part === 'long' || (part as { type?: unknown }).type === 'long' ? LONG : undefined),
  });
}

/** Reads values of one Avro schema as the JSON that Connect's JSON converter writes for them. */
export class AvroReader {
  private readonly type: avro.Type;
  private readonly named = new Map<string, AvroObject>();
  /** The fields of the member `after`, as the JSON converter puts them beside the record: they tell the columns' types. */
  readonly connectFields: string | undefined;

  /** @throws Error if the text is no Avro schema */
  constructor(text: string) {
    const schema = JSON.parse(text) as Schema;
    this.type = exactType(schema);
    this.collect(schema, '');
    const root = this.resolve(schema);
    const after = root?.fields?.find(({ name }) => name === 'after');
    const fields = after && this.connect(after.type).fields;
    if (fields) this.connectFields = JSON.stringify([{ field: 'after', type: 'struct', fields }]);
  }

  /** JSON of the value at `start` of the bytes, which must end with it. @throws Error if the bytes are not of this schema */
  json(bytes: Buffer, start: number): string {
    const read: { value: unknown; offset: number } = this.type.decode(bytes, start);
    const { value, offset } = read;
    if (offset < 0) throw new Error('the record is cut short');
    if (offset !== bytes.length) throw new Error(`${bytes.length - offset} bytes are left behind the record`);
    return jsonOf(value);
  }

  private collect(schema: Schema, namespace: string): void {
    if (typeof schema === 'string') return;
    if (Array.isArray(schema)) return schema.forEach((part) => this.collect(part, namespace));
    const inner = schema.namespace ?? namespace;
    if (schema.name !== undefined) {
      this.named.set(schema.name, schema);
      if (inner !== '') this.named.set(`${inner}.${schema.name}`, schema);
    }
    for (const { type } of schema.fields ?? []) this.collect(type, inner);
    for (const part of [schema.items, schema.values]) if (part !== undefined) this.collect(part, inner);
    if (typeof schema.type === 'object') this.collect(schema.type, inner);
  }

  /** The record or type that a schema means, without `null` and names. */
  private resolve(schema: Schema): AvroObject | undefined {
    if (Array.isArray(schema)) return this.resolve(schema.find((part) => part !== 'null') ?? 'null');
    if (typeof schema === 'string') return this.named.get(schema) ?? { type: schema };
    return typeof schema.type === 'object' ? this.resolve(schema.type) : schema;
  }

  private connect(schema: Schema): ConnectSchema {
    const found = this.resolve(schema) ?? { type: 'string' };
    const type = found['connect.type'] ?? CONNECT_TYPES[found.type as string] ?? 'string';
    const parameters = {
      ...(found.scale !== undefined && { scale: String(found.scale) }),
      ...found['connect.parameters'],
    };
    return {
      type,
      ...(found['connect.name'] !== undefined && { name: found['connect.name'] }),
      ...(Object.keys(parameters).length > 0 && { parameters }),
      ...(found.fields && {
        fields: found.fields.map((field) => ({ ...this.connect(field.type), field: field.name })),
      }),
    };
  }
}

const CONNECT_TYPES: Record<string, string> = {
  int: 'int32',
  long: 'int64',
  float: 'float',
  double: 'double',
  boolean: 'boolean',
  bytes: 'bytes',
  fixed: 'bytes',
  string: 'string',
  enum: 'string',
  record: 'struct',
  array: 'array',
  map: 'map',
};

/** What JSON.stringify cannot write: bigints as numbers with all digits, bytes as base64, NaN and infinities as texts. */
function jsonOf(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : `"${value}"`;
  if (typeof value === 'string' || typeof value === 'boolean') return JSON.stringify(value);
  if (Buffer.isBuffer(value)) return `"${value.toString('base64')}"`;
  if (Array.isArray(value)) return `[${value.map(jsonOf).join(',')}]`;
  const members = Object.entries(value).map(([name, member]) => `${JSON.stringify(name)}:${jsonOf(member)}`);
  return `{${members.join(',')}}`;
}
