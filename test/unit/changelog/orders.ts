import type { LandingTable } from '../../../changelog/types.js';
import type { TableSpec } from '../../../config/spec.js';
import { landingTable } from './landing.js';

/** A mirror of shop.orders. */
export function orders(
  overrides: Partial<TableSpec> = {},
  columns: [string, string, string?][] = [
    ['id', 'bigint'],
    ['amt', 'decimal(10,2)'],
  ],
): LandingTable {
  return landingTable(
    columns.map(([name, type, path]) => [name, type, path ?? name]),
    {
      name: 'orders',
      mode: 'mirror',
      format: 'canal-json',
      topic: 'tidb.shop',
      key: ['id'],
      match: { database: 'shop', table: 'orders' },
      eventTime: { format: 'auto', zone: 'UTC', kafka: false },
      ...overrides,
    },
  );
}

/** A TiCDC change of shop.orders; `over` replaces members. */
export function change(type: string, data: object[], over: object = {}): string {
  const columns = Object.keys(data[0] ?? {});
  const types = (text: string | number) => Object.fromEntries(columns.map((name) => [name, text]));
  return JSON.stringify({
    id: 0,
    database: 'shop',
    table: 'orders',
    pkNames: ['id'],
    isDdl: false,
    type,
    es: 1709251200123,
    ts: 1709251200900,
    sql: '',
    sqlType: types(12),
    mysqlType: types('varchar'),
    old: null,
    data,
    _tidb: { commitTs: 448069946 },
    ...over,
  });
}
