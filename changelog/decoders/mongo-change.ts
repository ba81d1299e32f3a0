import type { CanonicalChange, RowImage } from '../types.js';
import type { Document, Ejson } from './ejson.js';
import { ejsonText } from './ejson.js';
import type { DocIdMode } from './mongo-id.js';
import { docId } from './mongo-id.js';
import type { DecoderOptions } from './problem.js';
import { DecodeProblem, textOption } from './problem.js';

/**
 * Room for changes of one record in `seq`. A record of MongoDB has no number of its own inside one oplog timestamp, so
 * `seq` is its place in Kafka: offset * 2^20 + index in the record. An oplog entry ends at 16 MiB and an operation in it
 * takes 40 bytes and more, so the index stays below 2^20.
 */
const SEQ_PER_RECORD = 1n << 20n;

export function seqOf(offset: number, index: number): bigint {
  return BigInt(offset) * SEQ_PER_RECORD + BigInt(index);
}

/** Oplog and cluster times order as seconds, then increment. @throws DecodeProblem beyond what BIGINT holds (2038) */
export function tsOf(time: MongoTime): bigint {
  if (time.seconds > 0x7fffffff) throw new DecodeProblem('malformed', `timestamp of ${time.seconds} seconds`);
  return (BigInt(time.seconds) << 32n) | BigInt(time.increment);
}

export interface MongoTime {
  seconds: number;
  increment: number;
}

/** What happens to a document: it is there in full, gone, or changed by a patch. */
export type MongoEffect = { op: 'i' | 'u'; doc: Document } | { op: 'd' } | { op: 'u'; patch: string };

/** Option `docId`: `plain` (default) or `typed`, see docId. */
export function docIdMode(options: DecoderOptions): DocIdMode {
  return textOption(options, 'docId', 'plain', ['plain', 'typed']);
}

export interface MongoPlace {
  database: string;
  collection: string;
  ts: bigint | null;
  seq: bigint;
  eventMs: number;
}

/** The canonical change: `doc_id`, and `doc` where the whole document is known (design 6). */
export function mongoChange(
  place: MongoPlace,
  id: Ejson | undefined,
  effect: MongoEffect,
  mode: DocIdMode,
  before: Document | null = null,
): CanonicalChange {
  if (id === undefined) {
    throw new DecodeProblem('no-key', `a change of ${place.database}.${place.collection} without _id`);
  }
  const key = docId(id, mode);
  const image = (doc: Document | null): RowImage =>
    doc === null ? { doc_id: key } : { doc_id: key, doc: ejsonText(doc) };
  const change: CanonicalChange = {
    database: place.database,
    table: place.collection,
    op: effect.op,
    ts: place.ts,
    seq: place.seq,
    eventMs: place.eventMs,
    // A removed document is worth keeping in the change where the log has it.
    row: image('doc' in effect ? effect.doc : effect.op === 'd' ? before : null),
    before: effect.op === 'u' && before !== null ? image(before) : null,
    key: ['doc_id'],
  };
  if ('patch' in effect) change.patch = effect.patch;
  return change;
}
