import { base64, hexText, tryUtf8 } from './bytes.js';
import type { ColumnOptions } from './column-options.js';
import { goUnquote } from './go-quote.js';
import type { JsonValue } from './json.js';
import { jsonInteger, JsonNumber, jsonText } from './json.js';
import { doubleText, enumText, float32Text, memberType, setText } from './mysql-text.js';
import { DecodeProblem } from './problem.js';
import type { TimestampZone } from './zone.js';

export interface OpenSettings {
  zone: TimestampZone;
  columns: ColumnOptions;
  invalidText: 'refuse' | 'hex';
  handleKeyOnly: 'refuse' | 'partial';
}

export interface OpenColumn {
  handle: boolean;
  type: string;
  value: string | null;
}

const BINARY_FLAG = 0x01n;
const UNSIGNED_FLAG = 0x80n;

/** Type codes of MySQL's protocol (change-log-formats 2.3) that need no flag. */
const PLAIN: Record<string, string> = {
  4: 'float',
  5: 'double',
  6: 'null',
  7: 'timestamp',
  10: 'date',
  11: 'time',
  12: 'datetime',
  13: 'year',
  14: 'date',
  16: 'bit',
  225: 'vector',
  245: 'json',
  246: 'decimal',
  247: 'enum',
  248: 'set',
};
const INTEGERS: Record<string, string> = {
  1: 'tinyint',
  2: 'smallint',
  3: 'int',
  8: 'bigint',
  9: 'mediumint',
};
/** Code -> type without and with the binary flag. */
const STRINGS: Record<string, [string, string]> = {
  15: ['varchar', 'varbinary'],
  249: ['tinytext', 'tinyblob'],
  250: ['mediumtext', 'mediumblob'],
  251: ['longtext', 'longblob'],
  252: ['text', 'blob'],
  253: ['varchar', 'varbinary'],
  254: ['char', 'binary'],
};

/** One column object `{t, h, f, v}`. @throws DecodeProblem */
export function openColumn(
  json: JsonValue,
  where: { database: string; table: string; column: string },
  settings: OpenSettings,
): OpenColumn {
  const name = `${where.database}.${where.table}.${where.column}`;
  if (!(json instanceof Map)) throw new DecodeProblem('malformed', `${name} is not an object`);
  const code = jsonInteger(json.get('t'), `${name}.t`).toString();
  const flags = json.has('f') ? jsonInteger(json.get('f'), `${name}.f`) : 0n;
  const binary = (flags & BINARY_FLAG) !== 0n;
  const handle = json.get('h') === true;
  const raw = json.get('v');
  if (raw === undefined) throw new DecodeProblem('malformed', `${name} has no v`);

  const strings = STRINGS[code];
  if (strings !== undefined) {
    const type = strings[binary ? 1 : 0];
    return { handle, type, value: raw === null ? null : stringValue(raw, code, binary, name, settings) };
  }
  const integer = INTEGERS[code];
  if (integer !== undefined) {
    const type = (flags & UNSIGNED_FLAG) === 0n ? integer : `${integer} unsigned`;
    return { handle, type, value: raw === null ? null : jsonInteger(raw, name).toString() };
  }
  const type = PLAIN[code];
  if (type === undefined) throw new DecodeProblem('unsupported', `${name} has type code ${code}`);
  const members = settings.columns.members(where.database, where.table, where.column);
  const named = (type === 'enum' || type === 'set') && members !== undefined;
  return {
    handle,
    type: named ? memberType(type, members) : type,
    value: raw === null ? null : plainValue(raw, type, members, name, settings),
  };
}

function plainValue(
  raw: JsonValue,
  type: string,
  members: readonly string[] | undefined,
  name: string,
  settings: OpenSettings,
): string {
  switch (type) {
    case 'enum':
      return enumText(jsonInteger(raw, name).toString(), members);
    case 'set':
      return setText(jsonInteger(raw, name).toString(), members);
    case 'bit':
    case 'year':
      return jsonInteger(raw, name).toString();
    case 'float':
    case 'double': {
      if (!(raw instanceof JsonNumber)) throw new DecodeProblem('malformed', `${name} is not a number`);
      const number = Number(raw.text);
      return type === 'float' ? float32Text(Math.fround(number)) : doubleText(number);
    }
    case 'timestamp':
      return settings.zone(jsonText(raw, name));
    default:
      return jsonText(raw, name);
  }
}

/** TEXT and BLOB are base64 both; CHAR and VARCHAR are text, or Go-quoted with the binary flag. */
function stringValue(
  raw: JsonValue,
  code: string,
  binary: boolean,
  name: string,
  settings: OpenSettings,
): string {
  const text = jsonText(raw, name);
  const encoded = Number(code) >= 249 && Number(code) <= 252;
  if (binary) return hexText(encoded ? base64(text, name) : goUnquote(text));
  if (!encoded) return text;
  const bytes = base64(text, name);
  const decoded = tryUtf8(bytes);
  if (decoded !== null) return decoded;
  if (settings.invalidText === 'hex') return hexText(bytes);
  throw new DecodeProblem(
    'invalid-utf8',
    `${name} holds text that is not UTF-8; format option invalidText: hex keeps its bytes`,
  );
}
