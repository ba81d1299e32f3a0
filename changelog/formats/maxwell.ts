import { lit } from '../../warehouse/duckdb.js';
import type { ChangeSource } from '../change-source.js';
import { documentSql, unreadableJsonReason } from '../document-sql.js';
import { exactNumbers } from './exact-numbers.js';
import { base64Bytes } from './base64.js';
import { membersOf } from './members.js';

const STRUCTURE = {
  database: 'VARCHAR',
  table: 'VARCHAR',
  type: 'VARCHAR',
  ts: 'BIGINT',
  xoffset: 'BIGINT',
  commit: 'VARCHAR',
  position: 'VARCHAR',
  primary_key_columns: 'JSON',
  data: 'JSON',
  old: 'JSON',
  reason: 'VARCHAR',
  sql: 'VARCHAR',
};

/** Of the rows of one binlog event the one that ends the transaction has no `xoffset`: it is the last. */
const LAST = '4611686018427387904';

/**
 * Maxwell's records. With `output_binlog_position` the order key is (binlog file number, position) and the row's place in its
 * transaction; without it, the Kafka offset: `ts` is the time of the statement in seconds and orders nothing. Bootstrapped
 * rows have no position and so are older than every change that has one. What was too large for the producer has a `reason` and only its key.
 */
export const maxwell: ChangeSource = {
  select(lines, { reading, raw, keys }) {
    const parsed =
      `SELECT p, o, ts AS kts, key, value, doc, from_json(doc, ${lit(JSON.stringify(STRUCTURE))}) AS j ` +
      `FROM (SELECT *, ${exactNumbers('document')} AS doc FROM (SELECT *, ${documentSql('value', reading === 'careful')} AS document FROM ${lines}))`;
    const fields =
      `SELECT *, j.database AS db, j."table" AS tbl, j."type" AS type, ` +
      `try(try_cast(regexp_extract(j.position, '\\.([0-9]+):', 1) AS BIGINT) * 1099511627776 ` +
      `+ try_cast(regexp_extract(j.position, ':([0-9]+)$', 1) AS BIGINT)) AS place FROM (${parsed})`;
    const kinds =
      `SELECT *, CASE WHEN doc IS NULL THEN 'bad' ` +
      `WHEN type IN ('insert', 'update', 'delete', 'bootstrap-insert') THEN ` +
      `CASE WHEN starts_with(j.data::VARCHAR, '{') AND j.data::VARCHAR <> '{}' AND db <> '' AND tbl <> '' AND j.ts IS NOT NULL THEN 'change' ELSE 'bad' END ` +
      `WHEN starts_with(type, 'table-') OR starts_with(type, 'database-') THEN 'ddl' ` +
      `WHEN type = lower(type) THEN 'none' ELSE 'bad' END AS kind FROM (${fields})`;
    const rank = `CASE type WHEN 'delete' THEN 1 WHEN 'update' THEN 2 ELSE 3 END`;
    const keyColumns = keys ? `coalesce(j.primary_key_columns::VARCHAR, ${keyNames})` : 'NULL';
    return (
      `SELECT p, o, kts, kind, ` +
      `CASE WHEN kind = 'bad' THEN CASE WHEN doc IS NULL THEN ${unreadableJsonReason('value')} ELSE 'not_a_change' END ` +
      `WHEN kind = 'change' AND j.reason IS NOT NULL AND type <> 'delete' THEN 'partial_row' END AS reason, ` +
      `0 AS idx, db, tbl, CASE WHEN kind = 'ddl' THEN type ELSE CASE type WHEN 'update' THEN 'u' WHEN 'delete' THEN 'd' ELSE 'i' END END AS op, ` +
      `coalesce(place, o) AS cdc_ts, CASE WHEN place IS NULL THEN ${rank} WHEN try(j.xoffset * 4 + ${rank}) IS NOT NULL THEN try(j.xoffset * 4 + ${rank}) ` +
      `WHEN j.commit = 'true' THEN ${LAST} + ${rank} ELSE o * 4 + ${rank} END AS cdc_seq, ` +
      `try(j.ts * CASE WHEN kind = 'ddl' THEN 1000 ELSE 1000000 END) AS event_us, j.data::VARCHAR AS "row", ` +
      `CASE WHEN type = 'update' THEN coalesce(j.old::VARCHAR, '{}') END AS before, ${keyColumns} AS keys, ` +
      `NULL AS shape, NULL AS types, j.sql AS sql, NULL::BIGINT AS mark, ${raw ? 'value' : 'NULL'} AS raw, NULL AS patch, NULL AS fields FROM (${kinds})`
    );
  },
  values: {
    exact: true,
    binary: base64Bytes,
    text: (text, sourceType) => (membersOf(sourceType)?.kind === 'set' ? setNames(text) : text),
  },
};

/** A SET is an array of names. */
function setNames(json: string): string {
  const isArray = `starts_with(${json}, '[') AND json_valid(${json})`;
  return `CASE WHEN ${isArray} THEN array_to_string(from_json(${json}, '["VARCHAR"]'), ',') END`;
}

/** Key columns from the record's own key, `{"database":..,"table":..,"pk.id":7}`; Maxwell writes their names in lower case. */
const keyText = `CASE WHEN json_valid(try(decode(key))) AND starts_with(try(decode(key)), '{') THEN try(decode(key)) END`;
const keyNames = `to_json(list_transform(list_filter(json_keys(${keyText}), lambda x: starts_with(x, 'pk.')), lambda x: substr(x, 4)))::VARCHAR`;
