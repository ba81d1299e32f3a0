import { join } from 'node:path';

import { lit, type Duck } from '../warehouse/duckdb.js';
import { BAD_KEY } from './append-select.js';
import { sourceNames } from './change-columns.js';
import { ChangeSelect } from './change-select.js';
import type { ChangeSource } from './change-source.js';
import { changeZones } from './change-zones.js';
import type { ChangesRequest } from './changes.js';
import { isNotPlain } from './fast-or-careful.js';
import { keyNames, neededKey } from './key-changes.js';
import { landedFiles } from './landed-files.js';
import { copiedRows, copyPartitioned, type CopiedFile } from './partitioned-copy.js';
import { memberTypes } from './row-shapes.js';
import type { SeenChanges } from './schema-change.js';
import type { SpoolLines } from './spool.js';
import { isLearnt, lastWholeRow, seenChanges, type SeenRequest } from './seen-changes.js';
import type { LandedFile, LandingTable } from './types.js';

export interface DirectChanges {
  files: LandedFile[];
  /** SQL of the (p, o) of records that are not landed: whatever is not a plain change of the table as the sample shows it. */
  rest: string | undefined;
  /** Columns that need another type: what ChangesResult has. */
  retyped: Record<string, Record<string, string>>;
}

/** How many records, at the head of the split, tell what its records look like. */
const SAMPLE = 200;

/** What plain records of the split have in common. */
interface Sample {
  shape: string;
  types: string | undefined;
  names: string[];
  /** One of them. */
  record: string;
}

/**
 * Lands the plain changes of a topic's only table in one pass: one parse a record, no spool between routing and typing. Records that
 * are anything else (DDL, watermarks, other tables, other columns, several rows, moved keys, values that do not fit) are named in
 * `rest` and land as if they were all the split had. Undefined if the split does not look plain enough to try.
 */
export async function landDirect(
  duck: Duck,
  request: ChangesRequest,
  source: ChangeSource,
  spooled: SpoolLines,
): Promise<DirectChanges | undefined> {
  const [table] = request.tables;
  if (!table || !source.direct || request.tables.length > 1 || !isPlain(table)) return undefined;
  const sample = await sampleOf(duck, source, table, spooled.rows());
  if (!sample) return undefined;
  const { names, shape, types, record } = sample;
  const seen = { names, key: [] };
  const sources = sourceNames(table, seen);
  const key = keyNames(table, names, []);
  const select = new ChangeSelect({
    table,
    batch: request.batch,
    values: request.values,
    sourceNames: sources,
    key,
    needed: neededKey(table, key, names),
    fields: undefined,
    members: memberTypes(types),
    zones: await changeZones(duck, table),
    careful: false,
    direct: true,
  });
  const { texts } = spooled;
  const direct = source.direct(texts.length > 0 ? spooled.short() : spooled.rows(), {
    ...{ structure: select.structure(), matches: matchesSql(table), shape, types, record, texts },
    raw: table.spec.rawColumn !== undefined,
  });
  try {
    const copied = await copyPartitioned(
      duck,
      select.rows(`(${direct})`),
      join(request.workDir, 'parts', `${table.spec.name}-direct`),
    );
    const bad = copied.filter((file) => file.key === BAD_KEY);
    const good = copied.filter((file) => file.key !== BAD_KEY);
    const { retyped } =
      isLearnt(table) && good.length > 0
        ? await learnt(duck, request, { table, seen, sourceNames: sources }, good)
        : { retyped: {} };
    return {
      files: await landedFiles(duck, { ...request, table }, good),
      rest: bad.length === 0 ? undefined : recordsOf(bad),
      retyped: Object.keys(retyped).length > 0 ? { [table.spec.name]: retyped } : {},
    };
  } catch (error) {
    if (isNotPlain(error)) return undefined;
    throw error;
  }
}

async function learnt(
  duck: Duck,
  { typesAt }: ChangesRequest,
  of: Pick<SeenRequest, 'table' | 'seen' | 'sourceNames'>,
  files: CopiedFile[],
): Promise<SeenChanges> {
  const rows = recordsOf(files, `'' AS db, '' AS tbl, cdc_op AS op, NULL AS reason`);
  return seenChanges(duck, { ...of, misfits: [], rows, last: await lastWholeRow(duck, rows), typesAt });
}

function recordsOf(files: CopiedFile[], ...more: string[]): string {
  const columns = ['kafka_partition AS p', 'kafka_offset AS o', ...more].join(', ');
  return `(SELECT ${columns} FROM ${copiedRows(files)})`;
}

/** What must be known of every record's text beside its members' values is read by the other way. */
function isPlain({ spec, columns }: LandingTable): boolean {
  return (
    columns.length > 0 &&
    spec.key.length > 0 &&
    spec.schemaChange !== 'fail' &&
    (spec.eventTime.kafka || spec.eventTime.path === undefined)
  );
}

/** Reads the head of the split by the way that copes with everything. */
async function sampleOf(
  duck: Duck,
  source: ChangeSource,
  table: LandingTable,
  lines: string,
): Promise<Sample | undefined> {
  const head = `(SELECT * FROM ${lines} LIMIT ${SAMPLE})`;
  const changes = source.select(head, {
    reading: 'careful',
    types: true,
    keys: false,
    raw: true,
  });
  const shapes = await duck.rows<{
    shape: string | null;
    types: string | null;
    record: string;
    share: number;
    more: number;
  }>(
    `SELECT shape, types, min(raw) AS record, count(*) / sum(count(*)) OVER () AS share, count(*) FILTER (idx > 0) / count(*) AS more FROM (${changes}) ` +
      `WHERE kind <> 'watermark' GROUP BY ALL HAVING bool_and(kind = 'change' AND (${matchesSql(table)})) ORDER BY share DESC, shape`,
  );
  const most = shapes[0];
  if (!most?.shape || most.share < 0.5 || most.more > 0.2) return undefined;
  const names = Object.keys(JSON.parse(most.shape) as object);
  const known = new Set(table.columns.map(({ path }) => path.toLowerCase()));
  // Columns that the table is about to learn are found where all rows are looked at.
  if (table.spec.schemaChange !== 'ignore' && names.some((name) => !known.has(name.toLowerCase())))
    return undefined;
  return { shape: most.shape, types: most.types ?? undefined, names, record: most.record };
}

function matchesSql({ spec }: LandingTable): string {
  const part = (column: string, pattern: string | undefined) => {
    if (pattern === undefined) return 'true';
    // Most patterns are a name.
    return /^\w+$/.test(pattern)
      ? `${column} = ${lit(pattern)}`
      : `regexp_full_match(${column}, ${lit(pattern)})`;
  };
  return `${part('db', spec.match?.database)} AND ${part('tbl', spec.match?.table)}`;
}
