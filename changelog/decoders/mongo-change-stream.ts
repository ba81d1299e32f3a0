import type { DecodedRecord, RecordDecoder } from '../types.js';
import { looksLikeBson, readBson } from './bson-read.js';
import { utf8 } from './bytes.js';
import type { Document, Ejson } from './ejson.js';
import { ejsonText, Scalar } from './ejson.js';
import { documentFromJson, parseEjson } from './ejson-read.js';
import { parseJson } from './json.js';
import type { MongoEffect, MongoPlace } from './mongo-change.js';
import { docIdMode, mongoChange, seqOf, tsOf } from './mongo-change.js';
import type { DocIdMode } from './mongo-id.js';
import { idOf } from './mongo-id.js';
import { splitNamespace } from './mongo-oplog.js';
import { setUnsetPatch, unknownPatch } from './mongo-patch.js';
import type { PatchPath } from './mongo-patch.js';
import type { DecoderOptions, KafkaRecord } from './problem.js';
import { DecodeProblem, nothing, recordDecoder, textOption } from './problem.js';

/**
 * Decoder of the MongoDB Kafka source connector (change-log-formats 5): change stream events in any of its JSON
 * formatters or BSON, also as a quoted text or inside a Connect schema envelope.
 *
 * Options: `docId` (see docId); `namespace` (`db.coll`) for topics with publish.full.document.only=true, whose records are
 * bare documents: they become updates without an order of their own, and null values deletes of the record's key.
 *
 * `ts` is clusterTime as seconds << 32 | increment, `seq` the place in Kafka (see seqOf): the resume token that tells the
 * events of one transaction apart grows with it. Documents of the copy phase have `ts` 0: older than any event.
 */
export function createMongoChangeStreamDecoder(options: DecoderOptions = {}): RecordDecoder {
  const mode = docIdMode(options);
  const namespace = textOption(options, 'namespace', '');
  const bare = namespace === '' ? null : splitNamespace(namespace);
  return recordDecoder('mongo-change-stream', (record) => {
    const event = record.value === null ? null : readEvent(record.value, 'value');
    if (event?.has('operationType') === true) return decodeEvent(event, record, mode);
    if (bare !== null) return decodeBare(event, record, bare, mode);
    if (event === null) return nothing();
    throw new DecodeProblem(
      'malformed',
      'not a change stream event (no operationType); with publish.full.document.only set format option namespace',
    );
  });
}

/** The document in a value or key, whatever the converter wrapped around it; null for JSON null. @throws DecodeProblem */
export function readEvent(bytes: Buffer, what: string): Document | null {
  if (looksLikeBson(bytes)) return readBson(bytes);
  let json = parseJson(utf8(bytes, what));
  if (json instanceof Map && json.size === 2 && json.has('schema') && json.has('payload')) {
    json = json.get('payload') ?? null;
  }
  // A string schema puts the document into a JSON text (5.2).
  if (typeof json === 'string') json = parseJson(json);
  if (json === null) return null;
  if (!(json instanceof Map)) throw new DecodeProblem('malformed', `${what} is not a document`);
  return documentFromJson(json);
}

function decodeBare(
  document: Document | null,
  record: KafkaRecord,
  [database, collection]: [string, string],
  mode: DocIdMode,
): DecodedRecord {
  const place = { database, collection, ts: null, seq: seqOf(record.offset, 0), eventMs: record.timestamp };
  if (document !== null)
    return { changes: [mongoChange(place, idOf(document), { op: 'u', doc: document }, mode)] };
  const id = record.key === null ? undefined : idOf(readEvent(record.key, 'key'));
  // The key of a dropped collection's event is a resume token: no document.
  if (id === undefined || (id instanceof Map && id.has('_data'))) return nothing();
  return { changes: [mongoChange(place, id, { op: 'd' }, mode)] };
}

function decodeEvent(event: Document, record: KafkaRecord, mode: DocIdMode): DecodedRecord {
  const operation = event.get('operationType');
  if (typeof operation !== 'string') throw new DecodeProblem('malformed', 'operationType is not text');
  const ns = event.get('ns');
  const name = (part: string): string | null => {
    const value = ns instanceof Map ? ns.get(part) : undefined;
    return typeof value === 'string' ? value : null;
  };
  const [database, collection] = [name('db'), name('coll')];
  const time = eventTime(event, record);
  const effect = effectOf(event, operation);
  if (effect === null) {
    const ddl = {
      database: database ?? '',
      table: collection,
      ts: time.ts,
      kind: operation,
      sql: ejsonText(event),
    };
    return { changes: [], ddl: [ddl] };
  }
  if (database === null || collection === null) throw new DecodeProblem('malformed', 'event without its ns');
  const place: MongoPlace = { database, collection, seq: seqOf(record.offset, 0), ...time };
  const before = document(event, 'fullDocumentBeforeChange');
  return { changes: [mongoChange(place, eventId(event), effect, mode, before)] };
}

