import type { Chunk } from './mysql-chunks.js';
import type { MysqlSession } from './mysql-session.js';
import type { ReadContext } from './read-chunk.js';
import {
  addSlices,
  differingKeys,
  differingRows,
  differingSlices,
  totalRows,
  type RowDifference,
  type RowHash,
  type RowTexts,
  type SliceSums,
} from './verify-compare.js';
import { mirrorHashes, mirrorSlices, mirrorTexts, type MirrorSide } from './verify-mirror.js';
import { sourceHashes, sourceSlices, sourceTexts, type SourceSide } from './verify-source.js';

/** Rows of differing slices that are listed at most; beyond it a table is not nearly the same, and examples do. */
const MAX_LISTED_ROWS = 200_000;

export interface VerifyReport {
  sourceRows: number;
  mirrorRows: number;
  /** Slices of keys that differ; empty: both sides are the same, row by row. */
  differingSlices: string[];
  /** Differing rows, as many as asked for. */
  differences: RowDifference[];
  /** There are more than `differences` shows. */
  more: boolean;
  /** MD5s of all keys that differ; null: there are too many to list. */
  keys: string[] | null;
  /** Positions of the parts with a row that is missing or different in the mirror: the ranges to repair. */
  parts: number[];
}

/** A chunk of one of the mirror's source tables. */
export interface SourcePart {
  source: SourceSide;
  chunk: Chunk;
}

/** Chunks of a table as parts of a comparison. */
export function partsOf(source: SourceSide, chunks: readonly Chunk[]): SourcePart[] {
  return chunks.map((chunk) => ({ source, chunk }));
}

export interface VerifyRequest {
  /** All chunks of the table; of shards, those of all of them, compared by the same columns. */
  parts: readonly SourcePart[];
  mirror: MirrorSide;
  /** Differing rows to show. */
  limit: number;
}

/** Sums of both sides over their parts; the parts may be summed up by different activities. */
export interface BothSums {
  source: SliceSums;
  mirror: SliceSums;
}

/**
 * Compares a table with its mirror: sums by slices of the keys first, then the rows of the slices that differ. The
 * session reads as of the boundary's TSO; no query reads more than a chunk.
 */
export async function verifyTable(
  ctx: ReadContext,
  session: MysqlSession,
  request: VerifyRequest,
): Promise<VerifyReport> {
  let source: SliceSums = {};
  for (const part of request.parts) {
    source = addSlices(source, await sourceSlices(session, part.source, part.chunk));
    ctx.onProgress?.(totalRows(source));
    await ctx.throttle?.passed(0, ctx.signal);
  }
  return explain(ctx, session, request, { source, mirror: await mirrorSlices(ctx, request.mirror) });
}

/** Lists what differs, given the sums of both sides. */
export async function explain(
  ctx: ReadContext,
  session: MysqlSession,
  request: VerifyRequest,
  sums: BothSums,
): Promise<VerifyReport> {
  const slices = differingSlices(sums.source, sums.mirror);
  const report: VerifyReport = {
    sourceRows: totalRows(sums.source),
    mirrorRows: totalRows(sums.mirror),
    differingSlices: slices,
    differences: [],
    more: false,
    keys: [],
    parts: [],
  };
  const listed = slicesToList(slices, sums);
  if (listed.length === 0) return report;
  const partOf = new Map<string, number>();
  const source: RowHash[] = [];
  for (const [index, part] of request.parts.entries()) {
    for (const row of await sourceHashes(session, part.source, part.chunk, listed)) {
      partOf.set(row.key, index);
      source.push(row);
    }
  }
  const keys = differingKeys(source, await mirrorHashes(ctx, request.mirror, listed));
  report.more = keys.length > request.limit || listed.length < slices.length;
  report.keys = listed.length < slices.length ? null : keys.map(({ key }) => key);
  report.parts = [...new Set(keys.flatMap(({ key }) => partOf.get(key) ?? []))].sort((a, b) => a - b);
  const shown = keys.slice(0, request.limit).map(({ key }) => key);
  const left = await textsByPart(session, request.parts, shown, partOf);
  const right = await mirrorTexts(ctx, request.mirror, shown);
  const json = new Set(request.mirror.columns.filter((column) => column.json).map(({ name }) => name));
  for (const key of shown) {
    const difference = differingRows(left.get(key) ?? null, right.get(key) ?? [], json);
    if (difference) report.differences.push(difference);
  }
  return report;
}

/** As many differing slices as can be listed. */
function slicesToList(slices: readonly string[], sums: BothSums): string[] {
  let rows = 0;
  return slices.filter((slice) => {
    rows += (sums.source[slice]?.rows ?? 0) + (sums.mirror[slice]?.rows ?? 0);
    return rows <= MAX_LISTED_ROWS || slice === slices[0];
  });
}

async function textsByPart(
  session: MysqlSession,
  parts: readonly SourcePart[],
  keys: readonly string[],
  partOf: ReadonlyMap<string, number>,
): Promise<Map<string, RowTexts>> {
  const byPart = new Map<number, string[]>();
  for (const key of keys) {
    const part = partOf.get(key);
    if (part !== undefined) byPart.set(part, [...(byPart.get(part) ?? []), key]);
  }
  const all = new Map<string, RowTexts>();
  for (const [index, some] of byPart) {
    const { source, chunk } = parts[index]!;
    for (const [key, texts] of await sourceTexts(session, source, chunk, some)) all.set(key, texts);
  }
  return all;
}
