import { Decimal128 } from 'bson';
import { base64 } from './bytes.js';
import type { Document, Ejson, Scalar } from './ejson.js';
import {
  bareNumber,
  binary,
  code,
  codeWithScope,
  date,
  dbPointer,
  decimal128,
  double,
  int32,
  int64,
  MAX_KEY,
  MIN_KEY,
  objectId,
  regex,
  symbol,
  timestamp,
  UNDEFINED,
} from './ejson.js';
import type { JsonObject, JsonValue } from './json.js';
import { JsonNumber, parseJson } from './json.js';
import { DecodeProblem } from './problem.js';

/** Thrown inside this file: the object only looks like a typed value. */
class NotTyped extends Error {}

const OID = /^[0-9a-fA-F]{24}$/;
const INTEGER = /^-?\d+$/;
const ISO = /^[+-]?\d{4,6}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/;
const HEX2 = /^[0-9a-fA-F]{1,2}$/;
const UUID = /^[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$/;

/**
 * Reads Extended JSON in any dialect (v2 canonical, v2 relaxed, legacy strict: change-log-formats 7) from parsed JSON.
 * An object is a typed value only if it has exactly the keys and a possible content of one; anything else stays a
 * document, since users' fields may begin with `$`.
 */
export function ejsonFromJson(value: JsonValue): Ejson {
  if (value instanceof JsonNumber) return bareNumber(value);
  if (Array.isArray(value)) return value.map(ejsonFromJson);
  if (!(value instanceof Map)) return value;
  return wrapped(value) ?? documentFromJson(value);
}

/** As ejsonFromJson for what is known to be a document: its own keys are never those of a typed value. */
export function documentFromJson(value: JsonObject): Document {
  const document: Document = new Map();
  for (const [name, field] of value) document.set(name, ejsonFromJson(field));
  return document;
}

/** Parses Extended JSON text. @throws DecodeProblem */
export function parseEjson(text: string): Ejson {
  return ejsonFromJson(parseJson(text));
}

/** The value of `{"$x": ...}`, or null if the object is a document. */
function wrapped(object: JsonObject): Scalar | null {
  const [first, second] = object.keys();
  if (first === undefined || !first.startsWith('$') || object.size > 2) return null;
  try {
    if (object.size === 2) return pair(object, first, second ?? '');
    const read = SINGLE.get(first);
    return read === undefined ? null : read(object.get(first) ?? null);
  } catch (error) {
    if (error instanceof NotTyped || error instanceof DecodeProblem) return null;
    throw error;
  }
}

function bad(): never {
  throw new NotTyped();
}

function integer(value: JsonValue, bits: number): bigint {
  const text = value instanceof JsonNumber ? value.text : value;
  if (typeof text !== 'string' || !INTEGER.test(text)) bad();
  const number = BigInt(text);
  if (BigInt.asIntN(bits, number) !== number) bad();
  return number;
}

function text(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : bad();
}

function hex24(value: JsonValue | undefined): string {
  const hex = text(value);
  return OID.test(hex) ? hex.toLowerCase() : bad();
}

const SINGLE = new Map<string, (value: JsonValue) => Scalar | null>(
  Object.entries({
    $oid: (value) => objectId(hex24(value)),
    $numberInt: (value) => int32(integer(value, 32).toString()),
    $numberLong: (value) => int64(integer(value, 64)),
    $numberDouble: (value) => {
      const lexeme = value instanceof JsonNumber ? value.text : text(value);
      const number = Number(lexeme);
      return lexeme.trim() === '' || (Number.isNaN(number) && lexeme !== 'NaN') ? bad() : double(number);
    },
    $numberDecimal: (value) =>
      decimal128(decimalText(value instanceof JsonNumber ? value.text : text(value))),
    $date: (value) => readDate(value),
    $timestamp: (value) => readTimestamp(value),
    $binary: (value) => readBinary(value),
    $uuid: (value) => {
      const uuid = text(value);
      return UUID.test(uuid) ? binary(Buffer.from(uuid.replaceAll('-', ''), 'hex'), 4) : bad();
    },
    $regularExpression: (value) =>
      value instanceof Map ? regex(text(value.get('pattern')), text(value.get('options'))) : bad(),
    $code: (value) => (typeof value === 'string' ? code(value) : null),
    $symbol: (value) => (typeof value === 'string' ? symbol(value) : null),
    $dbPointer: (value) => readDbPointer(value),
    $minKey: () => MIN_KEY,
    $maxKey: () => MAX_KEY,
    $undefined: () => UNDEFINED,
  } satisfies Record<string, (value: JsonValue) => Scalar | null>),
);

/** Typed values of two keys; the legacy forms of binary and regex among them. */
function pair(object: JsonObject, first: string, second: string): Scalar | null {
  const names = first < second ? `${first} ${second}` : `${second} ${first}`;
  if (names === '$code $scope') {
    const scope = object.get('$scope');
    const source = object.get('$code');
    if (typeof source !== 'string' || !(scope instanceof Map)) return null;
    return codeWithScope(source, documentFromJson(scope));
  }
  if (names === '$binary $type') {
    const type = object.get('$type');
    const sub = type instanceof JsonNumber ? Number(type.text) : parseInt(text(type), 16);
    if (!Number.isInteger(sub) || sub < 0 || sub > 255) bad();
    return binary(base64(text(object.get('$binary')), '$binary'), sub);
  }
  if (names === '$options $regex') {
    const [pattern, options] = [object.get('$regex'), object.get('$options')];
    return typeof pattern === 'string' && typeof options === 'string' ? regex(pattern, options) : null;
  }
  return null;
}

/** Canonical `{"$numberLong"}`, relaxed ISO text, or a bare number: writers mix them (change-log-formats 7). */
function readDate(value: JsonValue): Scalar {
  if (value instanceof JsonNumber) return date(integer(value, 64));
  if (value instanceof Map) {
    const ms = value.get('$numberLong');
    return value.size === 1 && ms !== undefined ? date(integer(ms, 64)) : bad();
  }
  const iso = text(value);
  // Date.parse takes almost anything for a date.
  if (!ISO.test(iso)) return bad();
  // `+0800` without a colon is legal in the legacy form but not in JavaScript.
  const ms = Date.parse(iso.replace(/([+-]\d{2})(\d{2})$/, '$1:$2'));
  return Number.isNaN(ms) ? bad() : date(ms);
}

function readTimestamp(value: JsonValue): Scalar {
  if (!(value instanceof Map) || value.size !== 2) return bad();
  const part = (key: string): number => {
    const number = value.get(key);
    const inner = number instanceof Map ? (number.get('$numberLong') ?? number.get('$numberInt')) : number;
    const seconds = integer(inner ?? null, 64);
    return seconds < 0n || seconds > 0xffffffffn ? bad() : Number(seconds);
  };
  return timestamp(part('t'), part('i'));
}

function readBinary(value: JsonValue): Scalar | null {
  // `{"$binary": "..."}` alone is no known form: a document.
  if (!(value instanceof Map)) return null;
  const sub = text(value.get('subType'));
  return HEX2.test(sub) ? binary(base64(text(value.get('base64')), '$binary'), parseInt(sub, 16)) : bad();
}

function readDbPointer(value: JsonValue): Scalar {
  if (!(value instanceof Map)) return bad();
  const id = value.get('$id');
  return dbPointer(text(value.get('$ref')), hex24(id instanceof Map ? id.get('$oid') : undefined));
}

/** Decimal128's own notation: digits and exponent are kept, since 1.0 and 1.00 are different values of the type. */
function decimalText(lexeme: string): string {
  try {
    return Decimal128.fromString(lexeme).toString();
  } catch {
    return bad();
  }
}
