import { join } from 'node:path';

import type { SchemaEvent } from '../warehouse/manifest.js';
import { blame } from '../common/errors.js';
import { lit, type Duck } from '../warehouse/duckdb.js';
import { BAD_KEY } from './append-select.js';
import { seenColumns, sourceNames, type ChangePlace, type TypesAt } from './change-columns.js';
import { ChangeSelect, type ChangeSelectInit } from './change-select.js';
import type { ValueNotation } from './change-source.js';
import { changeZones } from './change-zones.js';
import { fastOrCareful } from './fast-or-careful.js';
import { keyNames, neededKey } from './key-changes.js';
import { landedFiles } from './landed-files.js';
import { copiedRows, copyPartitioned, type CopiedFile } from './partitioned-copy.js';
import { assertAllQuarantined, countRows, quarantineInsert, quarantineTable } from './quarantine.js';
import { BAD, DDL, NO_ROWS, routeRows, UNMATCHED, WATERMARK, type Routed } from './routes.js';
import { ALL_ROWS, rowShapes } from './row-shapes.js';
import type { SeenChanges } from './schema-change.js';
import { followsLog, lastWholeRow, seenChanges } from './seen-changes.js';
import type { LandedFile, LandingTable } from './types.js';

export interface ChangesRequest {
  tables: LandingTable[];
  batch: string;
  fileStem: string;
  workDir: string;
  /** The spooled records, for what quarantine keeps of them: p, o, ts, key, value (BLOB). */
  records: string;
  values: ValueNotation;
  typesAt: TypesAt;
  /** Makes `typesAt` of these places cheap. */
  loadTypes?: (places: ChangePlace[]) => Promise<void>;
  /** Quarantine of records that no table can claim. */
  unattributedTo: string;
}

export interface ChangesResult {
  files: LandedFile[];
  unmatched: number;
  withoutRows: number;
  watermarks: Record<number, string>;
  schemaEvents: SchemaEvent[];
  newColumns: Record<string, Record<string, string>>;
  retyped: Record<string, Record<string, string>>;
  shapes: Record<string, Record<string, string>>;
}

/** What a split without any change gives. */
export function noChanges(): ChangesResult {
  return {
    files: [],
    unmatched: 0,
    withoutRows: 0,
    watermarks: {},
    schemaEvents: [],
    newColumns: {},
    retyped: {},
    shapes: {},
  };
}

/** Lands routed canonical changes: each table's rows, and what the log says beside them. */
export async function landChanges(
  duck: Duck,
  request: ChangesRequest,
  routed: Routed,
): Promise<ChangesResult> {
  const result: ChangesResult = {
    ...noChanges(),
    unmatched: await countRecords(duck, [routeRows(routed, UNMATCHED)]),
    withoutRows: await countRecords(
      duck,
      [NO_ROWS, DDL, WATERMARK].map((route) => routeRows(routed, route)),
    ),
    watermarks: await watermarks(duck, routeRows(routed, WATERMARK)),
    schemaEvents: await schemaEvents(duck, request.tables, routeRows(routed, DDL)),
  };
  const bad = routeRows(routed, BAD);
  if (bad) {
    const faults = `SELECT p, o, reason, sql AS detail FROM ${bad}`;
    await quarantineRecords(duck, request, request.unattributedTo, faults, await countRows(duck, bad));
  }
  const landing: { table: LandingTable; rows: string; last: ChangePlace | null }[] = [];
  for (const [id, table] of request.tables.entries()) {
    const rows = routeRows(routed, id);
    if (rows) landing.push({ table, rows, last: followsLog(table) ? await lastWholeRow(duck, rows) : null });
  }
  await request.loadTypes?.(landing.map(({ last }) => last).filter((last) => last !== null));
  for (const { table, rows, last } of landing) {
    const { files, seen } = await blaming(table, () =>
      landTable(duck, request, table, { routed, rows, last }),
    );
    result.files.push(...files);
    const { name } = table.spec;
    if (Object.keys(seen.added).length > 0) result.newColumns[name] = seen.added;
    if (Object.keys(seen.retyped).length > 0) result.retyped[name] = seen.retyped;
    if (seen.shape) result.shapes[name] = seen.shape;
  }
  return result;
}

