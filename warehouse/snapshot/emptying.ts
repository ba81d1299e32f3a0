import { duckName, duckString } from '../sql.js';
import { columnType } from './bucketing.js';
import { duckType } from './duck-type.js';
import { EVENT, eventColumns, keyList } from './event-sql.js';
import { RANK } from './semantics.js';
import type { SnapshotTable } from './types.js';

/**
 * A source table was truncated or dropped: every row older than that is gone, though no log tells of their deletes. A merge
 * takes it as one delete of each key that has an older change or an older stored row.
 */
export interface Emptying {
  /** `cdc_ts` of the statement, decimal; older rows are gone. */
  ts: string;
  /** When that was, ms since the epoch. */
  instantMs: number;
  /** The same as `changeInstant` counts. */
  atMs: number;
  /** Only rows of one source table: those with this value in this column. */
  only?: { column: string; value: string };
}

/** Before all changes of equal `cdc_ts`: those came after the statement. */
const FIRST = -1;

/** DuckDB SQL: the newest emptying that a row is older than, as a struct of `ts` and `at`; NULL for rows that live on. */
export function emptiedBy(table: SnapshotTable, emptyings: readonly Emptying[]): string {
  const newestFirst = emptyings.toSorted((a, b) => (BigInt(a.ts) < BigInt(b.ts) ? 1 : -1));
  const cases = newestFirst.map(({ ts, atMs, only }) => {
    const own =
      only === undefined
        ? ''
        : ` AND ${duckName(only.column)} = CAST(${duckString(only.value)} AS ${duckType(columnType(table, only.column))})`;
    return `WHEN cdc_ts < CAST(${BigInt(ts)} AS BIGINT)${own} THEN {'ts': CAST(${BigInt(ts)} AS BIGINT), 'at': CAST(${atMs} AS BIGINT)}`;
  });
  return cases.length === 0 ? 'NULL' : `CASE ${cases.join(' ')} END`;
}

/** DuckDB SQL of events in which those that an emptying removed are deletes at its place in the order. */
export function withoutEmptied(events: string, table: SnapshotTable, emptyings: readonly Emptying[]): string {
  if (emptyings.length === 0) return events;
  const gone = 'gone IS NOT NULL';
  const replaced = [
    `CASE WHEN ${gone} THEN gone.ts ELSE cdc_ts END AS cdc_ts`,
    `CASE WHEN ${gone} THEN ${FIRST} ELSE cdc_seq END AS cdc_seq`,
    `CASE WHEN ${gone} THEN CAST(${RANK.delete} AS TINYINT) ELSE ${EVENT.rank} END AS ${EVENT.rank}`,
    `CASE WHEN ${gone} THEN gone.at ELSE ${EVENT.at} END AS ${EVENT.at}`,
  ];
  return (
    `SELECT * EXCLUDE (gone) REPLACE (${replaced.join(', ')}) FROM ` +
    `(SELECT *, ${emptiedBy(table, emptyings)} AS gone FROM (${events}))`
  );
}

/** DuckDB SQL of the deletes that emptyings make of stored rows, of which `rows` has at least the key and the order. */
export function deletesOfStored(rows: string, table: SnapshotTable, emptyings: readonly Emptying[]): string {
  const values: Record<string, string> = {
    cdc_ts: 'gone.ts',
    cdc_seq: `CAST(${FIRST} AS BIGINT)`,
    [EVENT.rank]: `CAST(${RANK.delete} AS TINYINT)`,
    [EVENT.at]: 'gone.at',
  };
  const columns = eventColumns(table).map(({ name, type }) => {
    if (table.key.includes(name)) return duckName(name);
    return `${values[name] ?? `CAST(NULL AS ${duckType(type)})`} AS ${duckName(name)}`;
  });
  return (
    `SELECT ${columns.join(', ')} FROM (SELECT ${keyList(table)}, ` +
    `${emptiedBy(table, emptyings)} AS gone FROM ${rows}) WHERE gone IS NOT NULL`
  );
}
