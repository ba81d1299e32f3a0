import { join } from 'node:path';
import { createConnection, type Connection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TableStatus } from '../../workflows/table-types.js';
import { NoneCatalog } from '../../warehouse/catalog-none.js';
import { FileStorage } from '../../warehouse/storage-file.js';
import { readRows } from './rows.js';
import { createTopic, endpoints, install, produce, type Installation } from './support.js';

let here: Installation;
let sql: Connection;

beforeAll(async () => {
  here = await install('bootstrap_columns');
  sql = await createConnection({ uri: endpoints.tidb.url, charset: 'utf8mb4' });
  // Without a safe point the embedded store refuses to go back in time (reference/local-stack.md).
  await sql.query(
    `INSERT IGNORE INTO mysql.tidb VALUES ('tikv_gc_safe_point', '20240101-00:00:00 +0000', '')`,
  );
  await sql.query(`CREATE DATABASE ${here.name}`);
  process.env['E2E_TIDB_URL'] = endpoints.tidb.url;
});
afterAll(async () => {
  await here.close();
  await sql.query(`DROP DATABASE ${here.name}`);
  await sql.end();
});

describe('a mirror with a bootstrap and no columns in its config', () => {
  // TiCDC tells neither the precision of a decimal nor the size of a bit; a column that has become text stays text.
  it('has the types of its source, though the topic has records of the table already', async () => {
    await sql.query(
      `CREATE TABLE ${here.name}.goods (id BIGINT PRIMARY KEY, price DECIMAL(10,2), flags BIT(8), name VARCHAR(20))`,
    );
    await sql.query(`INSERT INTO ${here.name}.goods VALUES (1, 1.50, b'101', 'one')`);
    const topic = here.topic('goods');
    await createTopic(topic, 1);
    const change = (id: number, price: string): string =>
      JSON.stringify({
        ...{ id: 0, database: here.name, table: 'goods', pkNames: ['id'], isDdl: false, type: 'INSERT' },
        ...{ es: Date.now(), ts: Date.now(), sql: '', sqlType: { id: -5, price: 3, flags: -7, name: 12 } },
        mysqlType: { id: 'bigint', price: 'decimal', flags: 'bit', name: 'varchar' },
        ...{ old: null, data: [{ id: String(id), price, flags: '5', name: `n${id}` }] },
        _tidb: { commitTs: Number(BigInt(Date.now()) << 18n) },
      });
    await produce(topic, 1, [change(1, '1.50'), change(2, '2.25')]);
    const name = here.table('goods');
    await here.writeConfig(`  - name: ${name}
    mode: mirror
    from: { kafka: main, topic: ${topic}, format: canal-json, match: { database: ${here.name}, table: goods } }
    bootstrap: { kind: tidb, url: '\${E2E_TIDB_URL}', chunk_rows: 100 }
    snapshot: { every: day }
    lateness: 1s
`);
    here.startWorker();
    await here.ok('start', name);
    await here.until(name, 'both records landed and a base', async (seen) => {
      const status = JSON.parse(await here.ok('status', name, '--json')) as TableStatus;
      return seen.phase === 'running' && status.base !== null && status.progress?.rows === 2;
    });
    await produce(topic, 1, [change(3, '3.00')]);
    await here.until(name, 'a later record', async () => {
      const status = JSON.parse(await here.ok('status', name, '--json')) as TableStatus;
      return status.progress?.rows === 3;
    });
    const catalog = new NoneCatalog(new FileStorage(join(here.dir, 'data')));
    const columns = (await catalog.describe(`${name}_changelog`))!.map(
      (column) => `${column.name} ${column.type}`,
    );
    expect(columns.slice(0, 4)).toEqual(['id bigint', 'price decimal(10,2)', 'flags bigint', 'name string']);
    expect(await readRows(here, `${name}_changelog`, 'price::VARCHAR AS price ORDER BY id')).toEqual(
      ['1.50', '2.25', '3.00'].map((price) => ({ price })),
    );
  });
});
