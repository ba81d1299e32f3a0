import type { HiveType } from '../../config/hive-type.js';
import { base64Bytes } from './base64.js';
import { connectDecimal } from './connect-decimal.js';

/** A column as the record's own Connect schema describes it. */
export interface ConnectField {
  field: string;
  type: string;
  name?: string;
  parameters?: Record<string, string>;
}

/** Columns of a member's JSON, of its text (a string without its quotes), and of whether it is a string. */
export interface MemberNames {
  json: string;
  text: string;
  quoted: string;
}

/** What is known of a column that Debezium writes. */
export interface MemberContext {
  type: HiveType;
  sourceType: string | undefined;
  /** From the schema in the record; undefined where schemas are off. */
  field: ConnectField | undefined;
  /** The table's format options. */
  options: Readonly<Record<string, string | number | boolean>>;
}

/** Where the unit of a DATETIME number is not known: milliseconds up to the year 9999 lie below this, microseconds from 1978 on above. */
const MILLIS_END = '260000000000000';
const MICROS_END = '260000000000000000';

/**
 * Text of a value in MySQL's notation, from its JSON. The schema in the record decides; without one the table's column and
 * source type and the connector's modes in the format options (`decimal`: precise or string, `time`: adaptive or connect). Local
 * date-times are numbers or texts "in UTC" that mean the local clock, so they never move to a zone.
 */
export function debeziumText({ json, text, quoted }: MemberNames, context: MemberContext): string {
  const value = context.field
    ? bySchema(json, text, quoted, context, context.field)
    : byColumn(json, text, quoted, context);
  if (value === text) return text;
  // What cannot be read stays as it is, and then does not fit: NULL would be a value that the source does not have. A number alone
  // would fit a time, as seconds or milliseconds that it is not.
  const isTime = context.type.kind === 'date' || context.type.kind === 'timestamp';
  return `coalesce(${value}, ${isTime ? `${text} || ' (no such time)'` : text})`;
}

function bySchema(
  json: string,
  text: string,
  quoted: string,
  context: MemberContext,
  field: ConnectField,
): string {
  const when = (sql: string) => `CASE WHEN ${quoted} THEN ${text} ELSE ${sql} END`;
  switch (field.name) {
    case 'org.apache.kafka.connect.data.Decimal': {
      const scale = String(Number(field.parameters?.['scale'] ?? '0'));
      return `CASE WHEN ${quoted} THEN ${connectDecimal(text, scale)} ELSE ${text} END`;
    }
    case 'io.debezium.data.VariableScaleDecimal':
      return variableScale(json);
    case 'io.debezium.time.Date':
    case 'org.apache.kafka.connect.data.Date':
      return when(dayText(text));
    case 'io.debezium.time.Timestamp':
    case 'org.apache.kafka.connect.data.Timestamp':
      return when(clockOf(`${bigint(text)} * 1000`));
    case 'io.debezium.time.MicroTimestamp':
      return when(clockOf(bigint(text)));
    case 'io.debezium.time.NanoTimestamp':
      return when(clockOf(`${bigint(text)} // 1000`));
    case 'io.debezium.time.Time':
    case 'org.apache.kafka.connect.data.Time':
      return when(timeText(`${bigint(text)} * 1000`, context.sourceType));
    case 'io.debezium.time.MicroTime':
      return when(timeText(bigint(text), context.sourceType));
    case 'io.debezium.time.NanoTime':
      return when(timeText(`${bigint(text)} // 1000`, context.sourceType));
    case 'io.debezium.time.IsoDate':
    case 'io.debezium.time.IsoTime':
    case 'io.debezium.time.IsoTimestamp':
      return `rtrim(${text}, 'Z')`;
    case 'io.debezium.data.Bits':
      return bitsText(text, quoted, Number(field.parameters?.['length'] ?? '64'));
    default:
      return plain(text, { ...context, sourceType: context.sourceType ?? unsignedType(field) });
  }
}

/**
 * The source type that `column.propagate.source.type` puts beside the schema, where it tells what the schema does not: that an integer of
 * MySQL has no sign. Names of other types mean something else in other databases.
 */
