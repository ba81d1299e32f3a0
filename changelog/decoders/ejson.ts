import type { JsonNumber } from './json.js';

/**
 * A scalar with a BSON type, as its canonical Extended JSON v2 text, e.g. `{"$numberInt":"7"}`. Texts are equal exactly if
 * the values are.
 */
export class Scalar {
  constructor(readonly text: string) {}
}

/**
 * A MongoDB value. Documents are Maps: the order of fields is part of a document (embedded documents as `_id` compare by
 * it), and a plain object would move fields named like numbers to the front.
 */
export type Ejson = null | boolean | string | Scalar | Ejson[] | Document;
export type Document = Map<string, Ejson>;

/** Canonical Extended JSON v2 text (mongodb/specifications, extended-json), without blanks. */
export function ejsonText(value: Ejson): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return JSON.stringify(value);
  if (value instanceof Scalar) return value.text;
  if (Array.isArray(value)) return `[${value.map(ejsonText).join(',')}]`;
  const fields: string[] = [];
  for (const [name, field] of value) fields.push(`${JSON.stringify(name)}:${ejsonText(field)}`);
  return `{${fields.join(',')}}`;
}

export const int32 = (value: number | string): Scalar => new Scalar(`{"$numberInt":"${value}"}`);
export const int64 = (value: bigint | string): Scalar => new Scalar(`{"$numberLong":"${value}"}`);
export const decimal128 = (text: string): Scalar => new Scalar(`{"$numberDecimal":"${text}"}`);
export const objectId = (hex: string): Scalar => new Scalar(`{"$oid":"${hex}"}`);
export const date = (ms: bigint | number): Scalar => new Scalar(`{"$date":{"$numberLong":"${ms}"}}`);
export const timestamp = (seconds: number, increment: number): Scalar =>
  new Scalar(`{"$timestamp":{"t":${seconds},"i":${increment}}}`);
export const symbol = (text: string): Scalar => new Scalar(`{"$symbol":${JSON.stringify(text)}}`);
export const code = (text: string): Scalar => new Scalar(`{"$code":${JSON.stringify(text)}}`);
export const MIN_KEY = new Scalar('{"$minKey":1}');
export const MAX_KEY = new Scalar('{"$maxKey":1}');
export const UNDEFINED = new Scalar('{"$undefined":true}');

/** The same text for a double as the bson package writes, so that a bootstrap by the driver agrees with the log. */
export function double(value: number): Scalar {
  const text = Object.is(value, -0) ? '-0.0' : Number.isInteger(value) ? value.toFixed(1) : String(value);
  return new Scalar(`{"$numberDouble":"${text}"}`);
}

export function binary(bytes: Buffer, subType: number): Scalar {
  const hex = subType.toString(16).padStart(2, '0');
  return new Scalar(`{"$binary":{"base64":"${bytes.toString('base64')}","subType":"${hex}"}}`);
}

export function regex(pattern: string, options: string): Scalar {
  const sorted = [...options].sort().join('');
  return new Scalar(
    `{"$regularExpression":{"pattern":${JSON.stringify(pattern)},"options":${JSON.stringify(sorted)}}}`,
  );
}

export function codeWithScope(text: string, scope: Ejson): Scalar {
  return new Scalar(`{"$code":${JSON.stringify(text)},"$scope":${ejsonText(scope)}}`);
}

export function dbPointer(namespace: string, id: string): Scalar {
  return new Scalar(`{"$dbPointer":{"$ref":${JSON.stringify(namespace)},"$id":{"$oid":"${id}"}}}`);
}

const INT32_MIN = -(2n ** 31n);
const INT32_MAX = 2n ** 31n - 1n;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/** A bare JSON number takes the smallest type that fits (extended-json, relaxed parsing). -0 can only be a double. */
export function bareNumber(number: JsonNumber): Scalar {
  if (/^-?\d+$/.test(number.text) && number.text !== '-0') {
    const value = BigInt(number.text);
    if (value >= INT32_MIN && value <= INT32_MAX) return int32(value.toString());
    if (value >= INT64_MIN && value <= INT64_MAX) return int64(value);
  }
  return double(Number(number.text));
}
