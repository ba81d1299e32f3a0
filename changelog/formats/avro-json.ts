import { AvroJson, type AvroObject, type AvroSchema } from './avro-read.js';

/** A field of a Connect schema, as Connect's JSON converter writes it beside its records. */
interface ConnectSchema {
  type: string;
  field?: string;
  name?: string;
  parameters?: Record<string, string>;
  fields?: ConnectSchema[];
}

/** Reads values of one Avro schema as the JSON that Connect's JSON converter writes for them. */
export class AvroReader {
  private readonly values: AvroJson;
  private readonly named = new Map<string, AvroObject>();
  /** The fields of the member `after`, as the JSON converter puts them beside the record: they tell the columns' types. */
  readonly connectFields: string | undefined;

  /** @throws Error if the text is no Avro schema */
  constructor(text: string) {
    const schema = JSON.parse(text) as AvroSchema;
    this.values = new AvroJson(schema);
    this.collect(schema, '');
    const root = this.resolve(schema);
    const after = root?.fields?.find(({ name }) => name === 'after');
    const fields = after && this.connect(after.type).fields;
    if (fields) this.connectFields = JSON.stringify([{ field: 'after', type: 'struct', fields }]);
  }

  /** JSON of the value at `start` of the bytes, which must end with it. @throws Error if the bytes are not of this schema */
  json(bytes: Buffer, start: number): string {
    return this.values.json(bytes, start);
  }

  private collect(schema: AvroSchema, namespace: string): void {
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
  private resolve(schema: AvroSchema): AvroObject | undefined {
    if (Array.isArray(schema)) return this.resolve(schema.find((part) => part !== 'null') ?? 'null');
    if (typeof schema === 'string') return this.named.get(schema) ?? { type: schema };
    return typeof schema.type === 'object' ? this.resolve(schema.type) : schema;
  }

  private connect(schema: AvroSchema): ConnectSchema {
    const found = this.resolve(schema) ?? { type: 'string' };
    const type = found['connect.type'] ?? CONNECT_TYPES[found.type as string] ?? 'string';
    const name = found['connect.name'] ?? LOGICAL_NAMES[found.logicalType ?? ''];
    const parameters = {
      ...(found.scale !== undefined && { scale: String(found.scale) }),
      ...(found.precision !== undefined && { 'connect.decimal.precision': String(found.precision) }),
      ...found['connect.parameters'],
    };
    return {
      type,
      ...(name !== undefined && { name }),
      ...(Object.keys(parameters).length > 0 && { parameters }),
      ...(found.fields && {
        fields: found.fields.map((field) => ({ ...this.connect(field.type), field: field.name })),
      }),
    };
  }
}

/** What Connect calls Avro's own logical types, for converters that are told to leave Connect's names out. */
const LOGICAL_NAMES: Record<string, string> = {
  decimal: 'org.apache.kafka.connect.data.Decimal',
  date: 'org.apache.kafka.connect.data.Date',
  'time-millis': 'org.apache.kafka.connect.data.Time',
  'timestamp-millis': 'org.apache.kafka.connect.data.Timestamp',
};

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
