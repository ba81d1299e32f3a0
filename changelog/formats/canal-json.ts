import type { ChangeSource } from '../change-source.js';
import { documentSql, MANY_ROWS, unreadableJsonReason } from '../document-sql.js';
import { lit } from '../../warehouse/duckdb.js';
import { latin1Bytes } from './latin1.js';
import { memberNames } from './members.js';

const ENVELOPE = {
  id: 'VARCHAR',
  database: 'VARCHAR',
  table: 'VARCHAR',
  type: 'VARCHAR',
  es: 'VARCHAR',
  old: ['JSON'],
  _tidb: { commitTs: 'BIGINT', onlyHandleKey: 'VARCHAR', claimCheckLocation: 'VARCHAR' },
};

const STRUCTURE = {
  ...ENVELOPE,
  _tidb: { ...ENVELOPE._tidb, watermarkTs: 'BIGINT' },
  isDdl: 'VARCHAR',
  sql: 'VARCHAR',
  pkNames: 'JSON',
  sqlType: 'JSON',
  data: ['JSON'],
};

/** What both readings take from the parsed record `j`. */
const FIELDS =
  `j.database AS db, j."table" AS tbl, j."type" AS type, j._tidb.commitTs AS commit_ts, coalesce(len(j.data), 0) AS n, ` +
  `j.id = '0' AS ticdc, try_cast(j.es AS BIGINT) AS es, ` +
  `coalesce(j._tidb.onlyHandleKey = 'true' OR j._tidb.claimCheckLocation <> '', false) AS partial`;

const OP = `CASE type WHEN 'INSERT' THEN 'i' WHEN 'UPDATE' THEN 'u' WHEN 'DELETE' THEN 'd' END`;

/** Order of the changes of one key at one commitTs (change-log-formats 2.6); it is the same when TiCDC sends them again. */
const RANK = `CASE type WHEN 'DELETE' THEN 1 WHEN 'UPDATE' THEN 2 ELSE 3 END`;

const ORDER =
  `coalesce(commit_ts, CASE WHEN ticdc THEN es ELSE o END) AS cdc_ts, ` +
  `CASE WHEN commit_ts IS NOT NULL THEN ${RANK} WHEN ticdc THEN o * 65536 + idx * 4 + ${RANK} ELSE idx * 4 + ${RANK} END AS cdc_seq`;

/**
 * Canal's flat messages and TiCDC's canal-json. The order key is TiCDC's commitTs where `_tidb` has it; TiCDC without it is
 * ordered by (es, offset); Canal by the offset alone, because `es` counts seconds and follows the server's clock.
 */
