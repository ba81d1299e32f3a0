import { lit, type Duck } from '../warehouse/duckdb.js';

/** Which records of a quarantine a person means; all if nothing is set. */
export interface QuarantineFilter {
  /** Reason code. */
  reason?: string;
}

/** Rows of quarantine files on the local disk, as SQL. */
export function quarantineRows(files: string[]): string {
  return `read_parquet([${files.map(lit).join(', ')}], hive_partitioning = false, union_by_name = true)`;
}

/** The same with the column `read_for`, which only files of a topic's quarantine have, and not the oldest of those. */
export function rowsWithReaders(files: string[]): string {
  return `(SELECT NULL::VARCHAR AS read_for WHERE false UNION ALL BY NAME SELECT * FROM ${quarantineRows(files)})`;
}

export function whereSql({ reason }: QuarantineFilter): string {
  return reason === undefined ? 'true' : `reason = ${lit(reason)}`;
}

/** Records of one reason. */
export interface QuarantineSummaryRow {
  reason: string;
  records: number;
  /** Kafka timestamps, ms since the epoch. */
  firstMs: number;
  lastMs: number;
}

/** What a quarantine's files hold, by reason. */
export async function summarise(duck: Duck, files: string[]): Promise<QuarantineSummaryRow[]> {
  if (files.length === 0) return [];
  const rows = await duck.rows<{ reason: string; n: string; first: string; last: string }>(
    `SELECT reason, count(*) AS n, min(kafka_timestamp) AS first, max(kafka_timestamp) AS last ` +
      `FROM ${quarantineRows(files)} GROUP BY reason ORDER BY n DESC, reason`,
  );
  return rows.map(({ reason, n, first, last }) => ({
    reason,
    records: Number(n),
    firstMs: Number(first),
    lastMs: Number(last),
  }));
}

/** A quarantined record with its bytes. */
export interface QuarantinedRecord {
  topic: string;
  partition: number;
  offset: number;
  timestampMs: number;
  batch: string;
  reason: string;
  detail: string | null;
  key: Buffer | null;
  value: Buffer | null;
}

/** The newest records of a quarantine's files, newest first. */
export async function newestRecords(
  duck: Duck,
  files: string[],
  filter: QuarantineFilter,
  limit: number,
): Promise<QuarantinedRecord[]> {
  if (files.length === 0) return [];
  const rows = await duck.rows<Record<string, string | null>>(
    `SELECT kafka_topic, kafka_partition, kafka_offset, kafka_timestamp, ingest_batch, reason, detail, ` +
      `base64(record_key) AS key, base64(record_value) AS value FROM ${quarantineRows(files)} ` +
      `WHERE ${whereSql(filter)} ORDER BY kafka_timestamp DESC, kafka_partition, kafka_offset DESC LIMIT ${Math.trunc(limit)}`,
  );
  const bytes = (text: string | null | undefined): Buffer | null =>
    text === null || text === undefined ? null : Buffer.from(text, 'base64');
  return rows.map((row) => ({
    topic: row['kafka_topic'] ?? '',
    partition: Number(row['kafka_partition']),
    offset: Number(row['kafka_offset']),
    timestampMs: Number(row['kafka_timestamp']),
    batch: row['ingest_batch'] ?? '',
    reason: row['reason'] ?? '',
    detail: row['detail'] ?? null,
    key: bytes(row['key']),
    value: bytes(row['value']),
  }));
}
