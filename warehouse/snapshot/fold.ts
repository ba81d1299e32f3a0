import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage, TributaryError } from '../../common/errors.js';
import type { Duck } from '../duckdb.js';
import { duckName, duckString } from '../sql.js';
import { duckType } from './duck-type.js';
import { EVENT } from './event-sql.js';
import { FROM } from './merge-sql.js';
import { RANK } from './semantics.js';
import type { FoldPatches, MergeContext, SnapshotTable } from './types.js';

/** Bytes of documents and patches that are in JavaScript at a time. */
const PAGE_BYTES = 16 << 20;
/** DuckDB allocates twice its `maximum_object_size`, so it gets no more than the longest line needs. */
const LEAST_LINE_BYTES = 1 << 20;

const NEWER = '(p.cdc_ts > t.cdc_ts OR (p.cdc_ts = t.cdc_ts AND p.cdc_seq > t.cdc_seq))';

/** What came of the patches of a bucket. */
export interface FoldCounts {
  /** Documents that got at least one patch. */
  folded: number;
  /** Patches that wait for their document. */
  pending: number;
  /** Patches older than the stored document: repeats of what it has, or, if they never came before, lost to it. */
  late: number;
  /** Patches that do not say what they changed (`{"kind":"unknown"`). */
  unknown: number;
}

/**
 * Folds the patches that are newer than their document onto it, in order, for the touched documents only. Reads the tables
 * `patches`, `states`, `newest` and `base`; makes `folded` (rows of the snapshot) and `pending`.
 * @throws TributaryError PatchFailed (attributes doc_id)
 */
export async function foldPatches(
  ctx: Pick<MergeContext, 'workDir' | 'signal' | 'onProgress'>,
  duck: Duck,
  table: SnapshotTable,
  fold: FoldPatches,
): Promise<FoldCounts> {
  await duck.run(
    `CREATE TEMP TABLE pending AS SELECT p.* FROM patches p LEFT JOIN states t ON t.doc_id = p.doc_id ` +
      `WHERE t.doc_id IS NULL OR (t.${EVENT.rank} = ${RANK.delete} AND ${NEWER})`,
  );
  await duck.run(
    `CREATE TEMP TABLE applied AS SELECT p.*, t.${EVENT.source} FROM patches p JOIN states t ON t.doc_id = p.doc_id ` +
      `WHERE t.${EVENT.rank} = ${RANK.upsert} AND ${NEWER}`,
  );
  // One column of text for each patched document: wherever it is stored, only its own row is read.
  const documents = (relation: string, source: number): string =>
    `SELECT doc_id, doc FROM ${relation} r WHERE doc_id IN (SELECT doc_id FROM applied WHERE ${EVENT.source} = ${source})`;
  await duck.run(
    `CREATE TEMP TABLE to_fold AS SELECT row_number() OVER (ORDER BY d.doc_id) AS n, d.doc_id, d.doc, a.* ` +
      `EXCLUDE (doc_id) FROM (${documents('base', FROM.base)} UNION ALL ${documents('newest', FROM.event)}) d ` +
      `JOIN (SELECT doc_id, list(cdc_patch ORDER BY cdc_ts, cdc_seq) AS patches, max(cdc_ts) AS cdc_ts, ` +
      `arg_max(cdc_seq, (cdc_ts, cdc_seq)) AS cdc_seq, sum(strlen(cdc_patch)) AS patch_bytes ` +
      `FROM applied GROUP BY doc_id) a ON a.doc_id = d.doc_id`,
  );
  const lines = join(ctx.workDir, 'folded.ndjson');
  const longest = await foldInPages(ctx, duck, fold, lines);
  const doc = table.columns.map(({ name, type, fromDocument }) => {
    if (name === 'doc_id') return 'f.doc_id';
    if (name === 'doc') return 'j.doc';
    if (fromDocument === undefined) throw noExpression(table, name);
    return `CAST(${fromDocument('j.doc')} AS ${duckType(type)}) AS ${duckName(name)}`;
  });
  await duck.run(
    `CREATE TEMP TABLE folded AS SELECT ${doc.join(', ')}, f.cdc_ts, f.cdc_seq FROM to_fold f JOIN ` +
      `read_json(${duckString(lines)}, format = 'newline_delimited', columns = {n: 'BIGINT', doc: 'VARCHAR'}, ` +
      `maximum_object_size = ${Math.max(LEAST_LINE_BYTES, longest + 1024)}) j ON j.n = f.n`,
  );
  return counts(duck);
}

