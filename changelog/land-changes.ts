import { join } from 'node:path';

import type { Duck } from '../warehouse/duckdb.js';
import type { CanonicalLines } from './canonical-lines.js';
import type { TypesAt } from './change-columns.js';
import type { ChangeSource, ValueNotation } from './change-source.js';
import { needsTypes } from './change-zones.js';
import { landChanges, noChanges, type ChangesRequest, type ChangesResult } from './changes.js';
import { landDirect } from './direct-changes.js';
import { readChanges } from './fast-or-careful.js';
import { hexBytes } from './formats/hex.js';
import { memberNames } from './formats/members.js';
import { routeChanges, type SpareColumn } from './routes.js';
import { tellsMembers } from './row-shapes.js';
import { sourceTypes } from './source-types.js';
import { SpoolLines, spoolRows, type Spool } from './spool.js';
import type { LandingTable, LandSplitRequest } from './types.js';

/** Tables of one change-log format over the spooled records of a split. */
export interface ChangeLog {
  request: LandSplitRequest;
  spool: Spool;
  /** The lines to read: the spool's own, or what was made of records that are no text. */
  lines: SpoolLines;
  tables: LandingTable[];
  /** Quarantine of records that no table can claim. */
  unattributedTo: string;
}

/** Lands a textual change log: DuckDB reads it. */
export async function landTextChanges(
  duck: Duck,
  log: ChangeLog,
  source: ChangeSource,
): Promise<ChangesResult> {
  const { tables } = log;
  const lines = log.lines.rows();
  const keys = tables.some(({ spec }) => spec.key.length === 0);
  const raw = tables.some(({ spec }) => spec.rawColumn !== undefined);
  const kept = new Set<SpareColumn>();
  if (keys) kept.add('keys');
  if (raw) kept.add('raw');
  if (source.hasFields) kept.add('fields');
  if (tables.some(({ spec }) => spec.match?.shardColumn !== undefined)) kept.add('tbl');
  source.values.prepare?.(duck);
  const { at, load } = sourceTypes(duck, source, lines);
  const landing = { ...changesRequest(log, source.values, at), loadTypes: load };
  // Looking at the records for this is not free, and plain ones do without.
  const land = async (from: string, own: ChangesRequest) => {
    const heads = (await source.heads?.(duck, from)) ?? [];
    const types = tables.some(needsTypes) || (source.tellsTypes === true && (await tellsMembers(duck, from)));
    if (types) kept.add('types');
    const routed = await readChanges((reading) =>
      routeChanges(
        duck,
        source.select(from, { reading, types, keys, raw, heads }),
        tables,
        join(own.workDir, 'routed', `${tables[0]!.spec.format}-${reading}`),
        kept,
      ),
    );
    return landChanges(duck, own, routed);
  };
  const direct = await landDirect(duck, landing, source, log.lines);
  if (!direct) return land(lines, landing);
  const { rest, files, retyped } = direct;
  if (rest === undefined) return { ...noChanges(), files, retyped };
  const among = (from: string) =>
    `(SELECT l.* FROM ${from} l SEMI JOIN ${rest} r ON l.p = r.p AND l.o = r.o)`;
  const others = log.lines.texts.length > 0 ? log.lines.whole(among(log.lines.short())) : among(lines);
  const landed = await land(others, {
    ...landing,
    fileStem: `${landing.fileStem}-rest`,
    workDir: join(landing.workDir, 'rest'),
  });
  return { ...landed, files: [...files, ...landed.files], retyped: { ...retyped, ...landed.retyped } };
}

/** Lands the changes of a binary log, which a decoder has made canonical already. */
export async function landDecodedChanges(
  duck: Duck,
  log: ChangeLog,
  lines: CanonicalLines,
): Promise<ChangesResult> {
  const { request, tables } = log;
  const typesAt: TypesAt = ({ db, tbl }) => Promise.resolve(lines.typesOf(db, tbl));
  const directory = join(request.workDir, 'routed', tables[0]!.spec.format);
  const kept = new Set<SpareColumn>(['db', 'tbl', 'keys', 'patch']);
  const routed = await routeChanges(duck, lines.relation(), tables, directory, kept);
  const result = await landChanges(
    duck,
    changesRequest(log, { binary: hexBytes, text: memberNames }, typesAt),
    routed,
  );
  for (const [partition, mark] of lines.watermarks) result.watermarks[partition] = mark.toString();
  return result;
}

function changesRequest(log: ChangeLog, values: ValueNotation, typesAt: TypesAt) {
  const { request, spool, tables, unattributedTo } = log;
  const records =
    `(SELECT p, o, ts, key, encode(value) AS value FROM ${new SpoolLines(spool).rows()} ` +
    `UNION ALL SELECT p, o, ts, key, value FROM ${spoolRows(spool.oddPath)})`;
  const { batch, fileStem, workDir } = request;
  return { batch, fileStem, workDir, tables, records, values, typesAt, unattributedTo };
}
