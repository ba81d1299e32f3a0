/** One table's updates in every textual dialect: the same twelve columns, so that formats can be compared with each other. */

/** Time of the first update, in ms since the epoch; the others follow every 10 ms. */
export const START = 1_709_251_200_000;
const STATES = ['new', 'paid', 'sent', 'done'];

/** Name, Hive type, and the type that logs write. */
export const COLUMNS: [name: string, type: string, sourceType: string][] = [
  ['id', 'bigint', 'bigint'],
  ['uid', 'bigint', 'bigint'],
  ['amt', 'decimal(12,2)', 'decimal(12,2)'],
  ['st', 'string', 'varchar(16)'],
  ['title', 'string', 'varchar(64)'],
  ['n', 'int', 'int'],
  ['flag', 'tinyint', 'tinyint'],
  ['ratio', 'double', 'double'],
  ['city', 'string', 'varchar(32)'],
  ['day', 'date', 'date'],
  ['at', 'timestamp', 'datetime'],
  ['note', 'string', 'text'],
];

export type Row = Record<string, string>;

/** Columns of update number `i`, as their texts. */
export function row(i: number): Row {
  const at = new Date(START + i * 10).toISOString().replace('T', ' ').slice(0, 19);
  return {
    id: String(i),
    uid: String(9007199254740993n + BigInt(i % 5000)),
    amt: `${i % 10_000}.${10 + (i % 90)}`,
    st: STATES[i % 4]!,
    title: `课程 ${i % 1000} lesson`,
    n: String(i % 77),
    flag: String(i % 2),
    ratio: String((i % 1000) / 8),
    city: ['上海', '北京', '广州'][i % 3]!,
    day: at.slice(0, 10),
    at,
    note: 'x'.repeat(i % 30),
  };
}

/** Columns that logs write as JSON numbers. */
export const NUMBERS = new Set(['id', 'uid', 'n', 'flag', 'ratio']);

/** A row's members as JSON, numbers as numbers: a JavaScript number would round the large ones. */
function object(values: Row, convert: (name: string, text: string) => string = jsonValue): string {
  return `{${Object.entries(values)
    .map(([name, text]) => `"${name}":${convert(name, text)}`)
    .join(',')}}`;
}

function jsonValue(name: string, text: string): string {
  return NUMBERS.has(name) ? text : JSON.stringify(text);
}

function debeziumValue(name: string, text: string): string {
  if (name === 'amt') {
    const cents = Math.round(Number(text) * 100);
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(cents);
    return `"${bytes.toString('base64')}"`;
  }
  if (name === 'day') return String(Math.floor(Date.parse(text) / 86_400_000));
  if (name === 'at') return String(Date.parse(`${text.replace(' ', 'T')}Z`));
  return jsonValue(name, text);
}

const each = (value: (sourceType: string) => string): string =>
  `{${COLUMNS.map(([name, , type]) => `"${name}":${value(type)}`).join(',')}}`;
const SQL_TYPE = each(() => '12');
const MYSQL_TYPE = each((type) => JSON.stringify(type.replace(/\(.*/, '')));

const CONNECT_FIELDS = COLUMNS.map(([field, , type]) => {
  const connect: Record<string, object> = {
    bigint: { type: 'int64' },
    int: { type: 'int32' },
    tinyint: { type: 'int16' },
    double: { type: 'double' },
    date: { type: 'int32', name: 'io.debezium.time.Date', version: 1 },
    datetime: { type: 'int64', name: 'io.debezium.time.Timestamp', version: 1 },
    'decimal(12,2)': {
      type: 'bytes',
      name: 'org.apache.kafka.connect.data.Decimal',
      version: 1,
      parameters: { scale: '2', 'connect.decimal.precision': '12' },
    },
  };
  return { ...(connect[type] ?? { type: 'string' }), optional: true, field };
});
const CONNECT_SCHEMA = JSON.stringify({
  type: 'struct',
  fields: [
    {
      type: 'struct',
      fields: CONNECT_FIELDS,
      optional: true,
      name: 'dbz.shop.orders.Value',
      field: 'before',
    },
    { type: 'struct', fields: CONNECT_FIELDS, optional: true, name: 'dbz.shop.orders.Value', field: 'after' },
  ],
});

type Line = (i: number) => string;

const debezium: Line = (i) => {
  const ms = START + i * 10;
  const image = object(row(i), debeziumValue);
  return (
    `{"before":${image},"after":${image},"source":{"version":"3.3.0.Final","connector":"mysql","name":"dbz","ts_ms":${ms},"snapshot":"false",` +
    `"db":"shop","table":"orders","server_id":1,"file":"binlog.000003","pos":${i * 300},"row":0},"op":"u","ts_ms":${ms + 5}}`
  );
};

export const LINES: Record<string, Line> = {
  json: (i) => object({ '@timestamp': new Date(START + i * 10).toISOString(), ...row(i) }),
  'canal-json': (i) => {
    const ms = START + i * 10;
    return (
      `{"id":0,"database":"shop","table":"orders","pkNames":["id"],"isDdl":false,"type":"UPDATE","es":${ms},"ts":${ms + 300},"sql":"",` +
      `"sqlType":${SQL_TYPE},"mysqlType":${MYSQL_TYPE},"old":[{"st":"new"}],"data":[${object(row(i), (_, text) => JSON.stringify(text))}],` +
      `"_tidb":{"commitTs":${(BigInt(ms) << 18n) + BigInt(i % 7)}}}`
    );
  },
  maxwell: (i) =>
    `{"database":"shop","table":"orders","type":"update","ts":${Math.floor((START + i * 10) / 1000)},"xid":${i},"commit":true,` +
    `"position":"binlog.000003:${i * 300}","data":${object(row(i))},"old":{"st":"new"}}`,
  debezium,
  'debezium with schemas': (i) => `{"schema":${CONNECT_SCHEMA},"payload":${debezium(i)}}`,
};

/** Messages of TiCDC's open protocol: key and value frames of one row. */
export function openProtocol(i: number): { key: Buffer; value: Buffer } {
  const ts = (BigInt(START + i * 10) << 18n) + BigInt(i % 7);
  const types: Record<string, number> = {
    bigint: 8,
    int: 3,
    tinyint: 1,
    double: 5,
    date: 10,
    datetime: 12,
    'decimal(12,2)': 246,
  };
  const columns = Object.entries(row(i)).map(([name, text]) => {
    const type = types[COLUMNS.find((column) => column[0] === name)![2]] ?? 15;
    const flags = name === 'id' ? `,"h":true,"f":11` : `,"f":64`;
    return `"${name}":{"t":${type}${flags},"v":${NUMBERS.has(name) ? text : JSON.stringify(text)}}`;
  });
  const key = Buffer.from(`{"ts":${ts},"scm":"shop","tbl":"orders","t":1}`);
  const value = Buffer.from(`{"u":{${columns.join(',')}}}`);
  const frame = (body: Buffer): Buffer => {
    const length = Buffer.alloc(8);
    length.writeBigUInt64BE(BigInt(body.length));
    return Buffer.concat([length, body]);
  };
  const version = Buffer.alloc(8);
  version.writeBigUInt64BE(1n);
  return { key: Buffer.concat([version, frame(key)]), value: frame(value) };
}