export const canalJson: ChangeSource = {
  select(lines, { reading, types, keys, raw }) {
    const structure = types ? { ...STRUCTURE, mysqlType: 'JSON' } : STRUCTURE;
    const parsed =
      `SELECT p, o, ts AS kts, value, doc, from_json(doc, ${lit(JSON.stringify(structure))}) AS j ` +
      `FROM (SELECT *, ${documentSql('value', reading === 'careful')} AS doc FROM ${lines})`;
    const fields = `SELECT *, ${FIELDS}, j.data AS data FROM (${parsed})`;
    const kinds =
      `SELECT *, CASE WHEN doc IS NULL THEN 'bad' WHEN type = 'TIDB_WATERMARK' THEN 'watermark' WHEN j.isDdl = 'true' THEN 'ddl' ` +
      `WHEN n > 0 AND type IN ('INSERT', 'UPDATE', 'DELETE') AND db <> '' AND tbl <> '' AND es IS NOT NULL THEN 'change' ` +
      `WHEN n = 0 AND type = upper(type) AND type NOT IN ('INSERT', 'UPDATE', 'DELETE') THEN 'none' ELSE 'bad' END AS kind FROM (${fields})`;
    const items = `CASE WHEN kind = 'change' THEN data ELSE [NULL]::JSON[] END`;
    const rows =
      reading === 'single'
        ? `SELECT *, CASE WHEN n > 1 THEN error(${lit(MANY_ROWS)}) WHEN kind = 'change' THEN data[1] END AS "row", 0 AS idx FROM (${kinds})`
        : `SELECT *, unnest(${items}) AS "row", generate_subscripts(${items}, 1) - 1 AS idx FROM (${kinds})`;
    return (
      `SELECT p, o, kts, kind, ` +
      `CASE WHEN kind = 'bad' THEN CASE WHEN doc IS NULL THEN ${unreadableJsonReason('value')} ELSE 'not_a_change' END ` +
      `WHEN partial AND type <> 'DELETE' THEN 'partial_row' END AS reason, ` +
      `idx, db, tbl, CASE WHEN kind = 'ddl' THEN type ELSE ${OP} END AS op, ${ORDER}, ` +
      `try(es * 1000) AS event_us, "row"::VARCHAR AS "row", CASE WHEN type = 'UPDATE' THEN j.old[idx + 1]::VARCHAR END AS before, ` +
      `${keys ? 'j.pkNames::VARCHAR' : 'NULL'} AS keys, j.sqlType::VARCHAR AS shape, ${types ? 'j.mysqlType::VARCHAR' : 'NULL'} AS types, ` +
      `CASE WHEN kind = 'ddl' THEN j.sql END AS sql, j._tidb.watermarkTs AS mark, ${raw ? 'value' : 'NULL'} AS raw, NULL AS patch, NULL AS fields FROM (${rows})`
    );
  },
  // Writing `sqlType` out of the parsed record costs as much as reading all the rest of it. A quotation mark inside a JSON string has
  // a backslash before it, so the text cannot be found in a value.
  direct(lines, { structure, matches, shape, types, record, texts, raw }) {
    const columns = `"sqlType":${shape},`;
    const typed = types === undefined ? [] : [`"mysqlType":${types},`];
    // TiCDC writes them side by side.
    const whole = [columns, ...typed].join('');
    const wanted = record.includes(whole) ? [whole] : [columns, ...typed];
    const known = wanted.map((member) => found(member, texts.indexOf(member)));
    const members = { ...ENVELOPE, data: [structure] };
    const parsed =
      `SELECT *, from_json(CASE WHEN starts_with(value, '{') THEN value END, ${lit(JSON.stringify(members))}) AS j ` +
      `FROM ${lines}`;
    const cut = texts.length > 0 ? ', text' : '';
    const fields = `SELECT p, o, ts AS kts, value${cut}, 0 AS idx, ${FIELDS}, j.data[1] AS j, j.old[1]::VARCHAR AS old FROM (${parsed})`;
    const plain =
      `n = 1 AND type IN ('INSERT', 'UPDATE', 'DELETE') AND db <> '' AND tbl <> '' AND es IS NOT NULL ` +
      `AND NOT partial AND (${matches}) AND ${known.join(' AND ')}`;
    return (
      `SELECT p, o, kts, idx, ${OP} AS op, tbl, ${ORDER}, try(es * 1000) AS event_us, j, CASE WHEN type = 'UPDATE' THEN old END AS before, ` +
      `${types === undefined ? 'NULL' : lit(types)} AS types, ${raw ? 'value' : 'NULL'} AS raw, NULL AS reason, NULL AS patch, ` +
      `coalesce(${plain}, false) AS plain FROM (${fields})`
    );
  },
  repeated: columnTypes,
  tellsTypes: true,
  values: { binary: latin1Bytes, text: memberNames },
};

/**
 * A record has this text of a member and its value, or had it before text number `cut` was cut out. The search looks for the first character
 * before it compares more, and quotation marks are everywhere: it begins inside the name, two characters on.
 */
function found(member: string, cut: number): string {
  const contained = `contains(value, ${lit(member.slice(2))})`;
  return cut < 0 ? contained : `CASE WHEN text = ${cut} THEN true ELSE ${contained} END`;
}

const SQL_TYPE = '"sqlType":';
const MYSQL_TYPE = '"mysqlType":';

/** The members with the columns' types, `sqlType` and, where it follows as TiCDC writes it, `mysqlType`, to the comma behind them. */
function columnTypes(record: Buffer): { start: number; end: number } | undefined {
  const start = record.indexOf(`${SQL_TYPE}{`);
  if (start < 1 || !'{,'.includes(String.fromCharCode(record[start - 1]!))) return undefined;
  let end = objectEnd(record, start + SQL_TYPE.length) + 1;
  if (record.toString('latin1', end, end + MYSQL_TYPE.length + 1) === `${MYSQL_TYPE}{`)
    end = objectEnd(record, end + MYSQL_TYPE.length) + 1;
  return record[end - 1] === COMMA && record[end] === QUOTE ? { start, end } : undefined;
}

const [COMMA, QUOTE, BACKSLASH, OPEN, CLOSE] = Buffer.from(',"\\{}');

/** Where the JSON object that begins at `start` has ended. */
function objectEnd(json: Buffer, start: number): number {
  let depth = 0;
  let inText = false;
  for (let at = start; at < json.length; at++) {
    const byte = json[at];
    if (byte === QUOTE) inText = !inText;
    else if (inText && byte === BACKSLASH) at += 1;
    else if (!inText && byte === OPEN) depth += 1;
    else if (!inText && byte === CLOSE && --depth === 0) return at + 1;
  }
  return json.length;
}
