import { BSON, type Document } from 'mongodb';
import type { MongoSession } from './mongo-session.js';

/**
 * `_id`s of one type bracket in `(after, upTo]`. MongoDB orders any two values, but its comparisons see values of their own
 * bracket only, so a chunk never reaches over two.
 */
export interface MongoChunk {
  index: number;
  /** Type alias of `$type`; `nan` for the one number that no comparison finds. */
  bracket: string;
  /** Canonical extended JSON of `{"v": _id}`; null: open on that side. */
  after: string | null;
  upTo: string | null;
}

/** Brackets whose values are compared with each other, in MongoDB's order, and then the types of which one hardly sees an `_id`. */
const BRACKETS = ['number', 'string', 'object', 'binData', 'objectId', 'bool', 'date', 'timestamp', 'null'];
const RARE = [
  'nan',
  'symbol',
  'javascript',
  'javascriptWithScope',
  'dbPointer',
  'undefined',
  'regex',
  'minKey',
  'maxKey',
];

/**
 * Cuts a collection into chunks of at most `chunkRows` documents. Every query walks one chunk of the `_id` index and
 * no more.
 * @param known the last chunk of an earlier attempt
 */
export async function* planMongoChunks(
  session: MongoSession,
  collection: string,
  applied: bigint | null,
  chunkRows: number,
  known?: MongoChunk,
): AsyncGenerator<MongoChunk> {
  const all = session.limited ? BRACKETS : [...BRACKETS, ...RARE];
  let index = known === undefined ? 0 : known.index + 1;
  const from = known === undefined ? 0 : all.indexOf(known.bracket) + (known.upTo === null ? 1 : 0);
  for (const bracket of all.slice(from)) {
    let after = known?.bracket === bracket ? known.upTo : null;
    const first = await idAt(session, collection, { index, bracket, after, upTo: null }, applied, 0);
    if (first === undefined && after === null) continue;
    for (;;) {
      const chunk: MongoChunk = { index, bracket, after, upTo: null };
      const last = await idAt(session, collection, chunk, applied, chunkRows - 1);
      const upTo = last === undefined || !comparable(last) ? null : boundText(last);
      yield { ...chunk, upTo };
      index += 1;
      if (upTo === null) break;
      after = upTo;
    }
  }
}

/** The filter of a chunk. */
export function chunkFilter(chunk: MongoChunk): Document {
  if (chunk.bracket === 'nan') return { _id: NaN };
  const id: Document = { $type: chunk.bracket };
  if (chunk.after !== null) id['$gt'] = bound(chunk.after);
  // NaN is a number that is not at or above any other; it has a chunk of its own.
  else if (chunk.bracket === 'number') id['$gte'] = -Infinity;
  if (chunk.upTo !== null) id['$lte'] = bound(chunk.upTo);
  return { _id: id };
}

async function idAt(
  session: MongoSession,
  collection: string,
  chunk: MongoChunk,
  applied: bigint | null,
  skip: number,
): Promise<unknown> {
  const options = { projection: { _id: 1 }, skip, limit: 1 };
  const what = `cutting ${collection} into chunks`;
  for await (const raw of session.find(collection, chunkFilter(chunk), applied, options, what)) {
    return (BSON.deserialize(raw, EXACT) as { _id: unknown })._id;
  }
  return undefined;
}

const EXACT = { promoteValues: false, promoteLongs: false, promoteBuffers: false, bsonRegExp: true } as const;

function boundText(id: unknown): string {
  return BSON.EJSON.stringify({ v: id }, { relaxed: false });
}

function bound(text: string): unknown {
  return (BSON.EJSON.parse(text, { relaxed: false }) as { v: unknown }).v;
}

/**
 * False for a value that would be another one after a walk through a JavaScript object, which moves members named like
 * numbers to the front. The chunk then goes to the end of the bracket.
 */
function comparable(id: unknown): boolean {
  if (id === null || typeof id !== 'object') return true;
  if (Array.isArray(id)) return id.every(comparable);
  if ('_bsontype' in id || id instanceof Date || id instanceof Uint8Array) return true;
  return Object.entries(id).every(([name, value]) => !/^\d+$/.test(name) && comparable(value));
}
