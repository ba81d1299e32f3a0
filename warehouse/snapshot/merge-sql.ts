import { EVENT, keyList, names, sameKey, snapshotColumns, tombstoneColumns } from './event-sql.js';
import { RANK } from './semantics.js';
import type { SnapshotTable } from './types.js';

/**
 * The DuckDB statements of one bucket's merge. They read the relations `base` (stored rows), `tombs` and `events`, and work on
 * the keys that events touch alone: the base is scanned once for its touched keys' orders, and once as it streams through
 * an anti-join into the new file. Nothing sorts or hashes the base as a whole.
 */

/** Where a key's state comes from. */
export const FROM = { base: 0, tombstone: 1, event: 2 } as const;

/** The newest full change of each touched key. Equal orders carry equal rows; offsets only make the choice repeatable. */
export function newestEvents(table: SnapshotTable): string {
  return (
    `CREATE TEMP TABLE newest AS SELECT * FROM events WHERE ${EVENT.rank} <> ${RANK.patch} ` +
    `QUALIFY row_number() OVER (PARTITION BY ${keyList(table)} ORDER BY cdc_ts DESC, cdc_seq DESC, ${EVENT.rank} DESC, ` +
    `${EVENT.partition} DESC NULLS LAST, ${EVENT.offset} DESC NULLS LAST) = 1`
  );
}

/** Patches, each once. */
export function patchEvents(): string {
  return (
    `CREATE TEMP TABLE patches AS SELECT doc_id, cdc_patch, cdc_ts, cdc_seq, ${EVENT.at} FROM events ` +
    `WHERE ${EVENT.rank} = ${RANK.patch} QUALIFY row_number() OVER (PARTITION BY doc_id, cdc_ts, cdc_seq ` +
    `ORDER BY ${EVENT.partition} DESC NULLS LAST, ${EVENT.offset} DESC NULLS LAST) = 1`
  );
}

/** Orders of the stored rows whose keys events touch. */
export function storedOrders(table: SnapshotTable): string {
  return (
    `CREATE TEMP TABLE stored AS SELECT ${keyList(table, 'b.')}, b.cdc_ts, b.cdc_seq FROM base b ` +
    `SEMI JOIN (SELECT ${keyList(table)} FROM events) e ON ${sameKey(table, 'b', 'e')}`
  );
}

/** Each known key's newest full state, stored or not. At equal order a row beats a delete, and what is stored stays. */
export function states(table: SnapshotTable): string {
  const key = keyList(table);
  const order = `${key}, cdc_ts, cdc_seq`;
  return (
    `CREATE TEMP TABLE states AS SELECT * FROM (` +
    `SELECT ${order}, ${RANK.upsert} AS ${EVENT.rank}, ${FROM.base} AS ${EVENT.source}, CAST(NULL AS BIGINT) AS ${EVENT.at} FROM stored ` +
    `UNION ALL SELECT ${order}, ${RANK.delete}, ${FROM.tombstone}, ${EVENT.at} FROM tombs ` +
    `UNION ALL SELECT ${order}, ${EVENT.rank}, ${FROM.event}, ${EVENT.at} FROM newest) ` +
    `QUALIFY row_number() OVER (PARTITION BY ${key} ORDER BY cdc_ts DESC, cdc_seq DESC, ${EVENT.rank} DESC, ` +
    `${EVENT.source}, ${EVENT.at} DESC) = 1`
  );
}

/** Keys whose stored row goes, be it for good or for a newer one. */
export function replacedKeys(table: SnapshotTable, folded: boolean): string {
  const key = keyList(table, 's.');
  return (
    `CREATE TEMP TABLE replaced AS SELECT ${key}, t.${EVENT.rank} FROM stored s JOIN states t ON ${sameKey(table, 's', 't')} ` +
    `WHERE t.${EVENT.source} = ${FROM.event}` +
    (folded ? ` OR EXISTS (SELECT 1 FROM folded f WHERE f.doc_id = s.doc_id)` : '')
  );
}

/** Rows of the new file: the base without its replaced keys, then the new rows in the order of their keys. */
export function mergedRows(table: SnapshotTable, folded: boolean): string {
  const columns = snapshotColumns(table);
  const kept =
    `SELECT ${names(columns, 'b.')} FROM base b ` +
    `WHERE NOT EXISTS (SELECT 1 FROM replaced r WHERE ${sameKey(table, 'r', 'b')})`;
  return `${kept} UNION ALL SELECT * FROM (${newRows(table, folded)} ORDER BY ${keyList(table)})`;
}

function newRows(table: SnapshotTable, folded: boolean): string {
  const columns = snapshotColumns(table);
  const live = `t.${EVENT.source} = ${FROM.event} AND t.${EVENT.rank} = ${RANK.upsert}`;
  const whole =
    `SELECT ${names(columns, 'n.')} FROM newest n JOIN states t ON ${sameKey(table, 'n', 't')} WHERE ${live}` +
    (folded ? ' AND NOT EXISTS (SELECT 1 FROM folded f WHERE f.doc_id = n.doc_id)' : '');
  return folded ? `${whole} UNION ALL SELECT ${names(columns)} FROM folded` : whole;
}

/** Tombstones of the new snapshot: those that the lateness window still needs. */
export function tombstoneRows(table: SnapshotTable, floor: number): string {
  return (
    `SELECT ${names(tombstoneColumns(table))} FROM states ` +
    `WHERE ${EVENT.rank} = ${RANK.delete} AND ${EVENT.at} >= ${floor} ORDER BY ${keyList(table)}`
  );
}

/** Numbers of a merge, for its checks. */
export function mergeCounts(table: SnapshotTable): string {
  const stored = `EXISTS (SELECT 1 FROM stored s WHERE ${sameKey(table, 's', 't')})`;
  return (
    `SELECT (SELECT count(*) FROM base) AS previous, ` +
    `(SELECT count(*) FROM replaced WHERE ${EVENT.rank} = ${RANK.delete}) AS deleted, ` +
    `(SELECT count(*) FROM replaced WHERE ${EVENT.rank} = ${RANK.upsert}) AS updated, ` +
    `(SELECT count(*) FROM states t WHERE ${EVENT.source} = ${FROM.event} AND ${EVENT.rank} = ${RANK.upsert} AND NOT ${stored}) AS inserted, ` +
    `(SELECT count(*) FROM (SELECT 1 FROM stored GROUP BY ${keyList(table)} HAVING count(*) > 1)) AS doubles`
  );
}

/** Query of how many keys a relation has more than once; `within` limits it to keys of another relation. */
export function doubleKeys(table: SnapshotTable, relation: string, within?: string): string {
  const limit = within === undefined ? '' : ` SEMI JOIN ${within} w ON ${sameKey(table, 'f', 'w')}`;
  return (
    `SELECT count(*) AS doubles FROM (SELECT ${keyList(table, 'f.')} FROM ${relation} f${limit} ` +
    `GROUP BY ALL HAVING count(*) > 1)`
  );
}
