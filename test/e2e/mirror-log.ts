import type { Row } from './mirror-model.js';

/** Change records as TiCDC's canal-json with `enable-tidb-extension` writes them, for histories of the tests' own. */

export interface OrderChange {
  /** A TRUNCATE's row means nothing. */
  type: 'INSERT' | 'UPDATE' | 'DELETE' | 'TRUNCATE';
  /** Commit time, ms since the epoch. */
  ms: number;
  row: Row;
  /** The row before, of an update. */
  old?: Row;
}

const TYPES = { id: 'bigint', status: 'varchar', amount: 'decimal' } as const;
const SQL_TYPES = { id: -5, status: 12, amount: 3 } as const;

export function tsoOf(ms: number, logical = 1): string {
  return ((BigInt(ms) << 18n) + BigInt(logical)).toString();
}

export function canalRecord(database: string, table: string, change: OrderChange): string {
  const { type, ms, row, old } = change;
  const isDdl = type === 'TRUNCATE';
  // JSON.stringify would write the TSO as a number that a float cannot hold.
  return JSON.stringify({
    id: 0,
    database,
    table,
    pkNames: ['id'],
    isDdl,
    type,
    es: ms,
    ts: ms,
    sql: isDdl ? `TRUNCATE TABLE \`${database}\`.\`${table}\`` : '',
    sqlType: SQL_TYPES,
    mysqlType: { ...TYPES, status: 'varchar(20)', amount: 'decimal(20,4)' },
    data: isDdl ? null : [row],
    old: old ? [old] : null,
    _tidb: { commitTs: '@' },
  }).replace('"@"', tsoOf(ms));
}