async function foldInPages(
  ctx: Pick<MergeContext, 'signal' | 'onProgress'>,
  duck: Duck,
  fold: FoldPatches,
  path: string,
): Promise<number> {
  const [size] = await duck.rows<{ documents: string; bytes: string | null }>(
    `SELECT count(*) AS documents, sum(strlen(doc) + patch_bytes) AS bytes FROM to_fold`,
  );
  const total = Number(size!.documents);
  const mean = Number(size!.bytes ?? 0) / Math.max(1, total);
  const page = Math.max(1, Math.min(10_000, Math.floor(PAGE_BYTES / Math.max(1, mean))));
  const file = await open(path, 'w');
  let longest = 0;
  try {
    for (let from = 1; from <= total; from += page) {
      const rows = await duck.rows<{ n: string; doc_id: string; doc: string; patches: string[] }>(
        `SELECT n, doc_id, doc, patches FROM to_fold WHERE n >= ${from} AND n < ${from + page} ORDER BY n`,
      );
      const lines = rows.map((row) => JSON.stringify({ n: row.n, doc: foldOne(row, fold) }) + '\n');
      for (const line of lines) longest = Math.max(longest, Buffer.byteLength(line));
      await file.writeFile(lines.join(''));
      ctx.signal?.throwIfAborted();
      ctx.onProgress?.();
    }
  } finally {
    await file.close();
  }
  return longest;
}

function foldOne(row: { doc_id: string; doc: string; patches: string[] }, fold: FoldPatches): string {
  try {
    return fold(row.doc, row.patches);
  } catch (error) {
    throw new TributaryError({
      code: 'PatchFailed',
      message:
        `A partial update of document ${row.doc_id} cannot be applied: ${errorMessage(error)} ` +
        `Nothing was published. Read the document from the source again (verify --repair), or fix the record.`,
      attributes: { doc_id: row.doc_id },
      cause: error,
    });
  }
}

async function counts(duck: Duck): Promise<FoldCounts> {
  const [row] = await duck.rows<{
    documents: string;
    folded: string;
    pending: string;
    late: string;
    unknown: string;
  }>(
    `SELECT (SELECT count(*) FROM to_fold) AS documents, (SELECT count(*) FROM folded) AS folded, ` +
      `(SELECT count(*) FROM pending) AS pending, (SELECT count(*) FROM patches p JOIN states t ON t.doc_id = p.doc_id ` +
      `WHERE t.${EVENT.source} = ${FROM.base} AND (p.cdc_ts, p.cdc_seq) < (t.cdc_ts, t.cdc_seq)) AS late, ` +
      `(SELECT count(*) FROM applied WHERE starts_with(cdc_patch, '{"kind":"unknown"')) AS unknown`,
  );
  if (row!.documents !== row!.folded) {
    throw new TributaryError({
      code: 'SnapshotCheckFailed',
      message: `${row!.documents} documents were to be folded, but ${row!.folded} came back. Nothing was published.`,
    });
  }
  return {
    folded: Number(row!.folded),
    pending: Number(row!.pending),
    late: Number(row!.late),
    unknown: Number(row!.unknown),
  };
}

function noExpression(table: SnapshotTable, column: string): TributaryError {
  return new TributaryError({
    code: 'SnapshotTableInvalid',
    message: `Column ${column} of ${table.name} has no expression over the document, so folded documents would lack it.`,
    attributes: { table: table.name, column },
  });
}

/** Query of the patches that wait, for the hidden file. */
export function pendingRows(): string {
  return `SELECT doc_id, cdc_patch, cdc_ts, cdc_seq, ${EVENT.at} FROM pending ORDER BY doc_id, cdc_ts, cdc_seq`;
}
