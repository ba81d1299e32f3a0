import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { planChunks, type Chunk } from '../../../sources/mysql-chunks.js';
import { readSourceTable } from '../../../sources/mysql-table.js';
import { currentTso } from '../../../sources/tidb.js';
import { partsOf, verifyTable, type VerifyReport } from '../../../sources/verify.js';
import { checkZone } from '../../../sources/verify-source.js';
import { comparedColumns, keyColumns } from '../../../sources/verify-text.js';
import { duckString } from '../../../warehouse/sql.js';
import { FileStorage } from '../../../warehouse/storage-file.js';
import { mirrorColumns, SHANGHAI, TidbFixture } from './tidb-table.js';

let tidb: TidbFixture;
let storage: FileStorage;
beforeAll(async () => {
  tidb = await TidbFixture.open('verify');
  storage = new FileStorage(join(tidb.root, 'storage'));
  await tidb.sql.query(`SET sql_mode = '', time_zone = '+00:00'`);
});
afterAll(() => tidb.close());

async function tso(): Promise<string> {
  const session = await tidb.session();
  try {
    return await currentTso(session);
  } finally {
    session.close();
  }
}

/** Mirrors a table as of now; `change` is an UPDATE of the mirror's rows, of a person with a heavy hand. */
async function mirror(table: string, change?: string): Promise<{ at: string; path: string }> {
  const at = await tso();
  const { files } = await tidb.readAll(table, 1_000, at);
  const list = files.map((file) => duckString(file.path)).join(', ');
  const local = join(tidb.root, `${table}-mirror.parquet`);
  await tidb.duck.run(`CREATE OR REPLACE TABLE mirror AS SELECT * FROM read_parquet([${list}])`);
  if (change) await tidb.duck.run(change);
  await tidb.duck.run(`COPY mirror TO ${duckString(local)} (FORMAT parquet)`);
  const path = `${table}/bucket.parquet`;
  await storage.upload(local, path);
  return { at, path };
}

async function verify(
  table: string,
  key: string[],
  at: string,
  path: string,
  limit = 20,
): Promise<VerifyReport> {
  const session = await tidb.session(at);
  try {
    const source = await readSourceTable(session, `${tidb.database}.${table}`);
    const chunks: Chunk[] = [];
    for await (const chunk of planChunks(session, source, 50)) chunks.push(chunk);
    const all = mirrorColumns(source);
    const columns = comparedColumns(source, all, SHANGHAI.zone);
    const sides = { columns, key: keyColumns(columns, key), digits: 2 };
    return await verifyTable(tidb.context(`verify-${table}`), session, {
      parts: partsOf({ table: source, ...sides }, chunks),
      mirror: { storage, files: [path], mirror: all, ...sides },
      limit,
    });
  } finally {
    session.close();
  }
}

