import { base64 } from './bytes.js';
import type { Document, Ejson } from './ejson.js';
import { bareNumber, binary, code, codeWithScope, regex, timestamp } from './ejson.js';
import type { JsonObject, JsonValue } from './json.js';
import { JsonNumber } from './json.js';
import { DecodeProblem } from './problem.js';

/*
 * MongoShake's default JSON (change-log-formats 4.4 and addendum 1): Go structs written by encoding/json. Documents are
 * arrays of {"Key","Value"} ({"Name","Value"} up to v2.6), or plain objects where the tool held a map. Types are lost:
 * an ObjectId is its hex, a date RFC 3339 text, a Decimal128 text; they stay text here, nothing is guessed back.
 *
 * Go writes the fields of a struct in the struct's order but sorts the keys of a map, so {"T":1,"I":2} is a timestamp and
 * {"I":2,"T":1} a document.
 */

/** A document in any of the three shapes; `[]` is the empty one. @throws DecodeProblem */
export function lossyDocument(value: JsonValue, what: string): Document {
  if (value instanceof Map) return plainDocument(value);
  if (Array.isArray(value)) {
    if (value.length === 0) return new Map();
    const fields = pairs(value);
    if (fields !== null) return fields;
  }
  throw new DecodeProblem('malformed', `${what} is not a document`);
}

function plainDocument(object: JsonObject): Document {
  const document: Document = new Map();
  for (const [name, field] of object) document.set(name, lossyValue(field, true));
  return document;
}

/** `plain`: inside a map documents are objects, so that an array of {"Key","Value"} is an array. */
function lossyValue(value: JsonValue, plain: boolean): Ejson {
  if (value instanceof JsonNumber) return bareNumber(value);
  if (Array.isArray(value)) {
    const fields = plain ? null : pairs(value);
    return fields ?? value.map((element) => lossyValue(element, plain));
  }
  if (!(value instanceof Map)) return value;
  return struct(value) ?? plainDocument(value);
}

/** The document that a non-empty array of pairs means, or null. */
function pairs(array: JsonValue[]): Document | null {
  if (array.length === 0) return null;
  const document: Document = new Map();
  for (const element of array) {
    if (!(element instanceof Map) || element.size !== 2) return null;
    const [first, second] = element.keys();
    if ((first !== 'Key' && first !== 'Name') || second !== 'Value') return null;
    const name = element.get(first);
    if (typeof name !== 'string') return null;
    document.set(name, lossyValue(element.get('Value') ?? null, false));
  }
  return document;
}

/** BSON types that Go writes as a struct. */
function struct(object: JsonObject): Ejson | null {
  if (object.size !== 2) return null;
  const [first, second] = object.values();
  switch ([...object.keys()].join()) {
    case 'T,I':
      return isCounter(first) && isCounter(second)
        ? timestamp(Number(first.text), Number(second.text))
        : null;
    case 'Subtype,Data':
    case 'Kind,Data':
      if (!(first instanceof JsonNumber) || !/^\d{1,3}$/.test(first.text) || typeof second !== 'string')
        return null;
      return Number(first.text) < 256 ? binary(base64(second, 'binary value'), Number(first.text)) : null;
    case 'Pattern,Options':
      return typeof first === 'string' && typeof second === 'string' ? regex(first, second) : null;
    case 'Code,Scope':
      if (typeof first !== 'string' || second === undefined) return null;
      return second === null ? code(first) : codeWithScope(first, lossyValue(second, false));
    default:
      return null;
  }
}

function isCounter(value: JsonValue | undefined): value is JsonNumber {
  return value instanceof JsonNumber && /^\d{1,10}$/.test(value.text);
}
