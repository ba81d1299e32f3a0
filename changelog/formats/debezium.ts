import { createHash } from 'node:crypto';

import { lit, type Duck } from '../../warehouse/duckdb.js';
import type { ChangeSource, RecordHead } from '../change-source.js';
import { documentSql, unreadableJsonReason } from '../document-sql.js';
import { registerWideDecimal } from './connect-decimal.js';
import { debeziumBytes, debeziumText } from './debezium-values.js';
import { exactNumbers } from './exact-numbers.js';

const ENVELOPE = {
  before: 'JSON',
  after: 'JSON',
  op: 'VARCHAR',
  ts_ms: 'BIGINT',
  ddl: 'VARCHAR',
  databaseName: 'VARCHAR',
  tableChanges: 'JSON',
  source: {
    connector: 'VARCHAR',
    snapshot: 'VARCHAR',
    db: 'VARCHAR',
    schema: 'VARCHAR',
    table: 'VARCHAR',
    ts_ms: 'BIGINT',
    ts_us: 'BIGINT',
    file: 'VARCHAR',
    pos: 'BIGINT',
    row: 'BIGINT',
    lsn: 'BIGINT',
    commit_ts: 'BIGINT',
  },
};
const SCHEMA = { fields: [{ field: 'VARCHAR', fields: 'JSON' }] };
/** The Connect fields of the row, from beside the parsed record `j`. */
const FIELDS = `list_filter(j.schema.fields, lambda f: f.field = 'after')[1].fields::VARCHAR`;
const STRUCTURE = { ...ENVELOPE, payload: ENVELOPE, schema: SCHEMA };

/**
 * Debezium's stand-in for a value that the source did not log (PostgreSQL, Oracle), by the column's type: text, base64, hex, an array
 * of the text's bytes, and the UUID that is made of it.
 */
const UNAVAILABLE = [
  '__debezium_unavailable_value',
  'X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1Z',
  '5f5f646562657a69756d5f756e617661696c61626c655f76616c7565',
  [...Buffer.from('__debezium_unavailable_value')].join(','),
  nameUuid('__debezium_unavailable_value'),
];

