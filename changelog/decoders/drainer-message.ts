import { utf8 } from './bytes.js';
import { DecodeProblem } from './problem.js';
import { WireReader } from './wire.js';

/*
 * Messages of tidb-binlog's secondary_binlog.proto (package slave.binlog, proto2); field numbers from
 * change-log-formats 1.2. One Kafka record is one Binlog: one transaction or one DDL.
 */

export interface DrainerColumn {
  name: string;
  mysqlType: string;
  primary: boolean;
  /** Display length and decimals; null from old drainers. */
  flen: number | null;
  decimal: number | null;
}

export interface DrainerTable {
  database: string;
  table: string;
  columns: DrainerColumn[];
  keys: { name: string; columns: string[] }[];
  /** Bytes of the table, for `mutations`: rows are decoded one by one, a record may hold hundreds of megabytes. */
  bytes: Buffer;
}

export interface DrainerDdl {
  database: string;
  table: string | null;
  sql: string;
}

export interface DrainerBinlog {
  commitTs: bigint;
  /** Views of the tables, in order. A table may occur more than once (trap 10). */
  tables: Buffer[];
  ddl: DrainerDdl | null;
}

/** Reads the envelope; tables stay bytes. @throws DecodeProblem */
export function readBinlog(value: Buffer): DrainerBinlog {
  const reader = new WireReader(value);
  let type: number | null = null;
  let commitTs: bigint | null = null;
  let tables: Buffer[] | null = null;
  let ddl: DrainerDdl | null = null;
  while (reader.next()) {
    if (reader.field === 1) type = reader.int32();
    else if (reader.field === 2) commitTs = reader.int64();
    else if (reader.field === 3) tables = [...(tables ?? []), ...readDmlData(reader.message())];
    else if (reader.field === 4) ddl = readDdlData(reader.message());
    else reader.skip();
  }
  if (type !== 0 && type !== 1) throw new DecodeProblem('malformed', `binlog type ${type ?? 'absent'}`);
  if (commitTs === null || commitTs <= 0n) throw new DecodeProblem('malformed', 'binlog without commit_ts');
  if (type === 1 && ddl === null) throw new DecodeProblem('truncated', 'DDL binlog without ddl_data');
  if (type === 0 && tables === null) throw new DecodeProblem('truncated', 'DML binlog without dml_data');
  return { commitTs, tables: tables ?? [], ddl: type === 1 ? ddl : null };
}

function readDmlData(reader: WireReader): Buffer[] {
  const tables: Buffer[] = [];
  while (reader.next()) {
    if (reader.field === 1) tables.push(reader.view());
    else reader.skip();
  }
  return tables;
}

function readDdlData(reader: WireReader): DrainerDdl {
  const ddl: DrainerDdl = { database: '', table: null, sql: '' };
  while (reader.next()) {
    if (reader.field === 1) ddl.database = utf8(reader.view(), 'schema_name');
    else if (reader.field === 2) ddl.table = utf8(reader.view(), 'table_name') || null;
    // The statement may quote binary values; it is for people to read, so a lossy text is better than none.
    else if (reader.field === 3) ddl.sql = reader.view().toString('utf8');
    else reader.skip();
  }
  return ddl;
}

/** Reads everything of a table but its rows. @throws DecodeProblem */
export function readTable(bytes: Buffer): DrainerTable {
  const table: DrainerTable = { database: '', table: '', columns: [], keys: [], bytes };
  const reader = new WireReader(bytes);
  while (reader.next()) {
    if (reader.field === 1) table.database = utf8(reader.view(), 'schema_name');
    else if (reader.field === 2) table.table = utf8(reader.view(), 'table_name');
    else if (reader.field === 3) table.columns.push(readColumnInfo(reader.message()));
    else if (reader.field === 5) table.keys.push(readKey(reader.message()));
    else reader.skip();
  }
  if (table.table === '') throw new DecodeProblem('malformed', 'table without a name');
  return table;
}

function readColumnInfo(reader: WireReader): DrainerColumn {
  const column: DrainerColumn = { name: '', mysqlType: '', primary: false, flen: null, decimal: null };
  while (reader.next()) {
    if (reader.field === 1) column.name = utf8(reader.view(), 'column name');
    else if (reader.field === 2) column.mysqlType = utf8(reader.view(), 'column type').toLowerCase();
    else if (reader.field === 3) column.primary = reader.bool();
    else if (reader.field === 4) column.flen = reader.int32();
    else if (reader.field === 5) column.decimal = reader.int32();
    else reader.skip();
  }
  if (column.name === '') throw new DecodeProblem('malformed', 'column without a name');
  return column;
}

function readKey(reader: WireReader): { name: string; columns: string[] } {
  const key = { name: '', columns: [] as string[] };
  while (reader.next()) {
    if (reader.field === 1) key.name = utf8(reader.view(), 'key name');
    else if (reader.field === 2) key.columns.push(utf8(reader.view(), 'key column'));
    else reader.skip();
  }
  return key;
}

export interface DrainerMutation {
  type: 'insert' | 'update' | 'delete';
  /** Image after an insert or update, image before a delete. */
  row: WireReader;
  /** `change_row`: despite its name the image before an update (1.3). */
  before: WireReader | null;
}

const MUTATIONS = ['insert', 'update', 'delete'] as const;

/** The rows of a table, one at a time. @throws DecodeProblem */
export function* mutations(table: DrainerTable): Generator<DrainerMutation> {
  const reader = new WireReader(table.bytes);
  while (reader.next()) {
    if (reader.field === 4) yield readMutation(reader.message());
    else reader.skip();
  }
}

function readMutation(reader: WireReader): DrainerMutation {
  let type: number | null = null;
  let row: WireReader | null = null;
  let before: WireReader | null = null;
  while (reader.next()) {
    if (reader.field === 1) type = reader.int32();
    else if (reader.field === 2) row = reader.message();
    else if (reader.field === 3) before = reader.message();
    else reader.skip();
  }
  const name = type === null ? undefined : MUTATIONS[type];
  if (name === undefined) throw new DecodeProblem('malformed', `mutation type ${type ?? 'absent'}`);
  if (row === null) throw new DecodeProblem('malformed', 'mutation without its row');
  return { type: name, row, before };
}
