import { hiveName, hiveString, hiveType } from '../sql.js';
import { EVENT, eventColumns, snapshotColumns, tombstoneColumns } from './event-sql.js';
import { FROM } from './merge-sql.js';
import { RANK } from './semantics.js';
import type { SnapshotTable } from './types.js';

/** Names of the tables that one merge works with; they live as long as it does. */
export interface HiveTables {
  base: string;
  tombs: string;
  events: string;
  outRows: string;
  outTombs: string;
  outCounts: string;
}

export interface HiveColumn {
  name: string;
  type: string;
}

/** Rows of a merge that have no other place: one line of sums. */
export const COUNT_COLUMNS: HiveColumn[] = [
  'previous',
  'doubles',
  'inserted',
  'updated',
  'deleted',
  'patches',
].map((name) => ({ name: `n_${name}`, type: 'bigint' }));

/** Names inside the statement; no column of a source may begin like them. */
const T = {
  ...EVENT,
  nth: 'tributary_nth',
  stored: 'tributary_stored',
} as const;

/** An external table over a directory; dropping it leaves the files. */
export function createScratchTable(name: string, columns: readonly HiveColumn[], location: string): string {
  const list = columns.map((column) => `${hiveName(column.name)} ${hiveType(column.type)}`).join(', ');
  return (
    `CREATE EXTERNAL TABLE ${hiveName(name)} (${list}) STORED AS PARQUET LOCATION ${hiveString(location)} ` +
    `TBLPROPERTIES ('external.table.purge'='false', 'parquet.compression'='ZSTD')`
  );
}

export function dropScratchTable(name: string): string {
  return `DROP TABLE IF EXISTS ${hiveName(name)}`;
}

/**
 * The whole merge as one HiveQL statement: one window over stored rows, tombstones and events picks each key's newest state,
 * and one pass over the winners writes rows, tombstones and sums into three new directories. The union stands in a
 * subquery and every target is a table of its own, so Hive makes no union subdirectories and overwrites nothing that is read.
 */
export function mergeStatement(table: SnapshotTable, tables: HiveTables, tombstoneFloor: number): string {
  const order = `cdc_ts DESC, cdc_seq DESC, ${T.rank} DESC, ${T.source} ASC, ${T.partition} DESC, ${T.offset} DESC`;
  const own = table.columns.map(({ name }) => hiveName(name));
  const key = table.key.map(hiveName).join(', ');
  const picked =
    `SELECT ${own.join(', ')}, cdc_ts, cdc_seq, ${T.rank}, ${T.source}, ${T.at}, row_number() OVER (PARTITION BY ${key} ORDER BY ${order}) AS ${T.nth}, ` +
    `sum(IF(${T.source} = ${FROM.base}, 1, 0)) OVER (PARTITION BY ${key}) AS ${T.stored} FROM (\n${sources(table, tables)}\n) u`;
  const upsert = `${T.source} = ${FROM.event} AND ${T.rank} = ${RANK.upsert}`;
  const sums = [
    `sum(${T.stored})`,
    `sum(IF(${T.stored} > 1, 1, 0))`,
    `sum(IF(${upsert} AND ${T.stored} = 0, 1, 0))`,
    `sum(IF(${upsert} AND ${T.stored} > 0, 1, 0))`,
    `sum(IF(${T.source} = ${FROM.event} AND ${T.rank} = ${RANK.delete} AND ${T.stored} > 0, 1, 0))`,
    `sum(IF(${T.rank} = ${RANK.patch}, 1, 0))`,
  ].map((sum) => `CAST(coalesce(${sum}, 0) AS BIGINT)`);
  return [
    `FROM (SELECT * FROM (${picked}) w WHERE ${T.nth} = 1) m`,
    `INSERT OVERWRITE TABLE ${hiveName(tables.outRows)}`,
    `  SELECT ${list(snapshotColumns(table))} WHERE ${T.rank} = ${RANK.upsert}`,
    `INSERT OVERWRITE TABLE ${hiveName(tables.outTombs)}`,
    `  SELECT ${key}, cdc_ts, cdc_seq, ${T.at} WHERE ${T.rank} = ${RANK.delete} AND ${T.at} >= ${tombstoneFloor}`,
    `INSERT OVERWRITE TABLE ${hiveName(tables.outCounts)}`,
    `  SELECT ${sums.join(', ')}`,
  ].join('\n');
}

