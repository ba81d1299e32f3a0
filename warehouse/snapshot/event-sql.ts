import { TributaryError } from '../../common/errors.js';
import { duckName, duckString } from '../sql.js';
import { changeInstant } from './boundary.js';
import { bucketSql, columnType } from './bucketing.js';
import { duckType } from './duck-type.js';
import { fittedColumns } from './parquet.js';
import { RANK } from './semantics.js';
import type { Boundary, SnapshotTable } from './types.js';

const OWN_PREFIX = 'tributary_';

/** Columns of an event file beside the table's own, `cdc_ts`, `cdc_seq` and `cdc_patch`. */
export const EVENT = {
  rank: 'tributary_rank',
  /** Instant of the change; how long a tombstone stays depends on it. Tombstone files have it too. */
  at: 'tributary_at',
  partition: 'tributary_partition',
  offset: 'tributary_offset',
  bucket: 'tributary_bucket',
  /** Where a state comes from; in no file. */
  source: 'tributary_source',
} as const;

export const PATCH_COLUMN = { name: 'cdc_patch', type: 'string' } as const;
export const ORDER_COLUMNS = [
  { name: 'cdc_ts', type: 'bigint' },
  { name: 'cdc_seq', type: 'bigint' },
] as const;

/**
 * Refuses descriptions that no merge can work with.
 * @throws TributaryError SnapshotTableInvalid
 */
export function checkTable(table: SnapshotTable): void {
  const names = table.columns.map((column) => column.name);
  const clash = names.find(
    (name, i) => name.startsWith(OWN_PREFIX) || CANONICAL.has(name) || names.indexOf(name) !== i,
  );
  if (clash !== undefined) {
    throw invalid(
      table,
      `Its column ${clash} has a name that Tributary uses itself, or has it twice: rename it.`,
    );
  }
  if (table.key.length === 0) throw invalid(table, 'It has no key: name its key columns in `key`.');
  for (const name of table.key) columnType(table, name);
  if (table.kind === 'document') {
    if (table.key.join() !== 'doc_id') throw invalid(table, 'The key of a table of documents is doc_id.');
    columnType(table, 'doc');
  }
}

function invalid(table: SnapshotTable, what: string): TributaryError {
  return new TributaryError({
    code: 'SnapshotTableInvalid',
    message: `Table ${table.name} cannot have snapshots. ${what}`,
    attributes: { table: table.name },
  });
}

/** Columns of a snapshot's own files. */
export function snapshotColumns(table: SnapshotTable): { name: string; type: string }[] {
  return [...table.columns.map(({ name, type }) => ({ name, type })), ...ORDER_COLUMNS];
}

/** Columns of a hidden tombstone file. */
export function tombstoneColumns(table: SnapshotTable): { name: string; type: string }[] {
  const key = table.key.map((name) => ({ name, type: columnType(table, name) }));
  return [...key, ...ORDER_COLUMNS, { name: EVENT.at, type: 'bigint' }];
}

/** Columns of a hidden file of patches that wait for their document. */
export function pendingColumns(): { name: string; type: string }[] {
  return [
    { name: 'doc_id', type: 'string' },
    PATCH_COLUMN,
    ...ORDER_COLUMNS,
    { name: EVENT.at, type: 'bigint' },
  ];
}

/** Columns of an event file, without the bucket. */
export function eventColumns(table: SnapshotTable): { name: string; type: string }[] {
  return [
    ...table.columns.map(({ name, type }) => ({ name, type })),
    ...(table.kind === 'document' ? [PATCH_COLUMN] : []),
    ...ORDER_COLUMNS,
    { name: EVENT.rank, type: 'tinyint' },
    { name: EVENT.at, type: 'bigint' },
    { name: EVENT.partition, type: 'int' },
    { name: EVENT.offset, type: 'bigint' },
  ];
}

/** Quoted names of columns, `alias` in front of each. */
export function names(columns: readonly { name: string }[], alias = ''): string {
  return columns.map((column) => alias + duckName(column.name)).join(', ');
}

/** DuckDB SQL: the key columns as a list. */
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

