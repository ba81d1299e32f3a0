import type { ShopTable } from './records.js';

/** java.sql.Types, as canal-json names them. */
const BIGINT = -5;
const INT = 4;
const DECIMAL = 3;
const VARCHAR = 12;
const TIMESTAMP = 93;

export const orders: ShopTable = {
  name: 'orders',
  key: ['id'],
  columns: [
    { name: 'id', type: 'bigint', sqlType: BIGINT },
    { name: 'customer', type: 'varchar(40)', sqlType: VARCHAR },
    { name: 'status', type: 'varchar(12)', sqlType: VARCHAR },
    { name: 'amount', type: 'decimal(12,2)', sqlType: DECIMAL },
    { name: 'note', type: 'varchar(60)', sqlType: VARCHAR },
    { name: 'updated_at', type: 'datetime(3)', sqlType: TIMESTAMP },
  ],
};

export const items: ShopTable = {
  name: 'order_items',
  key: ['order_id', 'line_no'],
  columns: [
    { name: 'order_id', type: 'bigint', sqlType: BIGINT },
    { name: 'line_no', type: 'int', sqlType: INT },
    { name: 'sku', type: 'varchar(20)', sqlType: VARCHAR },
    { name: 'qty', type: 'int', sqlType: INT },
    { name: 'price', type: 'decimal(10,2)', sqlType: DECIMAL },
  ],
};

export const payments: ShopTable = {
  name: 'payments',
  key: ['trade_no'],
  columns: [
    { name: 'trade_no', type: 'varchar(24)', sqlType: VARCHAR },
    { name: 'order_id', type: 'bigint', sqlType: BIGINT },
    { name: 'paid', type: 'decimal(12,2)', sqlType: DECIMAL },
    { name: 'channel', type: 'varchar(12)', sqlType: VARCHAR },
  ],
};

export const SHOP_TABLES = [orders, items, payments];

export function createTableSql({ name, columns, key }: ShopTable): string {
  const list = columns.map(
    (column) => `${column.name} ${column.type}${key.includes(column.name) ? ' NOT NULL' : ''}`,
  );
  return `CREATE TABLE ${name} (${list.join(', ')}, PRIMARY KEY (${key.join(', ')}))`;
}
