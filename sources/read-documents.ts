import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { duckName } from '../warehouse/sql.js';
import { duckType } from '../warehouse/snapshot/duck-type.js';
import type { SnapshotColumn } from '../warehouse/snapshot/types.js';
import { sourceError } from './errors.js';
import { chunkFilter, type MongoChunk } from './mongo-chunks.js';
import type { MongoSession } from './mongo-session.js';
import { writeRows, type LocalChunk, type ReadContext } from './read-chunk.js';
import { RowSpool } from './row-spool.js';

/** A document as the changelog has it: the text of its `_id`, and canonical extended JSON v2, both from the raw BSON. */
export type DocumentCodec = (bson: Buffer) => { docId: string; doc: string };

export interface ReadDocumentsRequest {
  /** `database.collection`. */
  collection: string;
  chunk: MongoChunk;
  /** Columns of the mirror: `doc_id`, `doc`, and declared paths with their `fromDocument`. */
  columns: readonly SnapshotColumn[];
  codec: DocumentCodec;
  /** Order key that was taken before the scan; `cdc_ts` of every row. */
  cdcTs: string;
  /** The read waits until its node has applied the oplog up to here. */
  applied: bigint | null;
}

const PROGRESS_ROWS = 1_000;

/** Reads one chunk of a collection into a Parquet file with the mirror's columns, `cdc_ts` and `cdc_seq` 0. */
export async function readDocuments(
  ctx: ReadContext,
  session: MongoSession,
  request: ReadDocumentsRequest,
): Promise<LocalChunk> {
  const { collection, chunk } = request;
  await mkdir(ctx.workDir, { recursive: true });
  const spool = await RowSpool.create(join(ctx.workDir, `chunk-${chunk.index}.ndjson`));
  const what = `reading chunk ${chunk.index} of ${collection}`;
  try {
    const found = session.find(collection, chunkFilter(chunk), request.applied, { batchSize: 1_000 }, what);
    for await (const bson of found) {
      const { docId, doc } = request.codec(bson);
      await spool.add([docId, doc]);
      if (spool.rows % PROGRESS_ROWS > 0) continue;
      ctx.onProgress?.(spool.rows);
      await ctx.throttle?.passed(PROGRESS_ROWS, ctx.signal);
    }
    await ctx.throttle?.passed(spool.rows % PROGRESS_ROWS, ctx.signal);
    await spool.close();
  } catch (error) {
    await spool.abandon();
    throw error;
  }
  return writeRows(ctx, spool, {
    select: selectDocuments(request),
    path: join(ctx.workDir, `chunk-${chunk.index}.parquet`),
    what: `chunk ${chunk.index} of ${collection}`,
  });
}

function selectDocuments({ columns, cdcTs }: ReadDocumentsRequest): string {
  if (!/^\d+$/.test(cdcTs)) throw new RangeError(`"${cdcTs}" is no order key`);
  const values = columns.map(({ name, type, fromDocument }) => {
    if (name === 'doc_id') return 'v[1] AS doc_id';
    if (name === 'doc') return 'v[2] AS doc';
    if (!fromDocument) {
      throw sourceError('SourceUnsuitable', `Column ${name} has no expression over the document.`, {
        column: name,
      });
    }
    return `CAST(${fromDocument('v[2]')} AS ${duckType(type)}) AS ${duckName(name)}`;
  });
  return [...values, `CAST(${cdcTs} AS BIGINT) AS cdc_ts`, 'CAST(0 AS BIGINT) AS cdc_seq'].join(', ');
}