/** Stored rows, tombstones and events in one shape. */
function sources(table: SnapshotTable, tables: HiveTables): string {
  const own = table.columns.map(({ name }) => hiveName(name)).join(', ');
  const keyOnly = table.columns.map(({ name, type }) =>
    table.key.includes(name) ? hiveName(name) : `CAST(NULL AS ${hiveType(type)}) AS ${hiveName(name)}`,
  );
  const tinyint = (n: number): string => `CAST(${n} AS TINYINT)`;
  const nothing = `CAST(NULL AS INT) AS ${T.partition}, CAST(NULL AS BIGINT) AS ${T.offset}`;
  return [
    `SELECT ${own}, cdc_ts, cdc_seq, ${tinyint(RANK.upsert)} AS ${T.rank}, ${tinyint(FROM.base)} AS ${T.source}, ` +
      `CAST(NULL AS BIGINT) AS ${T.at}, ${nothing} FROM ${hiveName(tables.base)}`,
    `SELECT ${keyOnly.join(', ')}, cdc_ts, cdc_seq, ${tinyint(RANK.delete)} AS ${T.rank}, ${tinyint(FROM.tombstone)} AS ${T.source}, ` +
      `${T.at}, ${nothing} FROM ${hiveName(tables.tombs)}`,
    `SELECT ${own}, cdc_ts, cdc_seq, ${T.rank}, ${tinyint(FROM.event)} AS ${T.source}, ${T.at}, ` +
      `${T.partition}, ${T.offset} FROM ${hiveName(tables.events)}`,
  ].join('\nUNION ALL\n');
}

/** Stored documents whose ids have patches among the events. */
export function touchedStatement(table: SnapshotTable, tables: HiveTables, out: string): string {
  const patched = `SELECT doc_id FROM ${hiveName(tables.events)} WHERE ${T.rank} = ${RANK.patch}`;
  return (
    `INSERT OVERWRITE TABLE ${hiveName(out)} SELECT ${list(snapshotColumns(table), 'b.')} FROM ${hiveName(tables.base)} b ` +
    `LEFT SEMI JOIN (${patched}) p ON b.doc_id = p.doc_id`
  );
}

/** Columns of the tables of a merge. */
export function scratchColumns(table: SnapshotTable): Record<keyof HiveTables, HiveColumn[]> {
  return {
    base: snapshotColumns(table),
    tombs: tombstoneColumns(table),
    events: eventColumns(table),
    outRows: snapshotColumns(table),
    outTombs: tombstoneColumns(table),
    outCounts: COUNT_COLUMNS,
  };
}

function list(columns: readonly HiveColumn[], alias = ''): string {
  return columns.map((column) => alias + hiveName(column.name)).join(', ');
}

/**
 * Settings of a merge's session. Timestamps are written, and dates before 1582 counted, as DuckDB does. Hive 4.0.1's vectorised window functions
 * sum the wrong column when a frame is ordered and unbounded; the statement has no such frame, and no vectorised window.
 */
export const MERGE_SETTINGS: Record<string, string> = {
  'hive.parquet.write.int64.timestamp': 'true',
  'hive.parquet.timestamp.time.unit': 'micros',
  'hive.parquet.date.proleptic.gregorian': 'true',
  'hive.parquet.date.proleptic.gregorian.default': 'true',
  'hive.vectorized.execution.ptf.enabled': 'false',
  'hive.stats.autogather': 'false',
};
