import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HiveCatalog } from '../../warehouse/catalog-hive.js';
import { debeziumRuns, DebeziumSource } from './debezium-source.js';
import { endpoints, install, type Installation } from './support.js';

/**
 * Debezium's MariaDB connector on a real MariaDB: rows that were there before, then inserts, updates, deletes, changed keys and
 * ALTERs. In the end the newest row of each key in Hive's changelog must be the table.
 */
describe.skipIf(!(await debeziumRuns()))('Debezium of a real MariaDB', () => {
  let here: Installation;
  let hive: HiveCatalog;
  let source: DebeziumSource;

  beforeAll(async () => {
    here = await install('dbz', { warehouse: 'hive' });
    hive = new HiveCatalog({ ...endpoints.hive, auth: 'nosasl', user: 'hive', database: here.name });
    source = await DebeziumSource.open(here.name);
  });
  afterAll(async () => {
    await source.close();
    await here.close();
    await hive.execute(`DROP DATABASE IF EXISTS \`${here.name}\` CASCADE`);
    await hive.close();
  });

  const COLUMNS = ['id', 'name', 'amount', 'qty', 'at', 'ts', 'flag', 'kind', 'bytes', 'extra'];
  const END = 999_999;

  /** The same seed makes the same changes. */
  async function change(times: number, seed: number, ids: Set<number>): Promise<void> {
    let state = seed;
    const random = (n: number): number => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
      return Math.floor((state / 2_147_483_648) * n);
    };
    const pick = (): number => [...ids][random(ids.size)]!;
    for (let i = 0; i < times; i++) {
      const kind = random(10);
      if (kind < 4 || ids.size < 3) {
        const id = 1_000 * seed + i;
        ids.add(id);
        await source.sql.query(
          `INSERT INTO orders (id, name, amount, qty, at, ts, flag, kind, bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
          [id, ['', null, '中文 "\\\n', `n${i}`][random(4)], `${random(99_999_999)}.${10 + random(90)}`]
            .concat([
              random(2_147_483_647),
              `2026-03-0${1 + random(9)} 23:59:59.${100 + random(900)}`,
            ] as never)
            .concat([
              '2026-03-01 16:00:00.123456',
              random(3) - 1,
              'ab'[random(2)],
              Buffer.from([0, 255, i % 256]),
            ] as never),
        );
      } else if (kind < 7) {
        await source.sql.query('UPDATE orders SET amount = amount - 0.01, name = ? WHERE id = ?', [
          `u${i}`,
          pick(),
        ]);
      } else if (kind < 8) {
        const id = pick();
        ids.delete(id);
        await source.sql.query('DELETE FROM orders WHERE id = ?', [id]);
      } else {
        const id = pick();
        ids.delete(id);
        const moved = 100_000 * seed + i;
        ids.add(moved);
        await source.sql.query('UPDATE orders SET id = ? WHERE id = ?', [moved, id]);
      }
    }
  }

  const plain = (rows: Record<string, string | null>[]): string[] =>
    rows.map((row) =>
      COLUMNS.map((name) => {
        const value = row[name] ?? null;
        if (value === null) return 'NULL';
        return /^-?[\d :-]+\.\d+$/.test(value) ? value.replace(/\.?0+$/, '') : JSON.stringify(value);
      }).join(' | '),
    );

  it('the newest row of each key is the table, with schemas in the records and without', async () => {
    await source.sql.query(
      `CREATE TABLE orders (id INT PRIMARY KEY, name VARCHAR(50), amount DECIMAL(10,2), qty INT, at DATETIME(3), ts TIMESTAMP(6) NULL,
       flag TINYINT, kind ENUM('a','b'), bytes VARBINARY(16), note TEXT)`,
    );
    const ids = new Set<number>();
    await change(20, 1, ids);
    const modes = { schema: true, bare: false };
    const topicOf = (mode: string): string => `${here.topic(mode)}.${here.name}.orders`;
    for (const [mode, schemas] of Object.entries(modes)) {
      await source.connect(here.topic(mode), {
        'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
        'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
        'key.converter.schemas.enable': schemas,
        'value.converter.schemas.enable': schemas,
        // Without a schema nothing tells the scale of a decimal's bytes.
        ...(schemas ? {} : { 'decimal.handling.mode': 'string' }),
      });
    }
    await change(40, 2, ids);

    const declared = `    columns:
      - { name: id, type: int }
      - { name: name, type: string }
      - { name: amount, type: 'decimal(14,4)' }
      - { name: qty, type: bigint }
      - { name: at, type: timestamp }
      - { name: ts, type: timestamp }
      - { name: flag, type: tinyint }
      - { name: kind, type: string }
      - { name: bytes, type: binary }
      - { name: extra, type: bigint }
`;
    const mirror = (mode: string, more: string): string => `  - name: ${here.table(mode)}
    mode: mirror
    from: { kafka: main, topic: ${topicOf(mode)}, format: debezium }
    key: [id]
    snapshot: false
${more}`;
    await here.writeConfig(mirror('schema', '') + mirror('bare', declared));
    here.startWorker();
    await here.ok('start');
    for (const mode of Object.keys(modes)) {
      await here.until(here.table(mode), 'the first rows', ({ rows }) => rows! >= 20, 180_000);
    }

    await source.sql.query('ALTER TABLE orders ADD COLUMN extra BIGINT, MODIFY qty BIGINT, DROP COLUMN note');
    await change(30, 3, ids);
    await source.sql.query(
      'UPDATE orders SET extra = 9007199254740993 + id, qty = 3000000000 + id WHERE id % 2 = 0',
    );
    await source.sql.query('ALTER TABLE orders MODIFY amount DECIMAL(14,4)');
    await source.sql.query('UPDATE orders SET amount = 1234567890.1234 WHERE id % 3 = 0');
    await change(20, 4, ids);
    await source.sql.query(`INSERT INTO orders (id, name) VALUES (${END}, 'the end')`);

    const wanted = plain(
      await source.rows(
        `SELECT CAST(id AS CHAR) AS id, name, CAST(amount AS CHAR) AS amount, CAST(qty AS CHAR) AS qty, CAST(at AS CHAR) AS at, ` +
          `CAST(CONVERT_TZ(ts, '+00:00', '+08:00') AS CHAR) AS ts, CAST(flag AS CHAR) AS flag, CAST(kind AS CHAR) AS kind, ` +
          `HEX(bytes) AS bytes, CAST(extra AS CHAR) AS extra FROM orders ORDER BY orders.id`,
      ),
    );
    for (const mode of Object.keys(modes)) {
      const table = `${here.table(mode)}_changelog`;
      await here.until(
        here.table(mode),
        'no lag',
        ({ lagRecords, fault }) => lagRecords === 0 && fault === null,
      );
      let ended = false;
      for (let i = 0; i < 60 && !ended; i++) {
        const [row] = await hive.query(
          `SELECT CAST(count(*) AS STRING) AS n FROM ${table} WHERE id = ${END}`,
        );
        ended = row!['n'] === '1';
      }
      expect(ended, `${mode}: the last row`).toBe(true);
      const newest = await hive.query(
        `SELECT CAST(id AS STRING) AS id, name, CAST(amount AS STRING) AS amount, CAST(qty AS STRING) AS qty, CAST(at AS STRING) AS at, ` +
          `CAST(ts AS STRING) AS ts, CAST(flag AS STRING) AS flag, kind, hex(bytes) AS bytes, CAST(extra AS STRING) AS extra FROM (` +
          `SELECT *, row_number() OVER (PARTITION BY id ORDER BY cdc_ts DESC, cdc_seq DESC) AS place FROM ${table}) t ` +
          `WHERE place = 1 AND cdc_op <> 'd' ORDER BY t.id`,
      );
      const order = (rows: string[]): string[] => [...rows].sort();
      expect(order(plain(newest)), mode).toEqual(order(wanted));
      const seen = await here.status(here.table(mode));
      expect(seen.quarantined, mode).toBe(0);
    }
    const learnt = (await hive.describe(`${here.table('schema')}_changelog`))!;
    expect(learnt.find(({ name }) => name === 'qty')?.type).toBe('bigint');
    expect(learnt.find(({ name }) => name === 'amount')?.type).toBe('decimal(14,4)');
  });
});
