import { exactType } from './avro-type.js';
import { message, number } from '../demo/mirror/protobuf.js';
import { COLUMNS, NUMBERS, row, START, type Row } from './format-data.js';

/** The updates of format-data.ts in the formats that are no lines of JSON, or whose rows are documents. */

const seconds = (i: number): number => Math.floor((START + i * 10) / 1000);
const tso = (i: number): bigint => (BigInt(START + i * 10) << 18n) + BigInt(i % 7);

function cell(type: string, text: string): Buffer {
  if (type === 'double') {
    const bytes = Buffer.from([(4 << 3) | 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    bytes.writeDoubleLE(Number(text), 1);
    return bytes;
  }
  return /int/.test(type) ? number(2, BigInt(text)) : message(6, text);
}

const DRAINER_COLUMNS = COLUMNS.map(([name, , type]) =>
  message(3, message(1, name), message(2, type.replace(/\(.*/, '')), number(3, name === 'id' ? 1 : 0)),
);

/** A transaction of one update, as Drainer writes it. */
export function drainer(i: number): Buffer {
  const image = (field: number, values: Row): Buffer =>
    message(field, ...COLUMNS.map(([name, , type]) => message(1, cell(type, values[name]!))));
  const after = row(i);
  const mutation = message(4, number(1, 1), image(2, after), image(3, { ...after, st: 'new' }));
  const table = message(1, message(1, 'shop'), message(2, 'orders'), ...DRAINER_COLUMNS, mutation);
  return Buffer.concat([number(1, 0), number(2, tso(i)), message(3, table)]);
}

const BSON_NUMBERS: Record<string, string> = {
  ...{ n: '$numberInt', flag: '$numberInt', ratio: '$numberDouble', uid: '$numberLong' },
};

/** The row as a document of canonical extended JSON. */
function document(i: number): string {
  const members = Object.entries(row(i)).map(([name, text]) => {
    if (name === 'id') return `"_id":{"$numberLong":"${text}"}`;
    if (name === 'amt') return `"amt":{"$numberDecimal":"${text}"}`;
    if (name === 'at') return `"at":{"$date":{"$numberLong":"${START + i * 10}"}}`;
    const kind = BSON_NUMBERS[name];
    return `"${name}":${kind === undefined ? JSON.stringify(text) : `{"${kind}":"${text}"}`}`;
  });
  return `{${members.join(',')}}`;
}

/** A replaced document in MongoShake's JSON. */
export function mongoshake(i: number): string {
  return (
    `{"ts":{"$timestamp":{"t":${seconds(i)},"i":${i % 100}}},"t":{"$numberLong":"1"},"h":null,"v":{"$numberInt":"2"},"op":"u","ns":"shop.orders",` +
    `"o":${document(i)},"o2":{"_id":{"$numberLong":"${i}"}},"ui":null}`
  );
}

/** The same as an event of MongoDB's own connector. */
export function changeStream(i: number): string {
  return (
    `{"_id":{"_data":"8265E11A80${i.toString(16).toUpperCase().padStart(8, '0')}AA"},"operationType":"replace","clusterTime":{"$timestamp":{"t":${seconds(i)},"i":${i % 100}}},` +
    `"ns":{"db":"shop","coll":"orders"},"documentKey":{"_id":{"$numberLong":"${i}"}},"fullDocument":${document(i)}}`
  );
}

const AVRO_TYPES: Record<string, object> = {
  bigint: { type: 'long' },
  int: { type: 'int' },
  tinyint: { type: 'int', 'connect.type': 'int16' },
  double: { type: 'double' },
  date: { type: 'int', 'connect.name': 'io.debezium.time.Date', 'connect.version': 1 },
  datetime: { type: 'long', 'connect.name': 'io.debezium.time.Timestamp', 'connect.version': 1 },
  'decimal(12,2)': {
    ...{ type: 'bytes', logicalType: 'decimal', scale: 2, precision: 12 },
    ...{ 'connect.name': 'org.apache.kafka.connect.data.Decimal', 'connect.version': 1 },
    'connect.parameters': { scale: '2', 'connect.decimal.precision': '12' },
  },
};
const member = (name: string, type: unknown): object => ({ name, type: ['null', type], default: null });
const field = (name: string, type: string): object => ({ name, type });

/** The schema that the registry has under number 0. */
export const AVRO_SCHEMA = JSON.stringify({
  ...{ type: 'record', name: 'Envelope', namespace: 'dbz.shop.orders' },
  fields: [
    member('before', {
      ...{ type: 'record', name: 'Value' },
      fields: COLUMNS.map(([name, , type]) => member(name, AVRO_TYPES[type] ?? { type: 'string' })),
    }),
    member('after', 'Value'),
    {
      name: 'source',
      type: {
        ...{ type: 'record', name: 'Source', namespace: 'io.debezium.connector.mysql' },
        fields: [
          ...['version', 'connector', 'name', 'snapshot', 'db', 'table', 'file'].map((name) =>
            field(name, 'string'),
          ),
          ...['ts_ms', 'server_id', 'pos'].map((name) => field(name, 'long')),
          field('row', 'int'),
        ],
      },
    },
    field('op', 'string'),
    member('ts_ms', 'long'),
  ],
});
const AVRO = exactType(JSON.parse(AVRO_SCHEMA));

function avroValue(name: string, text: string): unknown {
  if (name === 'amt') {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(Math.round(Number(text) * 100));
    return bytes;
  }
  if (name === 'day') return Math.floor(Date.parse(text) / 86_400_000);
  if (name === 'at') return BigInt(Date.parse(`${text.replace(' ', 'T')}Z`));
  if (!NUMBERS.has(name)) return text;
  return name === 'id' || name === 'uid' ? BigInt(text) : Number(text);
}

/** An update in Debezium's Avro, with the number of its schema. */
export function debeziumAvro(i: number): Buffer {
  const ms = BigInt(START + i * 10);
  const image = Object.fromEntries(
    Object.entries(row(i)).map(([name, text]) => [name, avroValue(name, text)]),
  );
  const source = {
    ...{
      version: '3.3.0.Final',
      connector: 'mysql',
      name: 'dbz',
      snapshot: 'false',
      db: 'shop',
      table: 'orders',
    },
    ...{ file: 'binlog.000003', ts_ms: ms, server_id: 1n, pos: BigInt(i * 300), row: 0 },
  };
  return Buffer.concat([
    Buffer.alloc(5),
    AVRO.toBuffer({ before: image, after: image, source, op: 'u', ts_ms: ms + 5n }),
  ]);
}
