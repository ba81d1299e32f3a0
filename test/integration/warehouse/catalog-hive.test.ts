import { afterAll, describe, expect, it } from 'vitest';
import { textColumns } from '../../../warehouse/sql.js';
import { catalogContract } from '../../unit/warehouse/catalog-contract.js';
import { dropDatabase, hdfs, hive, removeRoot, ROOT } from './services.js';

const catalog = hive();
const storage = hdfs({ root: `${ROOT}/catalog` });

afterAll(async () => {
  await dropDatabase(catalog);
  await catalog.close();
  await removeRoot();
});

catalogContract('Hive', () => Promise.resolve({ catalog, storage }));

describe('Hive', () => {
  it('gives exact values, as text', async () => {
    const [row] = await catalog.query(
      `SELECT ${textColumns({
        big: 'CAST(9223372036854775807 AS BIGINT)',
        small: 'CAST(-9223372036854775808 AS BIGINT)',
        money: "CAST('12345678901234567890123456789012.345678' AS DECIMAL(38,6))",
        nothing: 'CAST(NULL AS INT)',
        words: "'点击 it''s'",
      })}`,
    );
    expect(row).toEqual({
      big: '9223372036854775807',
      small: '-9223372036854775808',
      money: '12345678901234567890123456789012.345678',
      nothing: null,
      words: '点击 its',
    });
    expect(
      await catalog.query('SELECT CAST(9007199254740993 AS BIGINT) AS n, 1.5D AS d, true AS b, 7Y AS t'),
    ).toEqual([{ n: '9007199254740993', d: '1.5', b: 'true', t: '7' }]);
  });

  it('loses no value to a column of the same name', async () => {
    const [row] = await catalog.query('SELECT 1 AS a, 2 AS a');
    expect(Object.values(row ?? {})).toEqual(['1', '2']);
  });

  it("gives Hive's own words, once, and goes on", async () => {
    await expect(catalog.query('SELECT nope FROM made')).rejects.toMatchObject({
      code: 'CatalogRefused',
      retryable: false,
      message: /Invalid table alias or column reference 'nope'.*Statement: SELECT nope/s,
    });
    expect(await catalog.query("SELECT 'on' AS x")).toEqual([{ x: 'on' }]);
  });

  it('fetches more rows than one answer holds', async () => {
    const rows = await catalog.query('SELECT posexplode(split(space(12000), " ")) AS (pos, val)');
    expect(rows).toHaveLength(12_001);
    expect(rows.at(-1)).toEqual({ pos: '12000', val: '' });
  });

  it('adds columns to old partitions too', async () => {
    const table = {
      name: 'cascade_me',
      columns: [{ name: 'a', type: 'bigint' }],
      partitionColumns: ['dt'],
      location: storage.uri('cascade_me'),
    };
    await catalog.ensureTable(table);
    await catalog.addPartitions('cascade_me', [
      { values: { dt: '2026-01-01' }, location: storage.uri('cascade_me/dt=2026-01-01/v0') },
    ]);
    const columns = [...table.columns, { name: 'b', type: 'string' }];
    await Promise.all([1, 2, 3].map(() => catalog.ensureTable({ ...table, columns })));
    const described = await catalog.query("DESCRIBE cascade_me PARTITION (dt='2026-01-01')");
    expect(described.map((row) => Object.values(row)[0]?.trim())).toContain('b');
  });

  it('never touches a table of another kind', async () => {
    await catalog.execute('CREATE TABLE managed (a BIGINT) PARTITIONED BY (dt STRING) STORED AS ORC');
    const table = {
      name: 'managed',
      columns: [],
      partitionColumns: ['dt'],
      location: storage.uri('managed'),
    };
    await expect(catalog.ensureTable(table)).rejects.toMatchObject({ code: 'CatalogConflict' });
  });

  it('cancels a statement when it is told to, and reports progress', async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error('enough')), 1500);
    const started = Date.now();
    const slow = catalog.query("SELECT reflect('java.lang.Thread', 'sleep', 20000L) AS x", stop.signal);
    await expect(slow).rejects.toThrow('enough');
    expect(Date.now() - started).toBeLessThan(12_000);
    expect(await catalog.query("SELECT 'on' AS x")).toEqual([{ x: 'on' }]);
  });

  it('gives a statement its own settings', async () => {
    const settings = { 'hive.exec.dynamic.partition.mode': 'nonstrict' };
    let beats = 0;
    await catalog.execute('SELECT 1 AS one', { settings, onProgress: () => beats++ });
    expect(beats).toBeGreaterThanOrEqual(0);
    const [row] = await catalog.query('SET hive.compute.query.using.stats');
    expect(Object.values(row ?? {})).toEqual(['hive.compute.query.using.stats=false']);
  });
});