function unsignedType({ type, parameters }: ConnectField): string | undefined {
  const told = parameters?.['__debezium.source.column.type']?.toLowerCase();
  return type.startsWith('int') && told?.includes('unsigned') ? told : undefined;
}

/** More digits behind the point than PostgreSQL's NUMERIC has. */
const MAX_SCALE = 20_000;

/** PostgreSQL's NUMERIC without a precision: each value has a scale of its own. */
function variableScale(json: string): string {
  const scale = `try_cast(json_extract_string(${json}, '$.scale') AS INTEGER)`;
  const within = `CASE WHEN ${scale} BETWEEN -${MAX_SCALE} AND ${MAX_SCALE} THEN ${scale} END`;
  return connectDecimal(`json_extract_string(${json}, '$.value')`, `(${within})`);
}

function byColumn(json: string, text: string, quoted: string, context: MemberContext): string {
  const source = context.sourceType?.toLowerCase() ?? '';
  const { type } = context;
  const decimal = /^(?:decimal|numeric)\s*\(\d+(?:\s*,\s*(\d+))?\)/.exec(source);
  if (/^bit\b/.test(source)) return bitsText(text, quoted, Number(/\d+/.exec(source)?.[0] ?? '64'));
  if (decimal || type.kind === 'decimal') {
    if (context.options['decimal'] === 'string') return text;
    const scale = decimal ? Number(decimal[1] ?? '0') : type.kind === 'decimal' ? type.scale : 0;
    return (
      `CASE WHEN ${quoted} AND NOT contains(${text}, '.') THEN ${connectDecimal(text, String(scale))} ` +
      `WHEN starts_with(${text}, '{') THEN ${variableScale(json)} ELSE ${plain(text, context)} END`
    );
  }
  if (type.kind === 'date') return `CASE WHEN ${quoted} THEN rtrim(${text}, 'Z') ELSE ${dayText(text)} END`;
  if (type.kind === 'timestamp') {
    const texts = source.startsWith('datetime') ? `rtrim(${text}, 'Z')` : text;
    return `CASE WHEN ${quoted} THEN ${texts} ELSE ${clockOf(localMicros(text, source, context))} END`;
  }
  if (/^time\b(?!stamp)/.test(source)) {
    const { time } = context.options;
    const number = bigint(text);
    const micros =
      time === 'connect' ? `${number} * 1000` : time === 'nanoseconds' ? `${number} // 1000` : number;
    return `CASE WHEN ${quoted} THEN rtrim(${text}, 'Z') ELSE ${timeText(micros, source)} END`;
  }
  return plain(text, context);
}

function plain(text: string, { type, sourceType }: MemberContext): string {
  const whole = ['tinyint', 'smallint', 'int', 'bigint', 'decimal'].includes(type.kind);
  if (!whole) return text;
  const value = /^bigint.* unsigned/i.test(sourceType ?? '')
    ? // The default `long` mode wraps what is above 2^63 - 1.
      `CASE WHEN starts_with(${text}, '-') THEN (try_cast(${text} AS HUGEINT) + 18446744073709551616)::VARCHAR ELSE ${text} END`
    : text;
  return `CASE ${text} WHEN 'true' THEN '1' WHEN 'false' THEN '0' ELSE ${value} END`;
}

/** Bytes of a binary column: base64, of whichever alphabet, unless the connector writes hex (`binary: hex`). */
export function debeziumBytes(text: string, { options }: Pick<MemberContext, 'options'>): string {
  if (options['binary'] !== 'hex') return base64Bytes(`translate(${text}, '-_', '+/')`);
  return `CASE WHEN strlen(${text}) % 2 = 0 AND regexp_full_match(${text}, '[0-9a-fA-F]*') THEN unhex(${text}) END`;
}

function bigint(text: string): string {
  return `try_cast(${text} AS BIGINT)`;
}

/** NULL for days that DuckDB does not have, such as PostgreSQL's infinity. */
function dayText(days: string): string {
  return `try((DATE '1970-01-01' + try_cast(${days} AS INTEGER))::VARCHAR)`;
}

/** NULL for times that DuckDB does not have, such as PostgreSQL's infinity. */
function clockOf(micros: string): string {
  return `try(make_timestamp(${micros})::VARCHAR)`;
}

