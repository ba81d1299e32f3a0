import type { Connection } from 'mysql2/promise';
import { noise } from '../noise.js';
import type { Row, RowChange, ShopTable } from './records.js';
import { createTableSql, items, orders, payments, SHOP_TABLES } from './tables.js';

/** A transaction as a change-log producer sees it: its rows, and the TSO at which TiDB committed it. */
export interface Transaction {
  changes: RowChange[];
  commitTs: string;
}

const SKUS = ['一次函数讲义', '错题本', '圆规', '听力卡', '作文集', '实验盒'];
const CUSTOMERS = ['王小明', '李雷', '韩梅梅', '阿依古丽', 'O’Neil', '张三😀'];
const CHANNELS = ['wechat', 'alipay', 'card'];

/** A shop whose orders come, change and go in a real TiDB. It knows its rows, so that it can tell what each change replaced. */
export class Shop {
  private readonly rows = new Map<ShopTable, Map<string, Row>>(
    SHOP_TABLES.map((table) => [table, new Map()]),
  );
  private readonly random: () => number;
  private lastOrder = 9_007_199_254_740_993n;
  private gone: Row[] = [];

  constructor(
    private readonly sql: Connection,
    seed: number,
  ) {
    this.random = noise(seed);
  }

  get counts(): Record<string, number> {
    return Object.fromEntries(SHOP_TABLES.map((table) => [table.name, this.of(table).size]));
  }

  /** What was there before anybody kept a log. */
  async open(orderCount: number): Promise<void> {
    for (const table of SHOP_TABLES) await this.sql.query(createTableSql(table));
    for (let made = 0; made < orderCount; made += 500) {
      const changes: RowChange[] = [];
      for (let i = 0; i < Math.min(500, orderCount - made); i++) changes.push(...this.newOrder());
      for (const table of SHOP_TABLES) {
        const values = changes
          .filter((change) => change.table === table)
          .map(({ after }) => Object.values(after!));
        if (values.length > 0) await this.sql.query(`INSERT INTO ${table.name} VALUES ?`, [values]);
      }
      for (const change of changes) this.apply(change);
    }
  }

  /** One transaction of business. */
  async trade(): Promise<Transaction> {
    const changes = this.decide();
    await this.sql.beginTransaction();
    for (const change of changes) await this.write(change);
    await this.sql.commit();
    for (const change of changes) this.apply(change);
    return { changes, commitTs: await this.commitTs() };
  }

  private decide(): RowChange[] {
    const dice = this.random();
    const order = this.any(orders);
    if (dice < 0.3 || !order) return this.newOrder();
    const lines = [...this.of(items).values()].filter((row) => row['order_id'] === order['id']);
    const line = lines[Math.floor(this.random() * lines.length)];
    if (dice < 0.5)
      return [this.update(orders, order, { note: this.random() < 0.5 ? null : `备注 ${this.id()}` })];
    if (dice < 0.65) return this.pay(order);
    if (dice < 0.75 && line)
      return [this.update(items, line, { qty: String(1 + Math.floor(this.random() * 9)) })];
    // TiCDC tells a changed key as the delete of the old row and the insert of the new one, at one TSO.
    if (dice < 0.82 && line) {
      const moved = {
        ...line,
        line_no: String(100 + Number(line['line_no']) + Math.floor(this.random() * 1e6)),
      };
      return [this.remove(items, line), { table: items, before: null, after: moved }];
    }
    if (dice < 0.9 && this.gone.length > 0) {
      // Some customers come back: a key that was deleted is there again.
      const after = { ...this.gone.pop()!, status: 'reopened', updated_at: this.now() };
      return [{ table: orders, before: null, after }];
    }
    this.gone.push(order);
    const paid = [...this.of(payments).values()].filter((row) => row['order_id'] === order['id']);
    return [
      this.remove(orders, order),
      ...lines.map((row) => this.remove(items, row)),
      ...paid.map((row) => this.remove(payments, row)),
    ];
  }

  private newOrder(): RowChange[] {
    const id = String((this.lastOrder += 1n));
    const lines = Array.from({ length: 1 + Math.floor(this.random() * 4) }, (_, i) => ({
      order_id: id,
      line_no: String(i + 1),
      sku: this.pick(SKUS),
      qty: String(1 + Math.floor(this.random() * 5)),
      price: (this.random() * 500).toFixed(2),
    }));
    const order: Row = {
      id,
      customer: this.pick(CUSTOMERS),
      status: 'new',
      amount: lines.reduce((sum, { qty, price }) => sum + Number(qty) * Number(price), 0).toFixed(2),
      note: null,
      updated_at: this.now(),
    };
    const insert = (table: ShopTable, after: Row): RowChange => ({ table, before: null, after });
    return [insert(orders, order), ...lines.map((line) => insert(items, line))];
  }

  private pay(order: Row): RowChange[] {
    const payment: Row = {
      trade_no: `T${this.id()}`,
      order_id: order['id']!,
      paid: order['amount']!,
      channel: this.pick(CHANNELS),
    };
    return [
      this.update(orders, order, { status: 'paid' }),
      { table: payments, before: null, after: payment },
    ];
  }

  private update(table: ShopTable, before: Row, change: Row): RowChange {
    const stamp: Row = table === orders ? { updated_at: this.now() } : {};
    return { table, before, after: { ...before, ...change, ...stamp } };
  }

  private remove(table: ShopTable, before: Row): RowChange {
    return { table, before, after: null };
  }

  private async write({ table, before, after }: RowChange): Promise<void> {
    const names = table.columns.map(({ name }) => name);
    const where = table.key.map((name) => `${name} = ?`).join(' AND ');
    const key = table.key.map((name) => (before ?? after)![name]);
    if (after === null) await this.sql.query(`DELETE FROM ${table.name} WHERE ${where}`, key);
    else if (before === null) {
      await this.sql.query(`INSERT INTO ${table.name} VALUES (?)`, [names.map((name) => after[name])]);
    } else {
      const set = names.map((name) => `${name} = ?`).join(', ');
      await this.sql.query(`UPDATE ${table.name} SET ${set} WHERE ${where}`, [
        ...names.map((name) => after[name]),
        ...key,
      ]);
    }
  }

  /** The TSO of the transaction that this session has just committed. */
  private async commitTs(): Promise<string> {
    const [rows] = await this.sql.query('SELECT @@tidb_last_txn_info AS info');
    const { info } = (rows as { info: string }[])[0]!;
    const commitTs = /"commit_ts":(\d+)/.exec(info)?.[1];
    if (commitTs === undefined || commitTs === '0') throw new Error(`TiDB tells no commit TSO: ${info}`);
    return commitTs;
  }

  private apply({ table, before, after }: RowChange): void {
    const key = (row: Row): string => table.key.map((name) => row[name]).join('/');
    if (before) this.of(table).delete(key(before));
    if (after) this.of(table).set(key(after), after);
  }

  private of(table: ShopTable): Map<string, Row> {
    return this.rows.get(table)!;
  }

  private any(table: ShopTable): Row | undefined {
    const all = this.of(table);
    let at = Math.floor(this.random() * all.size);
    for (const row of all.values()) if (at-- === 0) return row;
    return undefined;
  }

  private pick<T>(from: T[]): T {
    return from[Math.floor(this.random() * from.length)]!;
  }

  private id(): string {
    return `${Date.now()}${Math.floor(this.random() * 1e6)}`;
  }

  private now(): string {
    return new Date().toISOString().replace('T', ' ').replace('Z', '');
  }
}
