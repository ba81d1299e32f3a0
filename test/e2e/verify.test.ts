import { cp, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { createConnection, type Connection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { VerifyResult } from '../../workflows/verify-types.js';
import { changeByHand } from './by-hand.js';
import { click, clickTable, createTopic, endpoints, install, produce, type Installation } from './support.js';

describe('verify of a log', () => {
  let here: Installation;
  let table: string;
  const count = 3_000;
  const bad = 7;

  beforeAll(async () => {
    here = await install('verify');
    const topic = here.topic('click');
    table = here.table('click');
    await createTopic(topic, 2);
    const good = Array.from({ length: count }, (_, i) => click(i));
    await produce(topic, 2, [...good, ...Array.from({ length: bad }, (_, i) => `not json ${i}`)]);
    await here.writeConfig(clickTable(table, topic));
    here.startWorker();
    await here.ok('start');
    await here.until(table, 'all rows', ({ rows, quarantined, lagRecords }) => {
      return rows === count && quarantined === bad && lagRecords === 0;
    });
  });
  afterAll(() => here.close());

  /** Files of the table, below the data directory. */
  const files = async (): Promise<string[]> =>
    (await readdir(join(here.dir, 'data', table), { recursive: true }))
      .filter((name) => name.endsWith('.parquet'))
      .map((name) => join(here.dir, 'data', table, name));

  const verify = async (): Promise<{ code: number; result: VerifyResult }> => {
    const { code, stdout } = await here.cli('verify', table, '--json');
    return { code, result: JSON.parse(stdout) as VerifyResult };
  };

  it('finds a table that has every record once the same as its log: a false alarm at night is worse than none', async () => {
    const { code, result } = await verify();
    expect(code).toBe(0);
    expect(result).toMatchObject({
      outcome: 'equal',
      log: {
        ...{ records: count + bad, landed: count, quarantined: bad, without: 0 },
        faults: { missing: 0, twice: 0, fewer: 0, stray: 0 },
      },
    });
    const again = await here.cli('verify', table, '--id', result.id);
    expect(again.code).toBe(0);
    expect(again.stdout).toContain('equal');
    expect(again.stderr).toContain('a request of this id was done at');
  });

  it('finds rows that someone removed, and rows that are there twice, by their offsets', async () => {
    const [file] = await files();
    const away = join(here.dir, 'away.parquet');
    await rename(file!, away);
    const lost = await verify();
    expect(lost.code).toBe(1);
    expect(lost.result.outcome).toBe('different');
    expect(lost.result.log!.faults.missing).toBeGreaterThan(0);
    expect(lost.result.log!.landed + lost.result.log!.faults.missing).toBe(count);
    const told = await here.cli('verify', table, '--id', lost.result.id);
    expect(told.stdout).toContain('neither a row nor quarantined');

    await rename(away, file!);
    await cp(file!, file!.replace('.parquet', '-copy.parquet'));
    const doubled = await verify();
    expect(doubled.code).toBe(1);
    expect(doubled.result.log!.faults).toMatchObject({ missing: 0, twice: lost.result.log!.faults.missing });
  });
});

describe('verify of a snapshot', () => {
  let here: Installation;
  let table: string;
  let sql: Connection;
  let database: string;

  beforeAll(async () => {
    here = await install('verify_snapshot');
    table = here.table('orders');
    database = here.name;
    sql = await createConnection({ uri: endpoints.tidb.url, charset: 'utf8mb4' });
    // Without a safe point the embedded store refuses to go back in time (reference/local-stack.md).
    await sql.query(
      `INSERT IGNORE INTO mysql.tidb VALUES ('tikv_gc_safe_point', '20240101-00:00:00 +0000', '')`,
    );
    await sql.query(`CREATE DATABASE ${database}`);
    await sql.query(`USE ${database}`);
    await sql.query('CREATE TABLE orders (id BIGINT PRIMARY KEY, v VARCHAR(20), n DECIMAL(20,4))');
    await sql.query('INSERT INTO orders VALUES ?', [
      Array.from({ length: 500 }, (_, i) => [i, `第${i}行`, `${i}.25`]),
    ]);
    process.env['E2E_TIDB_URL'] = endpoints.tidb.url;
    await createTopic(here.topic('shop'), 1);
    await here.writeConfig(`  - name: ${table}
    mode: mirror
    from: { kafka: main, topic: ${here.topic('shop')}, format: canal-json, match: { database: ${database}, table: orders } }
    bootstrap: { kind: tidb, url: '\${E2E_TIDB_URL}', table: ${database}.orders, chunk_rows: 100 }
    lateness: 1s
    snapshot: { every: minute }
`);
    here.startWorker();
    await here.ok('start');
    await here.until(table, 'a snapshot', ({ lastSnapshot }) => lastSnapshot !== null, 240_000);
    await here.ok('pause', table);
  });
  afterAll(async () => {
    await here.close();
    await sql.query(`DROP DATABASE ${database}`);
    await sql.end();
  });

  const verify = async (...more: string[]): Promise<{ code: number; result: VerifyResult }> => {
    const { code, stdout } = await here.cli('verify', table, ...more, '--json');
    return { code, result: JSON.parse(stdout) as VerifyResult };
  };

  const byHand = (partition: string, statement: string, as?: string): Promise<void> =>
    changeByHand(here, `${table}_snapshot`, partition, statement, as);

  it('reads the source as of the boundary: what changed there since is no difference', async () => {
    await sql.query(`UPDATE orders SET v = 'later' WHERE id = 7`);
    const { code, result } = await verify();
    expect(result).toMatchObject({
      outcome: 'equal',
      snapshot: { sourceRows: 500, mirrorRows: 500, different: 0, differences: [], repaired: null },
    });
    expect(code).toBe(0);
  });

  it('finds rows that someone changed, removed and made up, shows both sides, and puts them right', async () => {
    const { name, boundaryMs } = (await verify()).result.snapshot!;
    await byHand(
      name,
      `UPDATE t SET v = 'by hand' WHERE id = 20; DELETE FROM t WHERE id = 333; INSERT INTO t SELECT * REPLACE (9999 AS id) FROM t WHERE id = 1`,
    );
    const at = ['--at', new Date(boundaryMs).toISOString()];
    const found = await verify(...at);
    expect(found.code).toBe(1);
    expect(found.result).toMatchObject({ outcome: 'different', snapshot: { different: 3, repaired: null } });
    expect(found.result.snapshot!.differences).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ kind: 'missing', source: { id: '333', v: '第333行', n: '333.25' } }),
        expect.objectContaining({ kind: 'extra', source: null }),
        expect.objectContaining({ kind: 'different', columns: ['v'] }),
      ]),
    );
    const told = await here.cli('verify', table, '--id', found.result.id);
    expect(told.stdout).toContain('by hand');

    const mended = await verify(...at, '--repair');
    expect(mended.code).toBe(0);
    expect(mended.result.snapshot!.repaired).toBe(2);
    const again = await verify(...at);
    expect(again.code).toBe(0);
    expect(again.result).toMatchObject({ outcome: 'equal', snapshot: { sourceRows: 500, mirrorRows: 500 } });
  });

  it('puts right what someone wrote over with INSERT OVERWRITE, and shows the rows of a key that is there twice', async () => {
    const { name, boundaryMs } = (await verify()).result.snapshot!;
    await byHand(
      name,
      `INSERT INTO t SELECT * FROM t WHERE id = 40; DELETE FROM t WHERE id = 41`,
      '000000_0',
    );
    const at = ['--at', new Date(boundaryMs).toISOString()];
    const found = await verify(...at);
    expect(found.code).toBe(1);
    expect(found.result.snapshot!.different).toBe(2);
    expect(found.result.snapshot!.files).toContain('000000_0');
    expect(found.result.snapshot!.differences).toContainEqual(
      expect.objectContaining({ kind: 'twice', copies: [expect.objectContaining({ id: '40' })] }),
    );
    const mended = await verify(...at, '--repair');
    expect(mended.result.snapshot!.repaired).toBeGreaterThan(1);
    expect(mended.code).toBe(0);
    expect((await verify(...at)).result).toMatchObject({ outcome: 'equal', snapshot: { files: null } });
  });
});