function localMicros(text: string, source: string, { options }: MemberContext): string {
  const n = bigint(text);
  if (options['time'] === 'connect') return `${n} * 1000`;
  if (options['time'] === 'microseconds') return n;
  if (options['time'] === 'nanoseconds') return `${n} // 1000`;
  const precision = /^(?:datetime|timestamp)\s*(?:\((\d)\))?/.exec(source);
  if (precision) {
    return Number(precision[1] ?? '0') <= 3 ? `${n} * 1000` : n;
  }
  const within = (end: string) => `${n} BETWEEN -${end} AND ${end}`;
  return `CASE WHEN ${within(MILLIS_END)} THEN ${n} * 1000 WHEN ${within(MICROS_END)} THEN ${n} ELSE ${n} // 1000 END`;
}

/** `[-]hh:mm:ss[.f]` with as many digits after the point as the column has, or as the value needs. */
function timeText(micros: string, sourceType: string | undefined): string {
  const size = `abs(${micros})`;
  const clock = `printf('%02d:%02d:%02d', ${size} // 3600000000, ${size} // 60000000 % 60, ${size} // 1000000 % 60)`;
  const digits = /^time\s*\((\d)\)/i.exec(sourceType ?? '')?.[1];
  const fraction = `printf('%06d', ${size} % 1000000)`;
  const known = digits ?? (/^time\b/i.test(sourceType ?? '') ? '0' : undefined);
  const tail =
    known === undefined
      ? `CASE WHEN ${size} % 1000000 = 0 THEN '' ELSE '.' || rtrim(${fraction}, '0') END`
      : known === '0'
        ? `''`
        : `'.' || left(${fraction}, ${known})`;
  return `try(CASE WHEN ${micros} < 0 THEN '-' ELSE '' END || ${clock} || ${tail})`;
}

/** BIT(1) is a truth value, BIT(n) little-endian bytes: the number up to 64 bits, the bits themselves (PostgreSQL) beyond. */
function bitsText(text: string, quoted: string, length: number): string {
  const reversed = `array_to_string(list_reverse(regexp_extract_all(hex(${base64Bytes(text)}), '..')), '')`;
  const value =
    length <= 64
      ? `try_cast(try_cast('0x' || ${reversed} AS UBIGINT) AS VARCHAR)`
      : `right(try(unhex(${reversed})::BIT::VARCHAR), ${length})`;
  return `CASE WHEN ${quoted} THEN ${value} ELSE CASE ${text} WHEN 'true' THEN '1' WHEN 'false' THEN '0' ELSE ${text} END END`;
}

/** The source type text that a Connect field stands for, for columns that are still to be learnt. */
export function connectSourceType(field: ConnectField): string {
  const { type, name, parameters } = field;
  const precision = parameters?.['connect.decimal.precision'];
  switch (name) {
    case 'org.apache.kafka.connect.data.Decimal':
      return precision === undefined ? 'decimal' : `decimal(${precision},${parameters?.['scale'] ?? '0'})`;
    case 'io.debezium.time.Date':
    case 'io.debezium.time.IsoDate':
    case 'org.apache.kafka.connect.data.Date':
      return 'date';
    case 'io.debezium.time.Timestamp':
    case 'io.debezium.time.MicroTimestamp':
    case 'io.debezium.time.NanoTimestamp':
    case 'io.debezium.time.IsoTimestamp':
    case 'org.apache.kafka.connect.data.Timestamp':
      return 'datetime';
    case 'io.debezium.time.ZonedTimestamp':
      return 'timestamp';
    case 'io.debezium.time.Time':
    case 'io.debezium.time.MicroTime':
    case 'io.debezium.time.NanoTime':
    case 'io.debezium.time.IsoTime':
    case 'org.apache.kafka.connect.data.Time':
      return 'time';
    case 'io.debezium.data.Bits':
      return `bit(${parameters?.['length'] ?? '64'})`;
    default:
      return (
        unsignedType(field) ??
        { int8: 'tinyint', int16: 'smallint', int32: 'int', int64: 'bigint', bytes: 'blob', boolean: 'bool' }[
          type
        ] ??
        type
      );
  }
}
