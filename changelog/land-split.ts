import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { TributaryError } from '../common/errors.js';
import { Duck, lit } from '../warehouse/duckdb.js';
import { landAppend } from './append.js';
import { createQuarantine, quarantineInsert, unattributedQuarantine, writeQuarantine } from './quarantine.js';
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
    await createQuarantine(duck);
    const files = await landTables(duck, request, spool);
    const zone = request.tables[0]?.spec.timezone ?? 'UTC';
    const quarantine = await writeQuarantine(duck, { ...request, zone });
    return {
      files: [...files, ...quarantine.files],
      records: spool.records,
      bytesRead: spool.bytes,
      quarantined: quarantine.quarantined,
      unmatched: 0,
      withoutRows: 0,
      quarantineReasons: quarantine.reasons,
      watermarks: {},
      schemaEvents: [],
      newColumns: {},
    };
  } finally {
    clearInterval(heartbeat);
    duck.close();
  }
}

async function landTables(duck: Duck, request: LandSplitRequest, spool: Spool): Promise<LandedFile[]> {
  const files: LandedFile[] = [];
  const owner = unattributedQuarantine(request.topic, request.tables);
  if (spool.odd > 0) await quarantineOdd(duck, spool, owner);
  if (spool.lines === 0) return files;
  const seen = new Set<string>();
  for (const table of request.tables) {
    const { format, formatOptions } = table.spec;
    if (!APPEND_FORMATS.has(format)) throw unsupported(table);
    const reader = JSON.stringify([format, formatOptions]);
    const unreadableTo = seen.has(reader) ? undefined : owner;
    seen.add(reader);
    files.push(...(await landAppend(duck, { ...request, table, linesPath: spool.linesPath, unreadableTo })));
  }
  return files;
}

async function quarantineOdd(duck: Duck, spool: Spool, owner: string): Promise<void> {
  await duck.run(
    quarantineInsert(
      `SELECT ${lit(owner)}, p::INTEGER, o, ts, CASE WHEN value IS NULL THEN 'null_value' ELSE 'invalid_utf8' END, NULL, key, value ` +
        `FROM read_parquet(${lit(spool.oddPath)})`,
    ),
  );
}

function unsupported(table: LandingTable): TributaryError {
  return new TributaryError({
    code: 'UnsupportedFormat',
    message: `Table ${table.spec.name}: format ${table.spec.format} cannot be landed yet.`,
    attributes: { table: table.spec.name, format: table.spec.format },
  });
}
