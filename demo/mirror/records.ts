import { message, number } from './protobuf.js';

/** A row as its log writes it: column -> text, null for NULL. */
export type Row = Record<string, string | null>;

export interface ShopTable {
  name: string;
  columns: { name: string; type: string; sqlType: number }[];
  key: string[];
}

export interface RowChange {
  table: ShopTable;
  before: Row | null;
  after: Row | null;
}

/** A record for Kafka: changes of one key go to one partition, as TiCDC's `index-value` dispatcher does it. */
export interface OutRecord {
  key: string;
  value: Buffer;
}

/** TiCDC's canal-json with `enable-tidb-extension`: one record a row, with the transaction's commit TSO. */
export function canalJson(database: string, change: RowChange, commitTs: string, atMs: number): OutRecord {
  const { table, before, after } = change;
  const record = {
    id: 0,
    database,
    table: table.name,
    pkNames: table.key,
    isDdl: false,
    type: after === null ? 'DELETE' : before === null ? 'INSERT' : 'UPDATE',
    es: Number(BigInt(commitTs) >> 18n),
    ts: atMs,
    sql: '',
    sqlType: Object.fromEntries(table.columns.map(({ name, sqlType }) => [name, sqlType])),
    mysqlType: Object.fromEntries(table.columns.map(({ name, type }) => [name, type.replace(/\(.*/, '')])),
    old: before !== null && after !== null ? [before] : null,
    data: [after ?? before],
  };
  // A TSO does not fit JavaScript's numbers: it is put into the text as it is.
  const text = `${JSON.stringify(record).slice(0, -1)},"_tidb":{"commitTs":${commitTs}}}`;
  return { key: keyText(change), value: Buffer.from(text) };
}

const MUTATIONS = { insert: 0, update: 1, delete: 2 };

/** Drainer's protobuf: one record a transaction, all tables in one message. */
export function drainerBinlog(database: string, changes: RowChange[], commitTs: string): OutRecord {
  const tables = [...new Set(changes.map(({ table }) => table))].map((table) => {
    const own = changes.filter((change) => change.table === table);
    return message(
      1,
      message(1, database),
      message(2, table.name),
      ...table.columns.map(({ name, type }) =>
        message(
          3,
          message(1, name),
          message(2, type.replace(/\(.*/, '')),
          number(3, table.key.includes(name) ? 1 : 0),
        ),
      ),
      ...own.map(({ before, after }) => mutation(table, before, after)),
    );
  });
  return {
    key: '',
    value: Buffer.concat([number(1, 0), number(2, BigInt(commitTs)), message(3, ...tables)]),
  };
}

function mutation(table: ShopTable, before: Row | null, after: Row | null): Buffer {
  const image = (field: number, row: Row): Buffer =>
    message(field, ...table.columns.map(({ name, type }) => message(1, cell(row[name] ?? null, type))));
  if (after === null) return message(4, number(1, MUTATIONS.delete), image(2, before!));
  if (before === null) return message(4, number(1, MUTATIONS.insert), image(2, after));
  return message(4, number(1, MUTATIONS.update), image(2, after), image(3, before));
}

function cell(text: string | null, type: string): Buffer {
  if (text === null) return number(1, 1);
  return /int/.test(type) ? number(2, BigInt(text)) : message(6, text);
}

function keyText({ table, before, after }: RowChange): string {
  return table.key.map((name) => (after ?? before)![name]).join('/');
}

/** MongoShake with `tunnel.message=json` and canonical extended JSON: an oplog entry. */
export function oplogJson(entry: {
  seconds: number;
  increment: number;
  op: 'i' | 'u' | 'd';
  ns: string;
  o: string;
  o2?: string;
  key: string;
}): OutRecord {
  const text =
    `{"ts":{"$timestamp":{"t":${entry.seconds},"i":${entry.increment}}},"t":{"$numberLong":"1"},"h":null,"v":{"$numberInt":"2"},` +
    `"op":"${entry.op}","ns":${JSON.stringify(entry.ns)},"o":${entry.o},"o2":${entry.o2 ?? 'null'},"ui":null}`;
  return { key: entry.key, value: Buffer.from(text) };
}
