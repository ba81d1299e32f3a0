import type { Document, Ejson } from './ejson.js';
import { ejsonText, Scalar } from './ejson.js';

const TYPED = /^\{"\$(oid|numberInt|numberLong|numberDouble|numberDecimal)":"([^"]*)"\}$/;

/** How `_id` becomes the text of `doc_id`. */
export type DocIdMode = 'plain' | 'typed';

/**
 * `doc_id` of a document (design 6): the hex of an ObjectId, a string or number as it is, otherwise canonical Extended
 * JSON. Numbers that MongoDB holds equal (1, NumberLong(1), 1.0) give one text.
 *
 * `plain` cannot tell the number 1 from the string "1", nor an ObjectId from its hex; `typed` can (strings are quoted,
 * ObjectIds are Extended JSON) for collections that mix such ids.
 */
export function docId(id: Ejson, mode: DocIdMode): string {
  if (typeof id === 'string') return mode === 'plain' ? id : JSON.stringify(id);
  if (!(id instanceof Scalar)) return ejsonText(id);
  const [, type, text = ''] = TYPED.exec(id.text) ?? [];
  switch (type) {
    case 'oid':
      return mode === 'plain' ? text : id.text;
    case 'numberInt':
    case 'numberLong':
      return text;
    case 'numberDouble':
      return doubleId(Number(text));
    case 'numberDecimal':
      return decimalId(text);
    default:
      return id.text;
  }
}

/** `_id` of the first document that has one, be it null, which is an id like others; undefined if none has. */
export function idOf(...documents: (Document | null | undefined)[]): Ejson | undefined {
  return documents.find((document) => document?.has('_id'))?.get('_id');
}

function doubleId(value: number): string {
  return Number.isInteger(value) ? BigInt(value).toString() : String(value);
}

/** Decimal128 text by value: 1, 1.0 and 1E+0 are one id. */
function decimalId(text: string): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:E([+-]?\d+))?$/i.exec(text);
  if (match === null) return text;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  const digits = (whole + fraction).replace(/^0+(?=\d)/, '');
  const scale = fraction.length - Number(exponent);
  if (/^0+$/.test(digits)) return '0';
  if (scale <= 0) return sign + digits + '0'.repeat(-scale);
  const padded = digits.padStart(scale + 1, '0');
  const tail = padded.slice(-scale).replace(/0+$/, '');
  return sign + padded.slice(0, -scale) + (tail === '' ? '' : `.${tail}`);
}
