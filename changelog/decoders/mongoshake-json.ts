import type { Document } from './ejson.js';
import { documentFromJson } from './ejson-read.js';
import type { JsonObject, JsonValue } from './json.js';
import { jsonInteger, JsonNumber, jsonText, parseJsonObject } from './json.js';
import { lossyDocument } from './lossy-json.js';
import type { MongoTime } from './mongo-change.js';
import type { OplogEntry } from './mongo-oplog.js';
import { DecodeProblem } from './problem.js';

/** The three shapes of MongoShake's json (change-log-formats 4.4), told apart by `ts`. */
export type JsonShape = 'canonical_extended_json' | 'key-value' | 'name-value';

/** One oplog entry from `tunnel.message=json`. @throws DecodeProblem */
export function jsonEntry(text: string): OplogEntry {
  const entry = parseJsonObject(text, 'oplog entry');
  const shape = jsonShape(entry);
  if (shape === null) throw new DecodeProblem('malformed', 'oplog entry without a timestamp');
  const document = (name: string): Document | null => {
    const value = entry.get(name) ?? null;
    if (value === null) return null;
    if (shape !== 'canonical_extended_json') return lossyDocument(value, name);
    if (value instanceof Map) return documentFromJson(value);
    throw new DecodeProblem('malformed', `${name} is not a document`);
  };
  const o = document('o');
  if (o === null) throw new DecodeProblem('malformed', 'oplog entry without o');
  return {
    time: entryTime(entry.get('ts')),
    op: jsonText(entry.get('op'), 'op'),
    ns: jsonText(entry.get('ns'), 'ns'),
    o,
    o2: document('o2'),
    documentKey: document('documentKey'),
    fromMigrate: entry.get('fromMigrate') === true,
  };
}

/** Shape of an entry, or null if it has no `ts` of MongoShake. */
export function jsonShape(entry: JsonObject): JsonShape | null {
  const ts = entry.get('ts');
  if (ts instanceof JsonNumber) return 'name-value';
  if (!(ts instanceof Map)) return null;
  if (ts.has('$timestamp')) return 'canonical_extended_json';
  return ts.has('T') && ts.has('I') ? 'key-value' : null;
}

/** `{"$timestamp":{"t","i"}}`, `{"T","I"}`, or up to v2.6 one int64 of seconds << 32 | increment. */
function entryTime(ts: JsonValue | undefined): MongoTime {
  if (ts instanceof JsonNumber) {
    const packed = jsonInteger(ts, 'ts');
    return checked(packed >> 32n, packed & 0xffffffffn);
  }
  const outer = ts instanceof Map ? ts : new Map<string, JsonValue>();
  const canonical = outer.get('$timestamp');
  if (canonical instanceof Map) {
    return checked(jsonInteger(canonical.get('t'), 'ts.t'), jsonInteger(canonical.get('i'), 'ts.i'));
  }
  return checked(jsonInteger(outer.get('T'), 'ts.T'), jsonInteger(outer.get('I'), 'ts.I'));
}

function checked(seconds: bigint, increment: bigint): MongoTime {
  if (seconds < 0n || seconds > 0xffffffffn || increment < 0n || increment > 0xffffffffn) {
    throw new DecodeProblem('malformed', 'oplog timestamp out of range');
  }
  return { seconds: Number(seconds), increment: Number(increment) };
}
