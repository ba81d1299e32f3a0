import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { TributaryError } from '../common/errors.js';
import { canonicalJson } from '../common/hash.js';
import { Duck, lit } from '../warehouse/duckdb.js';
import { landAppend } from './append.js';
import { changeSource, type ChangeSource } from './change-source.js';
import { landChanges, type ChangesResult } from './changes.js';
import { fastOrCareful } from './fast-or-careful.js';
import { createQuarantine, quarantineInsert, unattributedQuarantine, writeQuarantine } from './quarantine.js';
import { routeChanges } from './routes.js';
import { spoolBlocks, type Spool } from './spool.js';
import type { LandedFile, LandingTable, LandSplitRequest, LandSplitResult } from './types.js';

const APPEND_FORMATS = new Set(['json', 'filebeat', 'text']);

/**
 * Lands the records of a split: every record becomes rows of its tables or a row of a quarantine, in local Parquet files
 * whose names and rows depend on the ranges and the specs alone.
 * @throws TributaryError LocalDiskFull, DuckDbOutOfMemory (both retryable), DuckDbFailed, UnknownType, BadJsonPath; whatever
 *   reading the blocks throws; the signal's reason
 */
export async function landSplit(request: LandSplitRequest): Promise<LandSplitResult> {
  await mkdir(request.workDir, { recursive: true });
  const spool = await spoolBlocks(request.blocks, request.workDir, request);
  // One thread: with more, DuckDB's partitioned writes give files whose order of rows changes from run to run.
  const duck = await Duck.open({
    threads: 1,
    memoryLimitMb: request.memoryLimitMb,
    tempDirectory: join(request.workDir, 'duckdb'),
    signal: request.signal,
  });
  const heartbeat = setInterval(() => request.onProgress?.(), 1000);
  try {
    await duck.run('SET partitioned_write_max_open_files = 1000');
    // These would turn joins around, and with them the order of rows.
    await duck.run("SET disabled_optimizers = 'join_order,build_side_probe_side'");
    await createQuarantine(duck);
    const landed = await landTables(duck, request, spool);
    const zone = request.tables[0]?.spec.timezone ?? 'UTC';
    const quarantine = await writeQuarantine(duck, { ...request, zone });
    return {
      ...landed,
      files: [...landed.files, ...quarantine.files],
      records: spool.records,
      bytesRead: spool.bytes,
      quarantined: quarantine.quarantined,
      quarantineReasons: quarantine.reasons,
    };
  } finally {
    clearInterval(heartbeat);
    duck.close();
  }
}

async function landTables(duck: Duck, request: LandSplitRequest, spool: Spool): Promise<ChangesResult> {
  const result: ChangesResult = {
    files: [],
    unmatched: 0,
    withoutRows: 0,
    watermarks: {},
    schemaEvents: [],
    newColumns: {},
  };
  for (const group of groupsByReader(request.tables)) {
    const owner = unattributedQuarantine(request.topic, group);
    const source = changeSource(group[0]!.spec.format);
    if (source) merge(result, await landChangeLog(duck, request, spool, group, source, owner));
    else result.files.push(...(await landRecords(duck, request, spool, group, owner)));
  }
  return result;
}

/** Tables that read the records by the same format and options share one reading. */
function groupsByReader(tables: LandingTable[]): LandingTable[][] {
  const groups = new Map<string, LandingTable[]>();
  for (const table of tables) {
    const reader = canonicalJson([table.spec.format, table.spec.formatOptions]);
    groups.set(reader, [...(groups.get(reader) ?? []), table]);
  }
  return [...groups.values()];
}

async function landRecords(
  duck: Duck,
  request: LandSplitRequest,
  spool: Spool,
  tables: LandingTable[],
  owner: string,
): Promise<LandedFile[]> {
  if (!APPEND_FORMATS.has(tables[0]!.spec.format)) throw unsupported(tables[0]!);
  if (spool.odd > 0) await quarantineOdd(duck, spool, owner, true);
  if (spool.lines === 0) return [];
  const files: LandedFile[] = [];
  for (const [index, table] of tables.entries()) {
    const unreadableTo = index === 0 ? owner : undefined;
    files.push(...(await landAppend(duck, { ...request, table, linesPath: spool.linesPath, unreadableTo })));
  }
  return files;
}

async function landChangeLog(
  duck: Duck,
  request: LandSplitRequest,
  spool: Spool,
  tables: LandingTable[],
  source: ChangeSource,
  owner: string,
): Promise<ChangesResult> {
  const records = `read_parquet(${lit(spool.linesPath)})`;
  const types = tables.some((table) => table.columns.some(({ type }) => type === 'binary'));
  const raw = tables.some(({ spec }) => spec.rawColumn !== undefined);
  const typesAt = async (partition: number, offset: number) => {
    const record = `(SELECT * FROM ${records} WHERE p = ${partition} AND o = ${offset})`;
    const changes = source.select(record, { careful: true, types: true, raw: false });
    const [row] = await duck.rows<{ types: string | null }>(`SELECT types FROM (${changes}) LIMIT 1`);
    return row?.types ?? null;
  };
  const routed = await fastOrCareful((careful) =>
    routeChanges(
      duck,
      source.select(records, { careful, types, raw }),
      tables,
      join(request.workDir, 'routed', `${tables[0]!.spec.format}-${careful ? 'careful' : 'fast'}`),
    ),
  );
  const result = await landChanges(
    duck,
    { ...request, tables, records, source, typesAt, unattributedTo: owner },
    routed,
  );
  if (spool.odd > 0) result.withoutRows += await quarantineOdd(duck, spool, owner, false);
  return result;
}

function merge(into: ChangesResult, other: ChangesResult): void {
  into.files.push(...other.files);
  into.unmatched += other.unmatched;
  into.withoutRows += other.withoutRows;
  Object.assign(into.watermarks, other.watermarks);
  into.schemaEvents.push(...other.schemaEvents);
  Object.assign(into.newColumns, other.newColumns);
}

/** Null values (in a change log they mean nothing) and values that are not UTF-8. Answers how many meant nothing. */
async function quarantineOdd(duck: Duck, spool: Spool, owner: string, nulls: boolean): Promise<number> {
  const odd = `read_parquet(${lit(spool.oddPath)})`;
  await duck.run(
    quarantineInsert(
      `SELECT ${lit(owner)}, p::INTEGER, o, ts, CASE WHEN value IS NULL THEN 'null_value' ELSE 'invalid_utf8' END, NULL, key, value ` +
        `FROM ${odd} WHERE ${nulls} OR value IS NOT NULL`,
    ),
  );
  const [row] = await duck.rows<{ n: string }>(`SELECT count(*) AS n FROM ${odd} WHERE value IS NULL`);
  return nulls ? 0 : Number(row!.n);
}

function unsupported(table: LandingTable): TributaryError {
  return new TributaryError({
    code: 'UnsupportedFormat',
    message: `Table ${table.spec.name}: format ${table.spec.format} cannot be landed yet.`,
    attributes: { table: table.spec.name, format: table.spec.format },
  });
}
