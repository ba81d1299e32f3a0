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
    for (const { doc_id, doc } of chosen) {
      found.set(doc_id, { docId: doc_id, mirror: doc, source: await sourceDocument(session, request, doc) });
      ctx.onProgress?.(found.size);
    }
    const scattered = await scatteredDocuments(session, request, sourceDocuments, half);
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

async function sourceDocument(
  session: MongoSession,
  { collection, codec }: DocumentsRequest,
  mirrored: string,
): Promise<string | null> {
  const { _id } = BSON.EJSON.parse(mirrored, { relaxed: false }) as { _id: unknown };
  const found = session.find(collection, { _id }, null, { limit: 1 }, `reading a document of ${collection}`);
  for await (const bson of found) return codec(bson).doc;
  return null;
}

/** Documents at even distances in the order of `_id`. */
async function scatteredDocuments(
  session: MongoSession,
  { collection, codec }: DocumentsRequest,
  total: number,
  wanted: number,
): Promise<{ docId: string; doc: string }[]> {
  const step = Math.max(1, Math.floor(total / Math.max(1, wanted)));
  const documents: { docId: string; doc: string }[] = [];
  for (let skip = Math.floor(step / 2); skip < total && documents.length < wanted; skip += step) {
    const what = `sampling ${collection}`;
    for await (const bson of session.find(collection, {}, null, { skip, limit: 1 }, what)) {
      documents.push(codec(bson));
    }
  }
  return documents;
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
