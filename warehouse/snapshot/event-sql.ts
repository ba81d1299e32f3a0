import { duckName, duckString } from '../sql.js';
import { beforeBoundary, changeInstant } from './boundary.js';
import { bucketSql, columnType } from './bucketing.js';
import { duckType } from './duck-type.js';
import { fittedColumns } from './parquet.js';
import { RANK } from './semantics.js';
import type { Boundary, SnapshotTable } from './types.js';

/**
 * Columns of an event file beside the table's own. `~` cannot stand in a Hive column's name, so that none of them can meet
 * a column of the source.
 */
export const EVENT = {
  rank: '"~rank"',
  at: '"~at"',
  partition: '"~partition"',
  offset: '"~offset"',
  bucket: '"~bucket"',
} as const;

export const PATCH_COLUMN = { name: 'cdc_patch', type: 'string' } as const;
export const ORDER_COLUMNS = [
  { name: 'cdc_ts', type: 'bigint' },
  { name: 'cdc_seq', type: 'bigint' },
] as const;

/** Names of the columns that an event file has beside `EVENT`, quoted. */
export function payloadNames(table: SnapshotTable): string[] {
  return [...table.columns, ...patchColumns(table), ...ORDER_COLUMNS].map((column) => duckName(column.name));
}

export function patchColumns(table: SnapshotTable): (typeof PATCH_COLUMN)[] {
  return table.kind === 'document' ? [PATCH_COLUMN] : [];
}

/** DuckDB SQL: key columns as a list, `alias.` in front of each. */
export function keyList(table: SnapshotTable, alias = ''): string {
  return table.key.map((name) => alias + duckName(name)).join(', ');
}

/** DuckDB SQL: two aliases have the same key. */
export function sameKey(table: SnapshotTable, a: string, b: string): string {
  return table.key.map((name) => `${a}.${duckName(name)} = ${b}.${duckName(name)}`).join(' AND ');
}

/** DuckDB SQL: some key column is NULL. */
export function nullKey(table: SnapshotTable): string {
  return table.key.map((name) => `${duckName(name)} IS NULL`).join(' OR ');
}

/** The changelog rows before the boundary, with the columns that events are made of. */
export function changesBefore(
  scan: string,
  schema: ReadonlyMap<string, string>,
  table: SnapshotTable,
  boundary: Boundary,
): string {
  const own = [...table.columns, ...patchColumns(table)].filter((column) => !(column.name in CANONICAL));
  const columns = [...fittedColumns(own, schema), ...fittedColumns(CANONICAL_LIST, schema)];
  return `SELECT ${columns.join(', ')} FROM ${scan} WHERE ${beforeBoundary(boundary)}`;
}

const CANONICAL_LIST = [
  { name: 'kafka_partition', type: 'int' },
  { name: 'kafka_offset', type: 'bigint' },
  { name: 'event_time', type: 'timestamp' },
  { name: 'cdc_op', type: 'string' },
  ...ORDER_COLUMNS,
  { name: 'cdc_before', type: 'string' },
];
const CANONICAL = Object.fromEntries(CANONICAL_LIST.map((column) => [column.name, true]));

/**
 * Events of a relation of changelog rows (`changesBefore`): each row is one, and an update that changed the key is two,
 * the delete of the old key and the insert of the new one.
 */
export function eventsOf(relation: string, table: SnapshotTable, boundary: Boundary): string {
  const payload = payloadNames(table).join(', ');
  const patched = table.kind === 'document' ? `WHEN cdc_patch IS NOT NULL THEN ${RANK.patch} ` : '';
  const shared =
    `${changeInstant(boundary.order)} AS ${EVENT.at}, ` +
    `kafka_partition AS ${EVENT.partition}, kafka_offset AS ${EVENT.offset}`;
  const whole =
    `SELECT ${payload}, CAST(CASE WHEN cdc_op = 'd' THEN ${RANK.delete} ${patched}ELSE ${RANK.upsert} END AS TINYINT) ` +
    `AS ${EVENT.rank}, ${shared} FROM ${relation}`;
  // A document's `_id` never changes.
  if (table.kind === 'document') return whole;
  const old = table.columns.map((column) =>
    table.key.includes(column.name)
      ? `${oldKey(table, column.name)} AS ${duckName(column.name)}`
      : `CAST(NULL AS ${duckType(column.type)}) AS ${duckName(column.name)}`,
  );
  const changed = table.key.map((name) => `${duckName(name)} IS DISTINCT FROM ${oldKey(table, name)}`);
  return (
    `${whole} UNION ALL SELECT ${[...old, 'cdc_ts', 'cdc_seq'].join(', ')}, ` +
    `CAST(${RANK.delete} AS TINYINT), ${shared} FROM ${relation} ` +
    `WHERE cdc_op = 'u' AND cdc_before IS NOT NULL AND (${changed.join(' OR ')})`
  );
}

/** The old value of a key column: that of `cdc_before` if it is in there, else the column did not change. */
function oldKey(table: SnapshotTable, name: string): string {
  const member = table.columns.find((column) => column.name === name)?.before ?? name;
  const old = `json_extract_string(cdc_before, ${duckString(jsonPointer(member))})`;
  return `coalesce(CAST(${old} AS ${duckType(columnType(table, name))}), ${duckName(name)})`;
}

/** A JSON pointer takes any member name, which DuckDB's `$.` paths do not. */
function jsonPointer(member: string): string {
  return '/' + member.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** Events with their bucket. */
export function bucketedEvents(events: string, table: SnapshotTable, buckets: number): string {
  return `SELECT *, ${bucketSql(table, buckets)} AS ${EVENT.bucket} FROM (${events})`;
}
