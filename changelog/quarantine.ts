import { join } from 'node:path';

import { TributaryError } from '../common/errors.js';
import type { LandingTable, LandedFile } from './types.js';
import { lit, type Duck } from '../warehouse/duckdb.js';
import { copyPartitioned, KEY_COLUMN, moveTo } from './partitioned-copy.js';
import { partitionKeySql, partitionValues } from './time-sql.js';
import { wallOfMicros, zoneClock } from './zone-clock.js';

/** Why a record is in quarantine. The code is stable; people filter and alert on it. */
export type ReasonCode =
  | 'null_value'
  | 'invalid_utf8'
  | 'nul_byte'
  | 'invalid_json'
  | 'not_an_object'
  | 'value_does_not_fit'
  | 'missing_event_time'
  | 'bad_event_time'
  | 'not_a_change'
  | 'no_key'
  | 'partial_row'
  | 'schema_unknown'
  | 'record_undecodable';

/** Columns of every quarantine table, in order; its only partition column is `dt`, the day of the Kafka timestamp. */
export const QUARANTINE_COLUMNS = [
  { name: 'kafka_topic', type: 'string' },
  { name: 'kafka_partition', type: 'int' },
  { name: 'kafka_offset', type: 'bigint' },
  { name: 'kafka_timestamp', type: 'bigint' },
  { name: 'ingest_batch', type: 'string' },
  { name: 'reason', type: 'string' },
  { name: 'detail', type: 'string' },
  { name: 'record_key', type: 'binary' },
  { name: 'record_value', type: 'binary' },
] as const;

/** Columns of a topic's quarantine: who read the record is part of it, so that it can be landed again for them and nobody else. */
export const TOPIC_QUARANTINE_COLUMNS = [
  ...QUARANTINE_COLUMNS,
  /** Tables that read the record together, with commas between them; NULL where that was not noted yet. */
  { name: 'read_for', type: 'string' },
] as const;

/** Hive table that keeps a table's quarantined records. */
export function quarantineTable(table: string): string {
  return `${table}_quarantine`;
}

/** Hive table for records of a shared topic that cannot be told to be any table's. */
export function topicQuarantineTable(topic: string): string {
  return `${topicTablePrefix(topic)}_quarantine`;
}

/** What the names of a topic's own Hive tables begin with. */
export function topicTablePrefix(topic: string): string {
  return `topic_${topic.toLowerCase().replace(/[^a-z0-9_]+/g, '_')}`;
}

/** Owner of records that no table can claim: the only table's quarantine, or the shared topic's. */
export function unattributedQuarantine(topic: string, tables: LandingTable[]): string {
  return tables.length === 1 ? quarantineTable(tables[0]!.spec.name) : topicQuarantineTable(topic);
}

/** Makes the collecting table of this split. */
export async function createQuarantine(duck: Duck): Promise<void> {
  await duck.run(
    'CREATE TEMP TABLE quarantine (tbl VARCHAR, p INTEGER, o BIGINT, ts BIGINT, reason VARCHAR, detail VARCHAR, key BLOB, value BLOB, read_for VARCHAR)',
  );
}

/** Notes for whom the records were read that have gone into the quarantine of a topic and have no such note yet. */
export async function noteReaders(duck: Duck, owner: string, tables: LandingTable[]): Promise<void> {
  if (tables.length < 2) return;
  const names = tables.map(({ spec }) => spec.name).sort();
  await duck.run(
    `UPDATE quarantine SET read_for = ${lit(names.join(','))} WHERE tbl = ${lit(owner)} AND read_for IS NULL`,
  );
}

/** `SELECT` list order that `INSERT INTO quarantine` expects. */
export function quarantineInsert(select: string): string {
  return `INSERT INTO quarantine (tbl, p, o, ts, reason, detail, key, value) ${select}`;
}

/** Rows of a table or a subquery. */
export async function countRows(duck: Duck, from: string): Promise<number> {
  const [row] = await duck.rows<{ n: string }>(`SELECT count(*) AS n FROM ${from}`);
  return Number(row!.n);
}

/** A record that was set aside and then found to have no fault would be lost: better to stop. */
export function assertAllQuarantined(table: string, setAside: number, quarantined: number): void {
  if (setAside === quarantined) return;
  throw new TributaryError({
    code: 'QuarantineIncomplete',
    message: `${setAside} records did not land in a table, but ${quarantined} reached ${table}. This is a defect of Tributary; nothing was committed.`,
    attributes: { table, setAside, quarantined },
  });
}

export interface QuarantineSummary {
  files: LandedFile[];
  /** Records, each counted once. */
  quarantined: number;
  reasons: Record<string, Record<string, number>>;
}

/** Writes what the split collected, one file a quarantine table and day, and counts it. */
export async function writeQuarantine(
  duck: Duck,
  request: { topic: string; batch: string; fileStem: string; workDir: string; zone: string },
): Promise<QuarantineSummary> {
  const counted = await duck.rows<{ tbl: string; reason: string; n: string }>(
    'SELECT tbl, reason, count(*) AS n FROM quarantine GROUP BY ALL ORDER BY ALL',
  );
  const reasons: Record<string, Record<string, number>> = {};
  for (const { tbl, reason, n } of counted) (reasons[tbl] ??= {})[reason] = Number(n);
  if (counted.length === 0) return { files: [], quarantined: 0, reasons };
  const [total] = await duck.rows<{ n: string }>(
    'SELECT count(*) AS n FROM (SELECT DISTINCT p, o FROM quarantine)',
  );
  const files: LandedFile[] = [];
  for (const table of Object.keys(reasons)) files.push(...(await writeTable(duck, table, request)));
  return { files, quarantined: Number(total!.n), reasons };
}

async function writeTable(
  duck: Duck,
  table: string,
  request: { topic: string; batch: string; fileStem: string; workDir: string; zone: string },
): Promise<LandedFile[]> {
  const wall = wallOfMicros('greatest(ts, 0) * 1000', await zoneClock(duck, request.zone));
  const readers = table === topicQuarantineTable(request.topic) ? 'read_for, ' : '';
  const copied = await copyPartitioned(
    duck,
    `SELECT ${lit(request.topic)} AS kafka_topic, p AS kafka_partition, o AS kafka_offset, ts AS kafka_timestamp, ` +
      `${lit(request.batch)} AS ingest_batch, reason, detail, key AS record_key, value AS record_value, ${readers}` +
      `${partitionKeySql(wall, 'day')} AS ${KEY_COLUMN} FROM quarantine WHERE tbl = ${lit(table)} ORDER BY p, o, reason, detail`,
    join(request.workDir, 'parts', table),
  );
  const files: LandedFile[] = [];
  for (const [index, file] of copied.entries()) {
    const partition = partitionValues(file.key, 'day');
    const again = copied.slice(0, index).filter((other) => other.key === file.key).length;
    const suffix = again === 0 ? '' : `-${again}`;
    const finalName = `${request.fileStem}-${table}-${partition.dt!.replaceAll('-', '')}${suffix}.parquet`;
    files.push({
      table,
      partition,
      localPath: await moveTo(file, join(request.workDir, 'out', table), finalName),
      finalName,
      rows: file.rows,
      bytes: file.bytes,
      minEventMs: null,
      maxEventMs: null,
      minCdcTs: null,
      maxCdcTs: null,
    });
  }
  return files;
}
