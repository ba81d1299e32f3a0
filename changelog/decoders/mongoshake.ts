import type { DecodedRecord, RecordDecoder } from '../types.js';
import { looksLikeBson, readBson } from './bson-read.js';
import { utf8 } from './bytes.js';
import type { Document, Ejson } from './ejson.js';
import { Scalar } from './ejson.js';
import { docIdMode } from './mongo-change.js';
import type { MongoTime } from './mongo-change.js';
import type { DocIdMode } from './mongo-id.js';
import type { OplogEntry } from './mongo-oplog.js';
import { OplogTranslator } from './mongo-oplog.js';
import { jsonEntry } from './mongoshake-json.js';
import { looksLikeRaw, rawLogs } from './mongoshake-raw.js';
import type { DecoderOptions } from './problem.js';
import { DecodeProblem, nothing, recordDecoder, textOption } from './problem.js';

/** `tunnel.message` of MongoShake. */
export type MongoShakeMessage = 'raw' | 'bson' | 'json';

/**
 * Decoder of MongoShake's Kafka tunnel (change-log-formats 4): raw, bson, and json in its three shapes.
 *
 * Options: `message` (`raw`, `bson`, `json`; `auto`, the default, tells them apart record by record), `docId` (see
 * docId). `ts` is the oplog timestamp as seconds << 32 | increment, `seq` the place in Kafka (see seqOf): operations
 * that share a timestamp, as those of one transaction do, keep the order in which they were produced.
 */
export function createMongoShakeDecoder(options: DecoderOptions = {}): RecordDecoder {
  const fixed = textOption(options, 'message', 'auto', ['auto', 'raw', 'bson', 'json']);
  const mode = docIdMode(options);
  return recordDecoder('mongoshake', ({ value, offset }) => {
    if (value === null) return nothing();
    const message = fixed === 'auto' ? sniffMessage(value) : fixed;
    if (message === null) throw new DecodeProblem('malformed', 'neither raw, bson nor json of MongoShake');
    return translate(entries(value, message), offset, mode);
  });
}

/** Which tunnel message a value is; null: none. */
export function sniffMessage(value: Buffer): MongoShakeMessage | null {
  if (looksLikeRaw(value)) return 'raw';
  if (looksLikeBson(value)) return 'bson';
  return /^\s*\{/.test(value.toString('latin1', 0, 16)) ? 'json' : null;
}

function* entries(value: Buffer, message: MongoShakeMessage): Generator<OplogEntry> {
  if (message === 'json') yield jsonEntry(utf8(value, 'value'));
  else if (message === 'bson') yield bsonEntry(readBson(value));
  else for (const log of rawLogs(value)) yield bsonEntry(readBson(log));
}

function translate(list: Iterable<OplogEntry>, offset: number, mode: DocIdMode): DecodedRecord {
  const translator = new OplogTranslator(offset, mode);
  for (const entry of list) translator.add(entry);
  return translator.result;
}

/**
 * Entries that MongoShake wrote anew (change streams, operations of transactions) are its own struct with the entry inside
 * `parsedlog` (fixtures change_stream_*, applyops_unpacked).
 */
function bsonEntry(outer: Document): OplogEntry {
  const parsed = outer.get('parsedlog');
  const entry = parsed instanceof Map ? parsed : outer;
  const document = (name: string): Document | null => {
    const value = entry.get(name);
    return value instanceof Map ? value : null;
  };
  const [op, ns, o] = [entry.get('op'), entry.get('ns'), document('o')];
  if (typeof op !== 'string' || typeof ns !== 'string' || o === null) {
    throw new DecodeProblem('malformed', 'oplog entry without op, ns or o');
  }
  return {
    time: bsonTime(entry.get('ts')),
    op,
    ns,
    o,
    o2: document('o2'),
    documentKey: document('documentKey'),
    fromMigrate: entry.get('fromMigrate') === true,
  };
}

function bsonTime(value: Ejson | undefined): MongoTime {
  const match =
    value instanceof Scalar ? /^\{"\$timestamp":\{"t":(\d+),"i":(\d+)\}\}$/.exec(value.text) : null;
  if (match === null) throw new DecodeProblem('malformed', 'oplog entry without a timestamp');
  return { seconds: Number(match[1]), increment: Number(match[2]) };
}
