import { documentFromJson, parseEjson } from '../decoders/ejson-read.js';
import type { Document, Ejson } from '../decoders/ejson.js';
import { JsonNumber, parseJsonObject, type JsonObject, type JsonValue } from '../decoders/json.js';
import { docIdMode, mongoChange, seqOf, tsOf, type MongoEffect } from '../decoders/mongo-change.js';
import { idOf } from '../decoders/mongo-id.js';
import { updateEffect } from '../decoders/mongo-oplog.js';
import { setUnsetPatch, unknownPatch } from '../decoders/mongo-patch.js';
import { DecodeProblem, nothing, recordDecoder, type DecoderOptions } from '../decoders/problem.js';
import type { RecordDecoder } from '../types.js';

const OPERATIONS = new Set(['c', 'r', 'u', 'd']);

/**
 * Decoder of Debezium's MongoDB connector (change-log-formats 3.4), schemas on or off. `ts` is the cluster time, seconds << 32 | ord;
 * rows of a snapshot have 0 and so are older than every event. An update with neither the document nor a delta is a patch of
 * kind `unknown`. Option `docId` as for the other MongoDB formats.
 */
export function createDebeziumMongoDecoder(options: DecoderOptions = {}): RecordDecoder {
  const mode = docIdMode(options);
  return recordDecoder('debezium', ({ key, value, offset }) => {
    if (value === null) return nothing();
    const event = payload(value, 'value');
    const op = event.get('op');
    if (typeof op !== 'string' || !OPERATIONS.has(op)) {
      if (op === undefined && event.get('source') === undefined) return nothing();
      throw new DecodeProblem('malformed', `not a change of a document (op ${JSON.stringify(op ?? null)})`);
    }
    const source = member(event, 'source');
    const database = text(source.get('db'), 'source.db');
    const collection = text(source.get('collection'), 'source.collection');
    const ms = whole(source.get('ts_ms'), 'source.ts_ms');
    const snapshot = source.get('snapshot') ?? 'false';
    const ord =
      source.get('ord') === null || source.get('ord') === undefined
        ? 0
        : whole(source.get('ord'), 'source.ord');
    const ts =
      snapshot === 'false' || snapshot === false
        ? tsOf({ seconds: Math.floor(ms / 1000), increment: ord })
        : 0n;
    const after = embedded(event.get('after'));
    const before = embedded(event.get('before'));
    const id = keyId(key) ?? idOf(after, before, embedded(event.get('filter')));
    const place = { database, collection, ts, seq: seqOf(offset, 0), eventMs: ms };
    return { changes: [mongoChange(place, id, effectOf(op, after, event, id), mode, before)] };
  });
}

function effectOf(op: string, after: Document | null, event: JsonObject, id: Ejson | undefined): MongoEffect {
  if (op === 'd') return { op: 'd' };
  if (after) return { op: op === 'u' ? 'u' : 'i', doc: after };
  if (op !== 'u') throw new DecodeProblem('malformed', 'an insert without its document');
  // Up to 1.x the connector read the oplog and passed on what an entry does.
  const patch = embedded(event.get('patch'));
  if (patch) return updateEffect(patch, id);
  const description = event.get('updateDescription');
  if (!(description instanceof Map)) {
    return { op: 'u', patch: unknownPatch('an update with neither a document nor an updateDescription', id) };
  }
  return { op: 'u', patch: deltaPatch(description, id) };
}

function deltaPatch(description: JsonObject, id: Ejson | undefined): string {
  const updated = embedded(description.get('updatedFields')) ?? new Map<string, Ejson>();
  return setUnsetPatch(id, {
    truncate: items(description, 'truncatedArrays').map((entry) => {
      if (!(entry instanceof Map)) throw new DecodeProblem('malformed', 'bad truncatedArrays');
      return [
        text(entry.get('field'), 'truncatedArrays.field'),
        whole(entry.get('size'), 'truncatedArrays.size'),
      ];
    }),
    set: [...updated],
    unset: items(description, 'removedFields').map((field) => text(field, 'removedFields')),
  });
}

/** The envelope, from beside its schema if it has one. */
function payload(bytes: Buffer, what: string): JsonObject {
  const json = parseJsonObject(decode(bytes, what), what);
  const inner = json.get('payload');
  return json.has('schema') && inner instanceof Map ? inner : json;
}

/** The key's `id` is JSON in a text. */
function keyId(key: Buffer | null): Ejson | undefined {
  if (key === null) return undefined;
  const id = payload(key, 'key').get('id');
  return typeof id === 'string' ? parseEjson(id) : undefined;
}

/** A document as JSON in a text, in whatever dialect. */
function embedded(value: JsonValue | undefined): Document | null {
  if (value === null || value === undefined) return null;
  return documentFromJson(parseJsonObject(text(value, 'document'), 'document'));
}

function decode(bytes: Buffer, what: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new DecodeProblem('invalid-utf8', `${what} is not UTF-8`);
  }
}

function member(object: JsonObject, name: string): JsonObject {
  const value = object.get(name);
  if (!(value instanceof Map)) throw new DecodeProblem('malformed', `${name} is missing`);
  return value;
}

function items(object: JsonObject, name: string): JsonValue[] {
  const value = object.get(name) ?? [];
  if (!Array.isArray(value)) throw new DecodeProblem('malformed', `${name} is not a list`);
  return value;
}

function text(value: JsonValue | undefined, what: string): string {
  if (typeof value !== 'string') throw new DecodeProblem('malformed', `${what} is not text`);
  return value;
}

function whole(value: JsonValue | undefined, what: string): number {
  const number = value instanceof JsonNumber ? Number(value.text) : NaN;
  if (!Number.isSafeInteger(number)) throw new DecodeProblem('malformed', `${what} is not a whole number`);
  return number;
}