/** Java's UUID.nameUUIDFromBytes. */
function nameUuid(name: string): string {
  const bytes = createHash('md5').update(name).digest();
  bytes[6] = (bytes[6]! & 0x0f) | 0x30;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/**
 * Debezium's JSON envelope, with the schema beside it or without, of relational sources, and TiCDC's debezium protocol. Order keys:
 * (binlog file number, position) and the row in the event for MySQL and MariaDB, whose snapshot rows come before all else at
 * their position; the LSN and the Kafka offset for PostgreSQL; TiCDC's commit_ts.
 */
export const debezium: ChangeSource = {
  select(lines, { reading, raw, keys, heads = [] }) {
    const careful = reading === 'careful';
    const parsed =
      `SELECT p, o, ts AS kts, key, value, doc, head, from_json(doc, ${lit(JSON.stringify(STRUCTURE))}) AS j ` +
      `FROM (SELECT *, ${exactNumbers('document', 'images')} AS doc FROM (SELECT *, ${imagesOf('document')} AS images ` +
      `FROM (${withoutHeads(lines, careful ? [] : heads, careful)})))`;
    const either = (name: string) => `coalesce(j.payload.${name}, j.${name})`;
    const source = (name: string) => either(`source."${name}"`);
    const fields =
      `SELECT p, o, kts, key, value, doc, ${either('op')} AS type, ${either('before')}::VARCHAR AS old, ${either('after')}::VARCHAR AS new, ` +
      `${either('ddl')} AS ddl, coalesce(${source('db')}, ${either('"databaseName"')}) AS db, ` +
      `CASE WHEN ${source('schema')} <> 'public' THEN ${source('schema')} || '.' || ${source('table')} ELSE ${source('table')} END AS tbl, ` +
      `${either('"tableChanges"')} IS NOT NULL AS tables, coalesce(${source('connector')} IN ('mysql', 'mariadb', 'TiCDC'), false) AS full_images, ` +
      `${source('connector')} = 'TiCDC' AS ticdc, coalesce(${source('snapshot')}, 'false') <> 'false' AS snapshot, ` +
      `${source('commit_ts')} AS commit_ts, ${source('lsn')} AS lsn, coalesce(${source('row')}, 0) AS "row_number", ` +
      `try(try_cast(regexp_extract(${source('file')}, '\\.([0-9]+)$', 1) AS BIGINT) * 1099511627776 + ${source('pos')}) AS place, ` +
      `coalesce(${source('ts_us')}, try(${source('ts_ms')} * 1000), try(${either('ts_ms')} * 1000)) AS event_us, ` +
      `coalesce(head, ${FIELDS}) AS fields FROM (${parsed})`;
    const images = `SELECT *, CASE WHEN type = 'd' THEN coalesce(old, ${keyObject}) ELSE new END AS image FROM (${fields})`;
    const kinds =
      `SELECT *, CASE WHEN doc IS NULL THEN 'bad' WHEN ddl IS NOT NULL OR type = 't' THEN 'ddl' ` +
      `WHEN type = 'm' AND ticdc THEN 'watermark' ` +
      `WHEN type IN ('c', 'r', 'u', 'd') THEN CASE WHEN starts_with(image, '{') AND db <> '' AND tbl <> '' AND event_us IS NOT NULL ` +
      `THEN 'change' WHEN type = 'd' AND image IS NULL THEN 'change' ELSE 'bad' END ` +
      `WHEN type = 'm' THEN 'none' WHEN type IS NULL AND old IS NULL AND new IS NULL AND (tables OR j_heartbeat OR j_transaction) THEN 'none' ELSE 'bad' END AS kind ` +
      `FROM (SELECT *, ${MEANS_NOTHING} FROM (${images}))`;
    const rank = `CASE type WHEN 'd' THEN 1 WHEN 'u' THEN 2 ELSE 3 END`;
    const unavailable = UNAVAILABLE.map((text) => `contains(image, ${lit(text)})`).join(' OR ');
    return (
      `SELECT p, o, kts, kind, CASE WHEN kind = 'bad' THEN CASE WHEN doc IS NULL THEN ${unreadableJsonReason('value')} ELSE 'not_a_change' END ` +
      `WHEN kind = 'change' AND image IS NULL THEN 'no_key' WHEN kind = 'change' AND type <> 'd' AND NOT full_images AND (${unavailable}) THEN 'partial_row' END AS reason, ` +
      `0 AS idx, db, tbl, CASE WHEN ddl IS NOT NULL THEN 'DDL' WHEN type = 't' THEN 'TRUNCATE' ` +
      `ELSE CASE type WHEN 'u' THEN 'u' WHEN 'd' THEN 'd' ELSE 'i' END END AS op, ` +
      `coalesce(commit_ts, place, lsn, o) AS cdc_ts, CASE WHEN commit_ts IS NOT NULL THEN ${rank} WHEN snapshot THEN 0 ` +
      `WHEN place IS NOT NULL THEN coalesce(try("row_number" * 4), 0) + ${rank} ELSE o * 4 + ${rank} END AS cdc_seq, event_us, image AS "row", ` +
      `CASE WHEN type = 'u' THEN old END AS before, ${keys ? `to_json(json_keys(${keyObject}))::VARCHAR` : 'NULL'} AS keys, NULL AS shape, ` +
      `NULL AS types, coalesce(ddl, '') AS sql, CASE WHEN kind = 'watermark' THEN commit_ts END AS mark, ` +
      `${raw ? 'value' : 'NULL'} AS raw, NULL AS patch, fields FROM (${kinds})`
    );
  },
  hasFields: true,
  heads: schemaHeads,
  values: {
    exact: true,
    binary: (text, _sourceType, options) => debeziumBytes(text, { options }),
    member: debeziumText,
    prepare: registerWideDecimal,
  },
};

/** Where the schema of a record ends and its payload begins, as Kafka Connect's JsonConverter writes them. */
const PAYLOAD = ',"payload":{';
const SAMPLE = 100;

/** The schemas that the first records carry: three quarters of a record, and the same in all records of a table. */
async function schemaHeads(duck: Duck, lines: string): Promise<RecordHead[]> {
  // A condition would not do: the optimizer may look for fields first, and one broken line would stop the split.
  const readable = `CASE WHEN starts_with(value, '{"schema":{') AND json_valid(value) THEN value END`;
  const rows = await duck.rows<{ value: string; fields: string }>(
    `SELECT min(value) AS value, fields FROM (SELECT value, ${FIELDS} AS fields FROM (SELECT value, from_json(value, ` +
      `${lit(JSON.stringify({ schema: SCHEMA }))}) AS j FROM (SELECT ${readable} AS value FROM ${lines} LIMIT ${SAMPLE}))) WHERE fields IS NOT NULL GROUP BY fields ORDER BY fields`,
  );
  return rows.flatMap(({ value, fields }) => {
    const end = value.indexOf(PAYLOAD);
    // The text may be in a default of the schema: what comes before it is then no whole object.
    return isObject(value.slice('{"schema":'.length, end))
      ? [{ text: value.slice(0, end + PAYLOAD.length), fields }]
      : [];
  });
}

function isObject(json: string): boolean {
  try {
    JSON.parse(json);
    return true;
  } catch {
    return false;
  }
}

/** The records with `document`, what is to be parsed of them, and `head`, the fields that the part cut off told. */
function withoutHeads(lines: string, heads: RecordHead[], careful: boolean): string {
  const document = documentSql('value', careful);
  if (heads.length === 0) return `SELECT *, ${document} AS document, NULL::VARCHAR AS head FROM ${lines}`;
  const found = heads.map(({ text }, i) => `WHEN starts_with(value, ${lit(text)}) THEN ${i}`);
  const rest = heads.map(
    ({ text }, i) => `WHEN ${i} THEN substr(value, ${[...text].length}, length(value) - ${[...text].length})`,
  );
  const fields = heads.map(({ fields: told }, i) => `WHEN ${i} THEN ${lit(told)}`);
  return (
    `SELECT *, CASE known ${rest.join(' ')} ELSE ${document} END AS document, CASE known ${fields.join(' ')} END AS head ` +
    `FROM (SELECT *, CASE WHEN NOT ends_with(value, '}}') THEN NULL ${found.join(' ')} END AS known FROM ${lines})`
  );
}

/** The part of a document with the row's images, or all of it: a cheap cut, since Debezium writes the source after them. */
function imagesOf(document: string): string {
  const head = `split_part(${document}, '"source":{"version"', 1)`;
  return `CASE WHEN contains(${head}, '"after":') THEN ${head} ELSE ${document} END`;
}

const keyText = `CASE WHEN json_valid(try(decode(key))) AND starts_with(try(decode(key)), '{') THEN try(decode(key)) END`;
/** The record key's own object, from beside its schema if it has one. */
const keyObject = `coalesce(json_extract(${keyText}, '$.payload')::VARCHAR, ${keyText})`;

const CLOCKS = `['ts_ms', 'ts_us', 'ts_ns']`;
const onlyClocks = (json: string) =>
  `(len(json_keys(${json})) > 0 AND list_has_all(${CLOCKS}, json_keys(${json})))`;

/** Heartbeats and transaction markers are no changes, and known. */
const MEANS_NOTHING =
  `CASE WHEN type IS NULL THEN coalesce(${onlyClocks('doc')} OR ${onlyClocks(`json_extract(doc, '$.payload')`)}, false) END AS j_heartbeat, ` +
  `CASE WHEN type IS NULL THEN coalesce(coalesce(doc ->> '$.payload.status', doc ->> '$.status') IN ('BEGIN', 'END'), false) END AS j_transaction`;
