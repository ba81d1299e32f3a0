import { join } from 'node:path';

import { lit, type Duck } from '../warehouse/duckdb.js';
import type { SchemaEvent } from '../warehouse/manifest.js';
import { emptied, statementOf } from './emptied.js';
import { copyPartitioned, KEY_COLUMN, moveTo } from './partitioned-copy.js';
import { topicTablePrefix } from './quarantine.js';
import { partitionKeySql, partitionValues } from './time-sql.js';
import type { LandedFile, LandSplitRequest } from './types.js';
import { wallOfMicros, zoneClock } from './zone-clock.js';

/** Columns of every schema log, in order; its only partition column is `dt`, the day of the Kafka timestamp. */
export const SCHEMA_LOG_COLUMNS = [
  { name: 'ts', type: 'bigint' },
  { name: 'source_database', type: 'string' },
  { name: 'source_table', type: 'string' },
  { name: 'ddl_kind', type: 'string' },
  { name: 'ddl_text', type: 'string' },
  { name: 'table_name', type: 'string' },
  { name: 'kafka_partition', type: 'int' },
  { name: 'kafka_offset', type: 'bigint' },
  { name: 'kafka_timestamp', type: 'bigint' },
  { name: 'ingest_batch', type: 'string' },
] as const;

/** Hive table of the schema changes that a topic's log has told. */
export function schemaLogTable(topic: string): string {
  return `${topicTablePrefix(topic)}_schema`;
}

export interface SchemaLogRequest {
  topic: string;
  batch: string;
  fileStem: string;
  workDir: string;
  /** Zone of the partitions. */
  zone: string;
}

/** The DDL of a split that goes to the schema log, as `LandSplitRequest.schemaLog` says. */
export function loggedEvents(
  { schemaLog, tables }: Pick<LandSplitRequest, 'schemaLog' | 'tables'>,
  events: SchemaEvent[],
): SchemaEvent[] {
  if (schemaLog === undefined) return [];
  if (schemaLog === 'all') return events;
  return events.filter((event) =>
    tables.some(({ spec }) => spec.mode === 'mirror' && emptied(spec, statementOf(event)) !== undefined),
  );
}

/** Writes the DDL that a split met, one file a day. */
export async function writeSchemaLog(
  duck: Duck,
  request: SchemaLogRequest,
  events: SchemaEvent[],
): Promise<LandedFile[]> {
  if (events.length === 0) return [];
  const table = schemaLogTable(request.topic);
  const text = (value: string | null | undefined) =>
    value === null || value === undefined ? 'NULL' : lit(value);
  const rows = events.map(
    (e, i) =>
      `(${i}, ${e.cdcTs ?? 'NULL'}::BIGINT, ${text(e.sourceDatabase)}, ${text(e.sourceTable)}, ${lit(e.kind)}, ${lit(e.sql)}, ` +
      `${text(e.table)}, ${e.partition}, ${e.offset}, ${e.timestamp ?? 'NULL'}::BIGINT)`,
  );
  const wall = wallOfMicros('greatest(kts, 0) * 1000', await zoneClock(duck, request.zone));
  const copied = await copyPartitioned(
    duck,
    `SELECT ts, db AS source_database, tbl AS source_table, kind AS ddl_kind, ddl AS ddl_text, owner AS table_name, p::INTEGER AS kafka_partition, ` +
      `o::BIGINT AS kafka_offset, kts AS kafka_timestamp, ${lit(request.batch)} AS ingest_batch, ` +
      `${partitionKeySql(wall, 'day')} AS ${KEY_COLUMN} FROM (VALUES ${rows.join(', ')}) v(i, ts, db, tbl, kind, ddl, owner, p, o, kts) ORDER BY i`,
    join(request.workDir, 'parts', table),
  );
  const files: LandedFile[] = [];
  for (const file of copied) {
    const partition = partitionValues(file.key, 'day');
    const finalName = `${request.fileStem}-${table}-${partition.dt!.replaceAll('-', '')}.parquet`;
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
