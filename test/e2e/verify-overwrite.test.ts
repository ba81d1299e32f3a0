import { createConnection, type Connection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HiveCatalog } from '../../warehouse/catalog-hive.js';
import type { VerifyResult } from '../../workflows/verify-types.js';
import { patientHive } from './patient-hive.js';
import { createTopic, endpoints, install, type Installation } from './support.js';

describe('a snapshot that someone wrote over with Hive', () => {
  let here: Installation;
  let table: string;
  let sql: Connection;
  let hive: HiveCatalog;

  beforeAll(async () => {
    here = await install('overwrite', { warehouse: 'hive' });
    table = here.table('orders');
    sql = await createConnection({ uri: endpoints.tidb.url, charset: 'utf8mb4' });
    await sql.query(
      `INSERT IGNORE INTO mysql.tidb VALUES ('tikv_gc_safe_point', '20240101-00:00:00 +0000', '')`,
    );
    await sql.query(`CREATE DATABASE ${here.name}`);
    await sql.query(
      `CREATE TABLE ${here.name}.orders (id BIGINT PRIMARY KEY, v VARCHAR(20), n DECIMAL(20,4))`,
    );
    await sql.query(`INSERT INTO ${here.name}.orders VALUES ?`, [
      Array.from({ length: 100 }, (_, i) => [i, `第${i}行`, `${i}.25`]),
    ]);
    process.env['E2E_TIDB_URL'] = endpoints.tidb.url;
    await createTopic(here.topic('shop'), 1);
    await here.writeConfig(`  - name: ${table}
    mode: mirror
    from: { kafka: main, topic: ${here.topic('shop')}, format: canal-json, match: { database: ${here.name}, table: orders } }
    bootstrap: { kind: tidb, url: '\${E2E_TIDB_URL}', table: ${here.name}.orders }
    lateness: 1s
    snapshot: { every: minute, engine: duckdb }
`);
    here.startWorker();
    await here.ok('start');
    await here.until(table, 'a snapshot', ({ lastSnapshot }) => lastSnapshot !== null, 240_000);
    await here.ok('pause', table);
    hive = patientHive(here);
  });
  afterAll(async () => {
    await hive.close();
    await here.close();
    await sql.query(`DROP DATABASE ${here.name}`);
    await sql.end();
  });

  const verify = async (...more: string[]): Promise<{ code: number; result: VerifyResult }> => {
    const { code, stdout } = await here.cli('verify', table, ...more, '--json');
    return { code, result: JSON.parse(stdout) as VerifyResult };
  };

  // Whoever "mends" a snapshot by hand at night leaves one that no later snapshot can be made of.
  it('is told to be so, with the rows, and is put right by --repair', async () => {
    const { name, boundaryMs } = (await verify()).result.snapshot!;
    const partition = name
      .split('/')
      .map((part) => part.replace(/=(.*)/, "='$1'"))
      .join(', ');
    const where = partition.replaceAll(', ', ' AND ');
    const snapshot = `${here.name}.${table}_snapshot`;
    await hive.execute(
      `INSERT OVERWRITE TABLE ${snapshot} PARTITION (${partition}) SELECT id, CASE WHEN id = 7 THEN 'by hand' ELSE v END, n, cdc_ts, cdc_seq ` +
        `FROM ${snapshot} WHERE ${where} AND id <> 8`,
    );
    const at = ['--at', new Date(boundaryMs).toISOString()];
    const found = await verify(...at);
    expect(found.code).toBe(1);
    expect(found.result.snapshot).toMatchObject({ different: 2, mirrorRows: 99 });
    expect(found.result.snapshot!.files).toContain('INSERT OVERWRITE');

    const mended = await verify(...at, '--repair');
    expect(mended.result.message).toBeNull();
    expect(mended.code).toBe(0);
    const again = await verify(...at);
    expect(again.result).toMatchObject({ outcome: 'equal', snapshot: { mirrorRows: 100, files: null } });
    const rows = await hive.query(`SELECT count(*) AS n FROM ${snapshot} WHERE ${where} AND v <> 'by hand'`);
    expect(Number(Object.values(rows[0]!)[0])).toBe(100);
  });
});