/** With `output.format.value=schema` the connector writes documents as JSON texts inside the event. */
function unfolded(value: Ejson | undefined): Ejson | undefined {
  return typeof value === 'string' && value.startsWith('{') ? parseEjson(value) : value;
}

function document(event: Document, name: string): Document | null {
  const value = unfolded(event.get(name));
  return value instanceof Map ? value : null;
}

/** Documents are keyed by `_id`; documentKey may have the shard key beside it. */
function eventId(event: Document): Ejson | undefined {
  return idOf(document(event, 'documentKey'), document(event, 'fullDocument'));
}

/** What a change event does; null for everything else (drop, rename, invalidate, and kinds that are yet to come). */
function effectOf(event: Document, operation: string): MongoEffect | null {
  if (event.has('splitEvent')) {
    throw new DecodeProblem(
      'unsupported',
      'a part of an event that MongoDB has split ($changeStreamSplitLargeEvent): no part tells the change',
    );
  }
  const full = document(event, 'fullDocument');
  switch (operation) {
    case 'insert':
    case 'replace':
      if (full === null) throw new DecodeProblem('malformed', `${operation} without its fullDocument`);
      return { op: operation === 'insert' ? 'i' : 'u', doc: full };
    case 'update':
      // The looked-up document may be null because it is gone meanwhile: the delta still tells what happened (5.4).
      return full === null ? { op: 'u', patch: deltaPatch(event) } : { op: 'u', doc: full };
    case 'delete':
      return { op: 'd' };
    default:
      return null;
  }
}

function deltaPatch(event: Document): string {
  const id = eventId(event);
  const description = document(event, 'updateDescription');
  if (description === null)
    return unknownPatch('an update with neither a document nor an updateDescription', id);
  const exact = document(description, 'disambiguatedPaths');
  const path = (dotted: string): PatchPath => exactPath(exact?.get(dotted)) ?? dotted;
  const updated = document(description, 'updatedFields') ?? new Map<string, Ejson>();
  return setUnsetPatch(id, {
    truncate: list(description, 'truncatedArrays').map((entry) => {
      const field = entry instanceof Map ? entry.get('field') : undefined;
      const size = entry instanceof Map ? wholeNumber(entry.get('newSize')) : null;
      if (typeof field !== 'string' || size === null)
        throw new DecodeProblem('malformed', 'bad truncatedArrays');
      return [path(field), size];
    }),
    set: [...updated].map(([dotted, value]) => [path(dotted), value]),
    unset: list(description, 'removedFields').map((field) => {
      if (typeof field !== 'string') throw new DecodeProblem('malformed', 'bad removedFields');
      return path(field);
    }),
  });
}

function list(description: Document, name: string): Ejson[] {
  const value = description.get(name) ?? [];
  if (!Array.isArray(value)) throw new DecodeProblem('malformed', `${name} is not a list`);
  return value;
}

/** `disambiguatedPaths` of MongoDB 6.1: names and indexes of one path. */
function exactPath(steps: Ejson | undefined): (string | number)[] | null {
  if (!Array.isArray(steps) || steps.length === 0) return null;
  const path = steps.map((step) => (typeof step === 'string' ? step : wholeNumber(step)));
  return path.includes(null) ? null : (path as (string | number)[]);
}

function wholeNumber(value: Ejson | undefined): number | null {
  const text = value instanceof Scalar ? value.text : '';
  const digits = /^\{"\$number(?:Int|Long|Double)":"(\d{1,9})(?:\.0)?"\}$/.exec(text)?.[1];
  return digits === undefined ? null : Number(digits);
}

function eventTime(event: Document, record: KafkaRecord): { ts: bigint; eventMs: number } {
  const token = document(event, '_id');
  if (token?.get('copyingData') === true) return { ts: 0n, eventMs: record.timestamp };
  const time = clusterTime(unfolded(event.get('clusterTime'))) ?? tokenTime(token?.get('_data'));
  if (time === null) throw new DecodeProblem('malformed', 'event without clusterTime');
  return { ts: tsOf(time), eventMs: time.seconds * 1000 };
}

function clusterTime(value: Ejson | undefined): { seconds: number; increment: number } | null {
  const match =
    value instanceof Scalar ? /^\{"\$timestamp":\{"t":(\d+),"i":(\d+)\}\}$/.exec(value.text) : null;
  return match === null ? null : { seconds: Number(match[1]), increment: Number(match[2]) };
}

/** A resume token begins with the keystring of its cluster time: 0x82, seconds, increment. MongoDB 3.6 has no clusterTime. */
function tokenTime(data: Ejson | undefined): { seconds: number; increment: number } | null {
  const match = typeof data === 'string' ? /^82([0-9A-F]{8})([0-9A-F]{8})/i.exec(data) : null;
  if (match === null) return null;
  return { seconds: parseInt(match[1] ?? '', 16), increment: parseInt(match[2] ?? '', 16) };
}