async function landTable(
  duck: Duck,
  request: ChangesRequest,
  table: LandingTable,
  { routed, rows, last }: { routed: Routed; rows: string; last: ChangePlace | null },
): Promise<{ files: LandedFile[]; seen: SeenChanges }> {
  const seen = await seenColumns(duck, rows, table.spec.key.length === 0);
  let misfits: (ChangePlace | null)[] = [];
  const sources = sourceNames(table, seen);
  const logKey = keyNames(table, seen.names, seen.key);
  const init: Omit<ChangeSelectInit, 'careful' | 'fields' | 'members'> = {
    table,
    batch: request.batch,
    values: request.values,
    sourceNames: sources,
    key: logKey,
    needed: neededKey(table, logKey, [...seen.names, ...sources]),
    zones: await changeZones(duck, table),
  };
  const shapes =
    routed.kept.has('fields') || routed.kept.has('types') ? await rowShapes(duck, rows) : [ALL_ROWS];
  const copy = async (from: string, variant: string) => {
    const copied: CopiedFile[] = [];
    for (const [index, shape] of shapes.entries()) {
      const own = shape.where === undefined ? from : `(SELECT * FROM ${from} WHERE ${shape.where})`;
      const directory = join(request.workDir, 'parts', `${table.spec.name}-${variant}-${index}`);
      const files = await fastOrCareful((careful) => {
        const select = new ChangeSelect({ ...init, fields: shape.fields, members: shape.members, careful });
        return copyPartitioned(duck, select.rows(own), `${directory}-${careful ? 'careful' : 'fast'}`);
      });
      copied.push(...files);
    }
    return copied;
  };
  let copied = await copy(rows, 'all');
  const bad = copied.filter((file) => file.key === BAD_KEY);
  if (bad.length > 0) {
    const records = recordsIn(bad);
    const suspects = `(SELECT c.* FROM ${rows} c SEMI JOIN ${records} b ON c.p = b.kafka_partition AND c.o = b.kafka_offset)`;
    const selects = shapes.map(({ where, fields, members }) => ({
      own: where === undefined ? suspects : `(SELECT * FROM ${suspects} WHERE ${where})`,
      select: new ChangeSelect({ ...init, fields, members, careful: true }),
    }));
    const faults = selects.map(({ own, select }) => select.faults(own));
    // A table that has learnt no column yet has none that a value could fail to fit.
    for (const { own, select } of table.columns.length > 0 ? selects : []) {
      const [last] = await duck.rows<Record<string, ChangePlace | null>>(select.misfits(own));
      misfits = table.columns.map((_, i) => last![`m${i}`] ?? misfits[i] ?? null);
    }
    await quarantineRecords(
      duck,
      request,
      quarantineTable(table.spec.name),
      `SELECT p, o, f.reason AS reason, nullif(f.detail, '') AS detail FROM (SELECT p, o, min({'detail': coalesce(detail, ''), 'reason': reason}) AS f ` +
        `FROM (${faults.join(' UNION ALL ')}) GROUP BY p, o)`,
      await countRows(duck, records),
    );
    // A record lands with all of its rows or with none, so that it is in one place only and can be landed again.
    const good = `(SELECT c.* FROM ${rows} c ANTI JOIN ${records} b ON c.p = b.kafka_partition AND c.o = b.kafka_offset)`;
    if (await partlyGood(duck, copied, records)) copied = await copy(good, 'good');
  }
  const good = copied.filter((file) => file.key !== BAD_KEY);
  const files = await landedFiles(duck, { ...request, table }, good);
  const key = table.spec.key.length > 0 ? undefined : hiveNames(table, init);
  return {
    files: key === undefined ? files : files.map((file) => ({ ...file, key })),
    seen: await seenChanges(duck, {
      table,
      seen,
      sourceNames: init.sourceNames,
      rows,
      last,
      typesAt: request.typesAt,
      misfits,
    }),
  };
}

