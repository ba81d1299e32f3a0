import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { planChunks, type Chunk } from '../../../sources/mysql-chunks.js';
import { readSourceTable } from '../../../sources/mysql-table.js';
import { currentTso } from '../../../sources/tidb.js';
import { partsOf, verifyTable } from '../../../sources/verify.js';
import { comparedColumns, keyColumns } from '../../../sources/verify-text.js';
import { readEndpoints } from '../../../stack/endpoints.js';
import { FileStorage } from '../../../warehouse/storage-file.js';
import { mirrorColumns, TidbFixture } from './tidb-table.js';

const url = process.env['TRIBUTARY_TEST_MARIADB'] ?? readEndpoints().mariadb.url;
const reachable = await createConnection(url)
  .then((connection) => connection.end().then(() => true))
  .catch(() => false);

// MariaDB stands in for MySQL too: `verify` reads both, without a TSO.
describe.skipIf(!reachable)('MariaDB', () => {
  let maria: TidbFixture;
  beforeAll(async () => {
    maria = await TidbFixture.open('maria', url);
    await maria.sql.query(`SET sql_mode = '', time_zone = '+00:00'`);
    await maria.sql.query(`CREATE TABLE mixed (
      k VARCHAR(20) COLLATE utf8mb4_general_ci, e ENUM('z','b','a') NOT NULL, n BIGINT UNSIGNED, dc DECIMAL(38,10), f FLOAT, d DOUBLE, bt BIT(64),
      y YEAR, da DATE, dt DATETIME(6), ts TIMESTAMP(3) NULL, tm TIME(2), l1 VARCHAR(10) CHARACTER SET latin1, j JSON, bn BINARY(4), bl BLOB,
      PRIMARY KEY (k, e))`);
    const doubles = [0, -0.5, 0.1, 1e300, -1e-300, 123456789.12345679, 1e15, 1e16, 1e21, 100, 1 / 3, 2 ** 53];
    const rows = doubles.map((d, i) => [
      ['É', 'e', '_', 'ß', "'", '😀'][i % 6]! + String(Math.floor(i / 3)),
      'zba'[i % 3],
      `${18446744073709551615n - BigInt(i)}`,
      '-1234567890123456789012345678.0123456789',
      Math.fround(Math.min(Math.abs(d), 3e38)),
      d,
      i,
      i === 0 ? 0 : 2000 + i,
      ['9999-12-31', '0000-00-00', '2024-00-10', '0001-01-01', null][i % 5],
      ['2024-03-10 02:30:00.123456', '0000-00-00 00:00:00', null][i % 3],
      ['2024-03-10 16:00:00.5', '0000-00-00 00:00:00', null][i % 3],
      ['-838:59:59', null][i % 2],
      'ü',
      '{"k": [1, 1.50, "ü b"]}',
      Buffer.from([0, 255]),
      Buffer.from('x'),
    ]);
    await maria.sql.query('INSERT INTO mixed VALUES ?', [rows]);
  });
  afterAll(() => maria.close());

  it('is read exactly, in chunks by its own order of the key, and compares equal', async () => {
    const whole = await maria.readAll('mixed', 1_000);
    const cut = await maria.readAll('mixed', 3);
    expect(cut.source).toMatchObject({ server: 'mariadb', key: ['k', 'e'] });
    expect(cut.files.map((file) => file.rows)).toEqual([3, 3, 3, 3, 0]);
    const list = 'COLUMNS(*)::VARCHAR';
    const rows = await maria.rows(whole.files, list);
    expect(await maria.rows(cut.files, list)).toEqual(rows);
    expect(rows.find((row) => row['k'] === 'É0')).toEqual({
      k: 'É0',
      e: 'z',
      n: '18446744073709551615',
      dc: '-1234567890123456789012345678.0123456789',
      f: '0.0',
      d: '0.0',
      bt: '0',
      y: '0',
      da: '9999-12-31',
      dt: '2024-03-10 02:30:00.123456',
      ts: '2024-03-11 00:00:00.5',
      tm: '-838:59:59.00',
      l1: 'ü',
      j: '{"k": [1, 1.50, "ü b"]}',
      bn: '\\x00\\xFF\\x00\\x00',
      bl: 'x',
      cdc_ts: '0',
      cdc_seq: '0',
    });
    const storage = new FileStorage(join(maria.root, 'storage'));
    await storage.upload(whole.files[0]!.path, 'mirror.parquet');
    const session = await maria.session();
    const source = await readSourceTable(session, `${maria.database}.mixed`);
    const chunks: Chunk[] = [];
    for await (const chunk of planChunks(session, source, 4)) chunks.push(chunk);
    const all = mirrorColumns(source);
    // The server has no time zone tables here, so the instant is left out.
    const columns = comparedColumns(source, all, 'Asia/Shanghai').filter(({ name }) => name !== 'ts');
    const sides = { columns, key: keyColumns(columns, ['k', 'e']), digits: 2 };
    const report = await verifyTable(maria.context('verify'), session, {
      parts: partsOf({ table: source, ...sides }, chunks),
      mirror: { storage, files: ['mirror.parquet'], mirror: all, ...sides },
      limit: 10,
    });
    expect(report).toMatchObject({ sourceRows: 12, mirrorRows: 12, differingSlices: [], differences: [] });
    await expect(currentTso(session)).rejects.toMatchObject({ code: 'SourceUnsuitable' });
    session.close();
  });
});
