import { join } from 'node:path';
import { TributaryError } from '../../common/errors.js';
import type { Duck } from '../duckdb.js';
import { duckName } from '../sql.js';
import { duckType } from './duck-type.js';
import { checkTable, EVENT, eventColumns, snapshotColumns } from './event-sql.js';
import { foldPatches, pendingRows } from './fold.js';
import {
  copyInto,
  dropTables,
  execute,
  scratchTables,
  writtenFiles,
  type HiveMergeContext,
  type HiveMergeRequest,
  type ResolvedEvents,
} from './hive-merge.js';
import { createScratchTable, dropScratchTable, scratchColumns, touchedStatement } from './hive-sql.js';
import { NOTHING, openInputs } from './merge-inputs.js';
import * as sql from './merge-sql.js';
import { copyToParquet, stageFile } from './parquet.js';
import { RANK } from './semantics.js';
import { withDuck } from './split.js';
import type { FoldPatches, MergeContext, SourceFile } from './types.js';

/**
 * HiveQL cannot fold partial updates. This fetches the stored documents that have some, folds them in the worker, and gives
 * events that are all whole documents or deletes, for `hiveMerge`.
 */
export async function resolvePatches(
  ctx: MergeContext & Pick<HiveMergeContext, 'catalog' | 'id' | 'settings'>,
  request: HiveMergeRequest,
  fold: FoldPatches,
): Promise<ResolvedEvents> {
  const { table, previous } = request;
  checkTable(table);
  if (table.kind !== 'document') {
    throw new TributaryError({
      code: 'SnapshotTableInvalid',
      message: `Table ${table.name} has no documents, so it has no partial updates either.`,
    });
  }
  const hidden = (kind: 'tombstones' | 'pending'): SourceFile[] =>
    (previous?.manifest.files ?? [])
      .filter((file) => file.kind === kind)
      .map((file) => ({ path: `${previous!.directory}/${file.name}`, rows: file.rows }));
  const rows = await touchedDocuments(ctx, request);
  return withDuck(ctx, async (duck) => {
    await openInputs(ctx, duck, {
      table,
      bucket: 0,
      buckets: 1,
      previous: { ...NOTHING, rows, tombstones: hidden('tombstones'), pending: hidden('pending') },
      changes: request.events,
    });
    for (const statement of [
      sql.newestEvents(table),
      sql.storedOrders(table),
      sql.states(table),
      sql.patchEvents(),
    ]) {
      await duck.run(statement);
    }
    const counts = await foldPatches(ctx, duck, table, fold);
    const whole = await writeEvents(ctx, duck, request);
    const local = join(ctx.workDir, 'pending.parquet');
    const pending =
      counts.pending === 0
        ? undefined
        : await stageFile(ctx, local, {
            kind: 'pending',
            finalName: '_pending-hive-00000.parquet',
            rows: await copyToParquet(duck, pendingRows(), local),
          });
    return {
      events: whole,
      pending,
      counts: {
        changes: request.events.reduce((sum, file) => sum + file.rows, 0),
        pendingPatches: counts.pending,
        latePatches: counts.late,
        unknownPatches: counts.unknown,
      },
    };
  });
}

/** Files of the stored documents that patches touch. */
async function touchedDocuments(
  ctx: MergeContext & Pick<HiveMergeContext, 'catalog' | 'id' | 'settings'>,
  request: HiveMergeRequest,
): Promise<SourceFile[]> {
  const { table, previous, events } = request;
  if (previous === undefined || previous.manifest.counts.rows === 0 || events.length === 0) return [];
  const tables = scratchTables(`${ctx.id}_fold`);
  const columns = scratchColumns(table);
  const places = [
    [tables.base, columns.base, previous.directory],
    [tables.events, columns.events, `${ctx.stagingDir}/fold-events`],
    [tables.outRows, columns.outRows, `${ctx.stagingDir}/fold-touched`],
  ] as const;
  try {
    for (const [, , directory] of places) await ctx.storage.makeDirectory(directory, ctx.signal);
    await copyInto(
      ctx,
      events.map((file) => file.path),
      `${ctx.stagingDir}/fold-events`,
    );
    for (const [name, list, directory] of places) {
      await execute(ctx, dropScratchTable(name));
      await execute(ctx, createScratchTable(name, list, ctx.storage.uri(directory)));
    }
    await execute(ctx, touchedStatement(table, tables, tables.outRows));
    const files = await writtenFiles(ctx, tables.outRows, 'rows', 'fold-touched');
    return files.map((file) => ({ path: file.stagedPath, rows: file.rows }));
  } finally {
    await dropTables(
      ctx,
      places.map(([name]) => name),
    );
  }
}

/** One whole event a key: folded documents take the place of what they were folded onto. */
async function writeEvents(ctx: MergeContext, duck: Duck, request: HiveMergeRequest): Promise<SourceFile[]> {
  const { table } = request;
  const columns = eventColumns(table);
  const stored = new Set(snapshotColumns(table).map((column) => column.name));
  const folded = columns.map(({ name, type }) => {
    if (name === EVENT.rank) return `CAST(${RANK.upsert} AS TINYINT) AS ${name}`;
    return stored.has(name) ? duckName(name) : `CAST(NULL AS ${duckType(type)}) AS ${duckName(name)}`;
  });
  const list = columns.map((column) => duckName(column.name)).join(', ');
  const local = join(ctx.workDir, 'whole.parquet');
  const rows = await copyToParquet(
    duck,
    `SELECT ${list} FROM newest UNION ALL SELECT ${folded.join(', ')} FROM folded ORDER BY doc_id, cdc_ts, cdc_seq`,
    local,
  );
  if (rows === 0) return [];
  const staged = await stageFile(ctx, local, { kind: 'rows', finalName: 'whole.parquet', rows });
  return [{ path: staged.stagedPath, rows }];
}