/** Says whose rows could not be written, so that the topic can go on without that table. */
async function blaming<T>(table: LandingTable, land: () => Promise<T>): Promise<T> {
  try {
    return await land();
  } catch (error) {
    throw blame(error, table.spec.name);
  }
}

function recordsIn(copied: CopiedFile[]): string {
  return `(SELECT DISTINCT kafka_partition, kafka_offset FROM ${copiedRows(copied)})`;
}

/** True if a bad record has good rows too: it has several, or it changes the key and so is a delete and an insert. */
async function partlyGood(duck: Duck, copied: CopiedFile[], records: string): Promise<boolean> {
  const good = copied.filter((file) => file.key !== BAD_KEY);
  if (good.length === 0) return false;
  const [row] = await duck.rows<{ found: boolean }>(
    `SELECT EXISTS (FROM ${recordsIn(good)} g SEMI JOIN ${records} b USING (kafka_partition, kafka_offset)) AS found`,
  );
  return row!.found;
}

/** The log's key by the columns' names in Hive; undefined if it names none, or one that the table does not have yet. */
function hiveNames(
  table: LandingTable,
  { key, sourceNames }: Pick<ChangeSelectInit, 'key' | 'sourceNames'>,
): string[] | undefined {
  const names = key.map((name) => table.columns[sourceNames.indexOf(name)]?.name);
  const known = names.filter((name) => name !== undefined);
  return known.length === 0 || known.length < names.length ? undefined : known;
}

/** `faults` gives p, o, reason, detail of `expected` records, each once. */
async function quarantineRecords(
  duck: Duck,
  request: ChangesRequest,
  table: string,
  faults: string,
  expected: number,
): Promise<void> {
  const before = await countRows(duck, 'quarantine');
  await duck.run(
    quarantineInsert(
      `SELECT ${lit(table)}, r.p::INTEGER, r.o, r.ts, f.reason, f.detail, r.key, r.value ` +
        `FROM ${request.records} r JOIN (${faults}) f ON r.p = f.p AND r.o = f.o`,
    ),
  );
  assertAllQuarantined(table, expected, (await countRows(duck, 'quarantine')) - before);
}

async function countRecords(duck: Duck, sources: (string | undefined)[]): Promise<number> {
  let count = 0;
  for (const rows of sources) {
    if (!rows) continue;
    const [row] = await duck.rows<{ n: string }>(
      `SELECT count(*) AS n FROM (SELECT DISTINCT p, o FROM ${rows})`,
    );
    count += Number(row!.n);
  }
  return count;
}

async function watermarks(duck: Duck, rows: string | undefined): Promise<Record<number, string>> {
  if (!rows) return {};
  const found = await duck.rows<{ p: string; mark: string | null }>(
    `SELECT p, max(mark) AS mark FROM ${rows} GROUP BY p ORDER BY p`,
  );
  return Object.fromEntries(found.flatMap(({ p, mark }) => (mark === null ? [] : [[Number(p), mark]])));
}

async function schemaEvents(
  duck: Duck,
  tables: LandingTable[],
  rows: string | undefined,
): Promise<SchemaEvent[]> {
  if (!rows) return [];
  const found = await duck.rows<{
    id: number | null;
    cdc_ts: string | null;
    p: string;
    o: string;
    op: string | null;
    sql: string | null;
    db: string | null;
    tbl: string | null;
    kts: string | null;
  }>(
    `SELECT (SELECT min(id) FROM routes r WHERE r.db = d.db AND r.tbl = d.tbl) AS id, cdc_ts, p, o, op, sql, db, tbl, kts FROM ${rows} d ORDER BY p, o, idx`,
  );
  return found.map((event) => ({
    table: event.id === null ? null : tables[event.id]!.spec.name,
    cdcTs: event.cdc_ts,
    partition: Number(event.p),
    offset: Number(event.o),
    kind: event.op ?? 'unknown',
    sourceDatabase: event.db,
    sourceTable: event.tbl,
    timestamp: event.kts === null ? null : Number(event.kts),
    sql: event.sql ?? '',
  }));
}
