import type { Duck } from '../duckdb.js';
import { duckName } from '../sql.js';
import { bucketSql } from './bucketing.js';
import { duckType } from './duck-type.js';
import { snapshotCheckFailed } from './errors.js';
import {
  EVENT,
  eventColumns,
  names,
  pendingColumns,
  snapshotColumns,
  tombstoneColumns,
} from './event-sql.js';
import { fittedColumns, localFiles, parquetScan, scanSchema } from './parquet.js';
import { RANK } from './semantics.js';
import type { MergeContext, PreviousBucket, SnapshotTable, SourceFile } from './types.js';

export interface MergeInputs {
  table: SnapshotTable;
  bucket: number;
  buckets: number;
  previous: PreviousBucket;
  changes: SourceFile[];
}

/** A table that begins empty. */
export const NOTHING: PreviousBucket = {
  rows: [],
  tombstones: [],
  pending: [],
  filterRows: false,
  filterHidden: false,
  checked: true,
  sameColumns: true,
};

/**
 * Opens the relations `base`, `tombs` and `events` of a merge as DuckDB views, each with the columns and types that the table
 * has now.
 * @throws TributaryError SnapshotCheckFailed if a file does not have the rows that it should
 */
export async function openInputs(ctx: MergeContext, duck: Duck, inputs: MergeInputs): Promise<void> {
  const { table, previous, changes } = inputs;
  const open = (name: string, columns: Column[], files: SourceFile[], filter: boolean): Promise<void> =>
    openRelation(ctx, duck, inputs, { name, columns, files, filter });
  await open('base', snapshotColumns(table), previous.rows, previous.filterRows);
  await open('tombs', tombstoneColumns(table), previous.tombstones, previous.filterHidden);
  const columns = eventColumns(table);
  if (table.kind === 'relational') return open('events', columns, changes, false);
  await open('landed', columns, changes, false);
  await open('waiting', pendingColumns(), previous.pending, previous.filterHidden);
  // Patches that wait since an earlier merge are events like those that have just landed.
  const waiting = new Set(pendingColumns().map((column) => column.name));
  const missing = columns.filter((column) => !waiting.has(column.name));
  const fill = missing.map(({ name, type }) =>
    name === EVENT.rank
      ? `CAST(${RANK.patch} AS TINYINT) AS ${name}`
      : `CAST(NULL AS ${duckType(type)}) AS ${duckName(name)}`,
  );
  await duck.run(
    `CREATE TEMP VIEW events AS SELECT ${names(columns)} FROM landed UNION ALL BY NAME ` +
      `SELECT ${names(pendingColumns())}, ${fill.join(', ')} FROM waiting`,
  );
}

interface Column {
  name: string;
  type: string;
}

async function openRelation(
  ctx: MergeContext,
  duck: Duck,
  { table, bucket, buckets }: MergeInputs,
  relation: { name: string; columns: Column[]; files: SourceFile[]; filter: boolean },
): Promise<void> {
  const { name, columns, files, filter } = relation;
  if (files.length === 0) {
    const nulls = columns.map(
      (column) => `CAST(NULL AS ${duckType(column.type)}) AS ${duckName(column.name)}`,
    );
    await duck.run(`CREATE TEMP VIEW ${name} AS SELECT ${nulls.join(', ')} WHERE false`);
    return;
  }
  const paths = files.map((file) => file.path);
  const scan = parquetScan(await localFiles(ctx, paths, name));
  const fitted = fittedColumns(columns, await scanSchema(duck, scan));
  const where = filter ? ` WHERE ${bucketSql(table, buckets)} = ${bucket}` : '';
  await duck.run(`CREATE TEMP VIEW ${name} AS SELECT ${fitted.join(', ')} FROM ${scan}${where}`);
  const expected = files.reduce((sum, file) => sum + file.rows, 0);
  const [found] = await duck.rows<{ rows: string }>(`SELECT count(*) AS rows FROM ${scan}`);
  const read = Number(found!.rows);
  if (read === expected) return;
  throw snapshotCheckFailed(
    table.name,
    `${files.length} files of bucket ${bucket} (${name}) should have ${expected} rows, but ${read} were read.`,
    { expected, read, bucket },
  );
}