const CANONICAL_COLUMNS = [
  { name: 'kafka_partition', type: 'int' },
  { name: 'kafka_offset', type: 'bigint' },
  { name: 'event_time', type: 'timestamp' },
  { name: 'cdc_op', type: 'string' },
  ...ORDER_COLUMNS,
  { name: 'cdc_before', type: 'string' },
];
const CANONICAL = new Set([...CANONICAL_COLUMNS, PATCH_COLUMN].map((column) => column.name));

/** DuckDB SQL of a changelog scan's rows, with the columns that events are made of, typed as the table has them now. */
export function changeRows(scan: string, schema: ReadonlyMap<string, string>, table: SnapshotTable): string {
  const own = [...table.columns, ...(table.kind === 'document' ? [PATCH_COLUMN] : [])];
  return `SELECT ${fittedColumns([...own, ...CANONICAL_COLUMNS], schema).join(', ')} FROM ${scan}`;
}

/**
 * DuckDB SQL that is true for updates that changed the key. What lands while the key is known is a delete and an insert already; this
 * is for changes that landed before anyone had named a key. Values that cannot be compared count as unchanged: a delete of a key
 * that never changed removes a row that is there.
 */
export function keyChanged(table: SnapshotTable): string {
  // A document's `_id` never changes.
  if (table.kind === 'document') return 'false';
  const changed = table.key
    .filter((name) => !inOwnNotation(table, name))
    .map((name) => `${duckName(name)} IS DISTINCT FROM ${oldKey(table, name)}`);
  if (changed.length === 0) return 'false';
  return `(cdc_op = 'u' AND cdc_before IS NOT NULL AND (${changed.join(' OR ')}))`;
}

/**
 * DuckDB SQL of the events of a relation that `changeRows` made: each row is one.
 * @param split an update that changed the key is two, the delete of the old key and the insert of the new one
 */
export function eventsOf(relation: string, table: SnapshotTable, boundary: Boundary, split: boolean): string {
  const patched = table.kind === 'document' ? `WHEN cdc_patch IS NOT NULL THEN ${RANK.patch} ` : '';
  const rank = `CASE WHEN cdc_op = 'd' THEN ${RANK.delete} ${patched}ELSE ${RANK.upsert} END`;
  const tail = (ranked: string): string =>
    `CAST(${ranked} AS TINYINT) AS ${EVENT.rank}, ${changeInstant(boundary.order)} AS ${EVENT.at}, ` +
    `kafka_partition AS ${EVENT.partition}, kafka_offset AS ${EVENT.offset}`;
  const payload = [...table.columns, ...(table.kind === 'document' ? [PATCH_COLUMN] : []), ...ORDER_COLUMNS];
  const whole = `SELECT ${names(payload)}, ${tail(rank)} FROM ${relation}`;
  if (!split) return whole;
  const old = table.columns.map(({ name, type }) =>
    table.key.includes(name)
      ? `${oldKey(table, name)} AS ${duckName(name)}`
      : `CAST(NULL AS ${duckType(type)}) AS ${duckName(name)}`,
  );
  return (
    `${whole} UNION ALL SELECT ${[...old, names(ORDER_COLUMNS)].join(', ')}, ${tail(String(RANK.delete))} ` +
    `FROM ${relation} WHERE ${keyChanged(table)}`
  );
}

/** The old value of a key column: that of `cdc_before` if it is in there, else the column did not change. */
function oldKey(table: SnapshotTable, name: string): string {
  if (inOwnNotation(table, name)) return duckName(name);
  const member = table.columns.find((column) => column.name === name)?.before ?? name;
  // A JSON pointer takes any member name, which DuckDB's `$.` paths do not.
  const pointer = '/' + member.replaceAll('~', '~0').replaceAll('/', '~1');
  const old = `json_extract_string(cdc_before, ${duckString(pointer)})`;
  return `coalesce(TRY_CAST(${old} AS ${duckType(columnType(table, name))}), ${duckName(name)})`;
}

function inOwnNotation({ columns }: SnapshotTable, name: string): boolean {
  return columns.some((column) => column.name === name && column.ownNotation === true);
}

/** DuckDB SQL of a relation with each row's bucket. */
export function withBucket(relation: string, table: SnapshotTable, buckets: number): string {
  return `SELECT *, ${bucketSql(table, buckets)} AS ${EVENT.bucket} FROM (${relation})`;
}