describe('verify', () => {
  // A false alarm on every float or timestamp would make people switch the check off.
  it('finds values of every type the same on both sides', async () => {
    await tidb.sql.query(`CREATE TABLE every_type (
      id BIGINT UNSIGNED, k VARCHAR(10) COLLATE utf8mb4_general_ci, dc DECIMAL(38,10), big DECIMAL(65,30), f FLOAT, d DOUBLE, bt BIT(64),
      y YEAR, da DATE, dt DATETIME(6), ts TIMESTAMP(3) NULL, tm TIME(2), vc VARCHAR(50), l1 VARCHAR(10) CHARACTER SET latin1, e ENUM('z','a,b'),
      s SET('x','y'), j JSON, bn BINARY(4), bl BLOB, b1 TINYINT(1), dz DECIMAL(5,0), PRIMARY KEY (id, k))`);
    const doubles = [
      0,
      -0.5,
      0.1,
      1e300,
      -1e-300,
      5e-324,
      123456789.12345679,
      1e15,
      1e16,
      1e21,
      100,
      1 / 3,
      2 ** 53,
    ];
    const rows = doubles.map((d, i) => [
      `${18446744073709551615n - BigInt(i)}`,
      ['É', 'e', "'"][i % 3]! + String(i),
      ['1234567890123456789012345678.0123456789', '-0.5', '0', '100', '-1'][i % 5],
      '12345678901234567890123456789012345.1',
      Math.fround(Math.min(Math.abs(d), 3e38)),
      d,
      i,
      i === 0 ? 0 : 2000 + i,
      ['9999-12-31', '0000-00-00', '2024-00-10', '0001-01-01', null][i % 5],
      ['2024-03-10 02:30:00.123456', '0000-00-00 00:00:00', '2024-01-01 00:00:00', null][i % 4],
      ['2024-03-10 16:00:00.5', '0000-00-00 00:00:00', null][i % 3],
      ['-838:59:59', '00:00:00.5', null][i % 3],
      ['é😀"\\\n', '', ' x ', null][i % 4],
      'ü',
      'a,b',
      'x,y',
      ['{"k": [1, 1.50, "a b"], "a": null}', '"x"', null][i % 3],
      Buffer.from([0, 255]),
      Buffer.from('x'),
      i % 2,
      `${i}00`,
    ]);
    await tidb.sql.query('INSERT INTO every_type VALUES ?', [rows]);
    const { at, path } = await mirror('every_type');
    expect(await verify('every_type', ['id', 'k'], at, path)).toEqual({
      sourceRows: rows.length,
      mirrorRows: rows.length,
      differingSlices: [],
      differences: [],
      more: false,
      keys: [],
      parts: [],
    });
  });

  it.each([
    ['dc', "UPDATE mirror SET dc = dc + 0.0000000001 WHERE k = 'É0'"],
    ['f', "UPDATE mirror SET f = nextafter(f, 1e10::FLOAT) WHERE k = 'É3'"],
    ['d', "UPDATE mirror SET d = nextafter(d, 1e10) WHERE k = 'e1'"],
    ['dt', "UPDATE mirror SET dt = dt + INTERVAL 1 MICROSECOND WHERE k = 'É0'"],
    ['ts', "UPDATE mirror SET ts = ts + INTERVAL 8 HOUR WHERE k = 'É0'"],
    ['vc', "UPDATE mirror SET vc = '' WHERE k = 'É3'"],
    ['vc', "UPDATE mirror SET vc = NULL WHERE k = 'e1'"],
    ['bl', "UPDATE mirror SET bl = '\\x00' WHERE k = 'e1'"],
    ['da', "UPDATE mirror SET da = da - 1 WHERE k = 'É0'"],
  ])('finds the smallest change of %s: %s', async (column, change) => {
    const { at, path } = await mirror('every_type', change);
    const report = await verify('every_type', ['id', 'k'], at, path);
    expect(report.differences.map(({ kind, columns }) => ({ kind, columns }))).toEqual([
      { kind: 'different', columns: [column] },
    ]);
  });

  // What the person on call must see: which keys, what the source has, what the mirror has, which ranges to repair.
  it('lists missing, extra and different rows, as of the TSO, with the chunks they are in', async () => {
    await tidb.sql.query('CREATE TABLE orders (id INT PRIMARY KEY, v VARCHAR(20), n DECIMAL(10,2))');
    await tidb.sql.query('INSERT INTO orders VALUES ?', [
      Array.from({ length: 500 }, (_, i) => [i, `v${i}`, `${i}.50`]),
    ]);
    const { at, path } = await mirror(
      'orders',
      `DELETE FROM mirror WHERE id = 7; INSERT INTO mirror VALUES (9999, 'ghost', 1, 0, 0); UPDATE mirror SET v = 'by hand' WHERE id = 460`,
    );
    await tidb.sql.query(`UPDATE orders SET v = 'later'`);
    const report = await verify('orders', ['id'], at, path);
    expect(report).toMatchObject({ sourceRows: 500, mirrorRows: 500, more: false, parts: [0, 9] });
    expect(report.differences).toHaveLength(3);
    expect(report.differences).toEqual(
      expect.arrayContaining([
        { kind: 'missing', source: { id: '7', v: 'v7', n: '7.5' }, mirror: null, columns: [] },
        { kind: 'extra', source: null, mirror: { id: '9999', v: 'ghost', n: '1' }, columns: [] },
        {
          kind: 'different',
          source: { id: '460', v: 'v460', n: '460.5' },
          mirror: { id: '460', v: 'by hand', n: '460.5' },
          columns: ['v'],
        },
      ]),
    );
    const few = await verify('orders', ['id'], at, path, 1);
    expect(few).toMatchObject({ more: true, parts: [0, 9] });
    expect(few.differences).toHaveLength(1);
    expect((await verify('orders', ['id'], await tso(), path)).differingSlices.length).toBeGreaterThan(200);
  });

  it('finds a mirror without any rows', async () => {
    const { at } = await mirror('orders');
    const session = await tidb.session(at);
    const source = await readSourceTable(session, `${tidb.database}.orders`);
    const columns = comparedColumns(source, mirrorColumns(source), 'UTC');
    const sides = { columns, key: keyColumns(columns, ['id']), digits: 1 };
    const report = await verifyTable(tidb.context('empty'), session, {
      parts: partsOf({ table: source, ...sides }, [{ index: 0, after: null, upTo: null }]),
      mirror: { storage, files: [], mirror: [], ...sides },
      limit: 1,
    });
    expect(report).toMatchObject({ sourceRows: 500, mirrorRows: 0, more: true });
    expect(() => keyColumns(columns, ['nope'])).toThrow(/nope/);
    await expect(checkZone(session, 'Mars/Olympus')).rejects.toMatchObject({ code: 'SourceUnsuitable' });
    await checkZone(session, 'Asia/Shanghai');
    session.close();
  });
});
