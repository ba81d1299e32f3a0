import { MongoClient } from 'mongodb';
import { createConnection, type Connection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { VerifyResult } from '../../workflows/verify-types.js';
import { changeByHand } from './by-hand.js';
import { createTopic, endpoints, install, type Installation } from './support.js';

let here: Installation;
let sql: Connection;
const mongo = new MongoClient(endpoints.mongo.url);

const mirror = (name: string, from: string, bootstrap: string): string => `  - name: ${name}
    mode: mirror
    from: { kafka: main, topic: ${here.topic('log')}, ${from} }
    bootstrap: ${bootstrap}
    lateness: 1s
    snapshot: { every: minute }
`;

beforeAll(async () => {
  here = await install('verify_sources');
  const database = here.name;
  sql = await createConnection({ uri: endpoints.tidb.url, charset: 'utf8mb4' });
  // Without a safe point the embedded store refuses to go back in time (reference/local-stack.md).
  await sql.query(
    `INSERT IGNORE INTO mysql.tidb VALUES ('tikv_gc_safe_point', '20240101-00:00:00 +0000', '')`,
  );
  await sql.query(`CREATE DATABASE ${database}`);
  await sql.query(`USE ${database}`);
  for (const shard of [0, 1, 2]) {
    // One shard has not got the newest column yet.
    const note = shard === 2 ? '' : ', note VARCHAR(10)';
    await sql.query(`CREATE TABLE item_${shard} (id INT PRIMARY KEY, v VARCHAR(20)${note})`);
    const rows = Array.from({ length: 120 }, (_, i) => [i, `${shard}/${i}`, ...(shard === 2 ? [] : ['n'])]);
    await sql.query(`INSERT INTO item_${shard} VALUES ?`, [rows]);
  }
  await mongo
    .db(database)
    .collection<{ _id: number; v: string }>('carts')
    .insertMany(Array.from({ length: 80 }, (_, i) => ({ _id: i, v: `第${i}个` })));
  process.env['E2E_TIDB_URL'] = endpoints.tidb.url;
  process.env['E2E_MONGO_URL'] = endpoints.mongo.url;
  await createTopic(here.topic('log'), 1);
  await here.writeConfig(
    mirror(
      here.table('items'),
      `format: canal-json, match: { database: ${database}, table: '/item_\\d/', shard_column: shard }`,
      `{ kind: tidb, url: '\${E2E_TIDB_URL}', chunk_rows: 50 }`,
    ) +
      mirror(
        here.table('carts'),
        `format: mongoshake, match: { database: ${database}, table: carts }`,
        `{ kind: mongodb, url: '\${E2E_MONGO_URL}', read_preference: primary }`,
      ),
  );
  here.startWorker();
  await here.ok('start');
  for (const table of [here.table('items'), here.table('carts')]) {
    await here.until(table, 'a snapshot', ({ lastSnapshot }) => lastSnapshot !== null, 240_000);
  }
});
afterAll(async () => {
  await here.close();
  await sql.query(`DROP DATABASE ${here.name}`);
  await mongo.db(here.name).dropDatabase();
  await Promise.all([sql.end(), mongo.close()]);
});

async function verify(table: string, ...more: string[]): Promise<{ code: number; result: VerifyResult }> {
  const { code, stdout, stderr } = await here.cli('verify', table, ...more, '--json');
  if (stdout === '') throw new Error(stderr);
  return { code, result: JSON.parse(stdout) as VerifyResult };
}

const atOf = ({ result }: { result: VerifyResult }): string[] => [
  '--at',
  new Date(result.snapshot!.boundaryMs).toISOString(),
];

describe('verify of a mirror of shards', () => {
  // Sharded tables are the largest there are, and those whose mirror is trusted least.
  it('compares all of them together, names the shard of a wrong row, and puts it right', async () => {
    const table = here.table('items');
    const good = await verify(table);
    expect(good.result, JSON.stringify(good.result)).toMatchObject({
      outcome: 'equal',
      snapshot: { sourceRows: 360, mirrorRows: 360, different: 0 },
    });
    await changeByHand(
      here,
      `${table}_snapshot`,
      good.result.snapshot!.name,
      `UPDATE t SET v = 'by hand' WHERE shard = 'item_1' AND id = 7; DELETE FROM t WHERE shard = 'item_2' AND id = 9`,
    );
    const found = await verify(table, ...atOf(good));
    expect(found.code).toBe(1);
    expect(found.result.snapshot).toMatchObject({ different: 2, mirrorRows: 359 });
    expect(found.result.snapshot!.differences).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          kind: 'missing',
          source: { shard: 'item_2', id: '9', v: '2/9', note: null },
        }),
        expect.objectContaining({ kind: 'different', columns: ['v'] }),
      ]),
    );
    expect((await verify(table, ...atOf(good), '--repair')).code).toBe(0);
    const again = await verify(table, ...atOf(good));
    expect(again.result).toMatchObject({ outcome: 'equal', snapshot: { mirrorRows: 360, revision: 2 } });
  });
});

describe('verify of a mirror of MongoDB', () => {
  // The source cannot be read as of then; a person with a damaged snapshot still needs one command that mends it.
  it('finds documents that someone changed and removed, and has the table make the snapshot anew', async () => {
    const table = here.table('carts');
    const good = await verify(table);
    expect(good.result, JSON.stringify(good.result)).toMatchObject({
      outcome: 'equal',
      snapshot: { sourceRows: 80, mirrorRows: 80, sampled: 80, different: 0, revision: 1 },
    });
    await changeByHand(
      here,
      `${table}_snapshot`,
      good.result.snapshot!.name,
      `UPDATE t SET doc = replace(doc, '第5个', 'by hand'); DELETE FROM t WHERE doc_id = '9'`,
    );
    const found = await verify(table, ...atOf(good));
    expect(found.code).toBe(1);
    expect(found.result).toMatchObject({ outcome: 'different', snapshot: { different: 2, repaired: null } });

    const mended = await verify(table, ...atOf(good), '--repair');
    expect(mended.code, JSON.stringify(mended.result)).toBe(0);
    expect(mended.result).toMatchObject({ outcome: 'equal', snapshot: { mirrorRows: 80, repaired: 2 } });

    // What changed at the source since is told apart from damage: made anew, it differs still.
    await mongo
      .db(here.name)
      .collection<{ _id: number }>('carts')
      .updateOne({ _id: 3 }, { $set: { v: 'later' } });
    const later = await verify(table, ...atOf(good), '--repair');
    expect(later.code).toBe(1);
    expect(later.result.message).toContain('--rebootstrap');
    expect(later.result.snapshot).toMatchObject({ different: 1, revision: 3, repaired: null });
  });
});
