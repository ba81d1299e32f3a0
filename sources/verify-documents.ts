import { BSON } from 'mongodb';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Duck } from '../warehouse/duckdb.js';
import { localFiles, parquetScan } from '../warehouse/snapshot/parquet.js';
import type { Storage } from '../warehouse/storage.js';
import type { MongoSession } from './mongo-session.js';
import type { ReadContext } from './read-chunk.js';
import type { DocumentCodec } from './read-documents.js';

export interface DocumentDifference {
  docId: string;
  /** The source's document now; null: it is not there. */
  source: string | null;
  /** The mirror's; null: it is not there. */
  mirror: string | null;
}

export interface DocumentReport {
  sourceDocuments: number;
  mirrorDocuments: number;
  sampled: number;
  /** Sampled documents that differ. A source that goes on changing shows some, changed since the boundary. */
  differences: DocumentDifference[];
}

export interface DocumentsRequest {
  /** `database.collection`. */
  collection: string;
  storage: Storage;
  /** Files of the snapshot. */
  files: readonly string[];
  codec: DocumentCodec;
  /** Documents to compare: half of them chosen on the mirror's side, half on the source's. */
  sample: number;
}

/** Documents of the mirror that one query looks up at the source. */
const AT_A_TIME = 50;
/** Places in the order of `_id` at which the source's documents are looked at. */
const PLACES = 10;

/**
 * Compares counts and sampled documents. The mirror's half of the sample finds documents that are gone or differ at the
 * source, the source's half those that the mirror does not have.
 */
export async function verifyDocuments(
  ctx: ReadContext,
  session: MongoSession,
  request: DocumentsRequest,
): Promise<DocumentReport> {
  await mkdir(ctx.workDir, { recursive: true });
  const duck = await Duck.open({
    ...ctx.duck,
    tempDirectory: join(ctx.workDir, 'spill'),
    ...(ctx.signal && { signal: ctx.signal }),
  });
  try {
    const at = { storage: request.storage, workDir: ctx.workDir, ...(ctx.signal && { signal: ctx.signal }) };
    const scan = parquetScan(await localFiles(at, request.files, 'mirror'));
    const table = request.files.length === 0 ? `(SELECT '' AS doc_id, '' AS doc WHERE false)` : scan;
    const [count] = await duck.rows<{ n: string }>(`SELECT count(*) AS n FROM ${table}`);
    const sourceDocuments = await session.count(request.collection);
    const half = Math.ceil(request.sample / 2);
    const found = new Map<string, DocumentDifference>();
    const chosen = await duck.rows<{ doc_id: string; doc: string }>(
      `SELECT doc_id, doc FROM ${table} ORDER BY md5(doc_id) LIMIT ${half}`,
    );
    for (let at = 0; at < chosen.length; at += AT_A_TIME) {
      const some = chosen.slice(at, at + AT_A_TIME);
      const sources = await documentsOf(session, request, some);
      for (const { doc_id, doc } of some) {
        found.set(doc_id, { docId: doc_id, mirror: doc, source: sources.get(doc_id) ?? null });
      }
      ctx.onProgress?.(found.size);
    }
    const places = chosen.filter((_, i) => i % Math.ceil(half / PLACES) === 0).map(({ doc }) => idOf(doc));
    const scattered = await documentsBehind(session, request, sourceDocuments <= half ? [] : places, half);
    ctx.onProgress?.(found.size + scattered.length);
    const missing = scattered.filter(({ docId }) => !found.has(docId));
    const mirror = await mirrorDocuments(
      duck,
      table,
      missing.map(({ docId }) => docId),
    );
    for (const { docId, doc } of missing) {
      found.set(docId, { docId, source: doc, mirror: mirror.get(docId) ?? null });
    }
    return {
      sourceDocuments,
      mirrorDocuments: Number(count!.n),
      sampled: found.size,
      differences: [...found.values()].filter(({ source, mirror: there }) => source !== there),
    };
  } finally {
    duck.close();
  }
}

function idOf(document: string): unknown {
  return (BSON.EJSON.parse(document, { relaxed: false }) as { _id: unknown })._id;
}

/** The source's documents with the `_id`s of some of the mirror's, by `doc_id`. */
async function documentsOf(
  session: MongoSession,
  { collection, codec }: DocumentsRequest,
  mirrored: readonly { doc: string }[],
): Promise<Map<string, string>> {
  const filter = { _id: { $in: mirrored.map(({ doc }) => idOf(doc)) } };
  const documents = new Map<string, string>();
  for await (const bson of session.find(collection, filter, null, {}, `reading documents of ${collection}`)) {
    const { docId, doc } = codec(bson);
    documents.set(docId, doc);
  }
  return documents;
}

/**
 * Runs of the source's documents: the first ones, the last ones, and those behind some places in the order of `_id`. The index leads to
 * each place, where a `skip` would walk over all documents before it. Without places the first run is the whole sample.
 */
async function documentsBehind(
  session: MongoSession,
  { collection, codec }: DocumentsRequest,
  places: readonly unknown[],
  wanted: number,
): Promise<{ docId: string; doc: string }[]> {
  const limit = Math.ceil(wanted / (places.length === 0 ? 1 : places.length + 2));
  const runs: [filter: object, options: { limit: number; sort?: { _id: 1 | -1 } }][] = [
    [{}, { limit }],
    [{}, { limit, sort: { _id: -1 } }],
    ...places.map((_id): [object, { limit: number }] => [{ _id: { $gt: _id } }, { limit }]),
  ];
  const documents = new Map<string, { docId: string; doc: string }>();
  for (const [filter, options] of runs) {
    for await (const bson of session.find(collection, filter, null, options, `sampling ${collection}`)) {
      const document = codec(bson);
      documents.set(document.docId, document);
    }
  }
  return [...documents.values()];
}

async function mirrorDocuments(
  duck: Duck,
  table: string,
  ids: readonly string[],
): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map();
  const list = JSON.stringify(ids).replaceAll("'", "''");
  const rows = await duck.rows<{ doc_id: string; doc: string }>(
    `SELECT doc_id, doc FROM ${table} WHERE doc_id IN (SELECT unnest(from_json('${list}', '["VARCHAR"]')))`,
  );
  return new Map(rows.map(({ doc_id, doc }) => [doc_id, doc]));
}
