import type { ChildProcess } from 'node:child_process';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, Connection as TemporalConnection } from '@temporalio/client';
import { BSON, Long, MongoClient, ObjectId } from 'mongodb';
import { createConnection, type Connection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TableStatus } from '../../workflows/table-types.js';
import { readFilesOf, readRows } from './rows.js';
import { createTopic, endpoints, install, kill, pause, terminate, type Installation } from './support.js';

let here: Installation;
let worker: ChildProcess | undefined;
let sql: Connection;
let database: string;
const mongo = new MongoClient(endpoints.mongo.url);
const PASSWORD = 'pass-word-of-the-bootstrap';

beforeAll(async () => {
  here = await install('bootstrap');
  database = here.name;
  sql = await createConnection({ uri: endpoints.tidb.url, charset: 'utf8mb4' });
  // Without a safe point the embedded store refuses to go back in time (reference/local-stack.md).
  await sql.query(
    `INSERT IGNORE INTO mysql.tidb VALUES ('tikv_gc_safe_point', '20240101-00:00:00 +0000', '')`,
  );
  await sql.query(`CREATE DATABASE ${database}`);
  await sql.query(`USE ${database}`);
  await sql.query(`CREATE USER '${database.slice(-20)}'@'%' IDENTIFIED BY '${PASSWORD}'`);
  await sql.query(`GRANT SELECT ON ${database}.* TO '${database.slice(-20)}'@'%'`);
  const url = new URL(endpoints.tidb.url);
  url.username = database.slice(-20);
  url.password = PASSWORD;
  process.env['E2E_TIDB_URL'] = url.href;
  process.env['E2E_MONGO_URL'] = endpoints.mongo.url;
});
afterAll(async () => {
  await here.close();
  await sql.query(`DROP DATABASE ${database}`);
  await sql.query(`DROP USER '${database.slice(-20)}'@'%'`);
  await mongo.db(database).dropDatabase();
  await Promise.all([sql.end(), mongo.close()]);
});

interface MirrorOptions {
  format?: string;
  match: string;
  bootstrap: string;
  more?: string;
  every?: string;
}

const mirror = (name: string, topic: string, options: MirrorOptions): string => `  - name: ${name}
    mode: mirror
    from: { kafka: main, topic: ${topic}, format: ${options.format ?? 'canal-json'}, match: ${options.match} }
    bootstrap: ${options.bootstrap}
    snapshot: { every: ${options.every ?? 'day'} }
    lateness: 1s
${options.more ?? ''}`;

const statusOf = async (table: string): Promise<TableStatus> =>
  JSON.parse(await here.ok('status', table, '--json')) as TableStatus;

async function until(
  table: string,
  what: string,
  fits: (status: TableStatus) => boolean,
): Promise<TableStatus> {
  const deadline = Date.now() + 180_000;
  let last: TableStatus | undefined;
  while (Date.now() < deadline) {
    last = await statusOf(table).catch(() => undefined);
    if (last && fits(last)) return last;
    await pause(300);
  }
  throw new Error(
    `${table} never got to: ${what}\n${JSON.stringify(last, null, 1)}\n${here.log().slice(-3_000)}`,
  );
}

const directory = (table: string, generation = 1): string =>
  join(here.dir, 'data', '_tributary', 'bootstrap', table, String(generation));

/** Files of chunks that are done, with what shows that nobody wrote them again. */
async function chunkFiles(table: string): Promise<Map<string, string>> {
  const names = (await readdir(directory(table))).filter(
    (name) => name.startsWith('chunk-') || name.startsWith('_chunk-'),
  );
  const stamps = await Promise.all(
    names.map(async (name) => {
      const { mtimeMs, ino, size } = await stat(join(directory(table), name));
      return [name, `${mtimeMs} ${ino} ${size}`] as const;
    }),
  );
  return new Map(stamps);
}

/** Of those files only the ones whose chunk has its record: what was being uploaded as a worker died may be written again. */
function finished(files: Map<string, string>): Map<string, string> {
  const done = new Set([...files.keys()].flatMap((name) => /^_chunk-(\d+)/.exec(name)?.[1] ?? []));
  return new Map([...files].filter(([name]) => done.has(/chunk-(\d+)/.exec(name)![1]!)));
}

/** Rows of the finished bootstrap, as its manifest lists them. */
async function baseRows<T>(table: string, select: string): Promise<T[]> {
  const { base } = await statusOf(table);
  const root = join(here.dir, 'data', base!.directory);
  const manifest = JSON.parse(await readFile(join(root, '_snapshot.json'), 'utf8')) as {
    files: { name: string }[];
  };
  return readFilesOf<T>(
    manifest.files.map(({ name }) => join(root, name)),
    select,
  );
}

async function asOf<T>(tso: string, query: string): Promise<T[]> {
  const session = await createConnection({ uri: endpoints.tidb.url, charset: 'utf8mb4', database });
  try {
    await session.query(`SET @@tidb_snapshot = '${tso}'`);
    const [rows] = await session.query(query);
    return rows as T[];
  } finally {
    await session.end();
  }
}

describe('a mirror that begins with what its source has already', () => {
  // A table of hours must not begin again because a machine went down, nor show rows of two instants, nor tell its password.
  it('TiDB: equals the table as of one instant, through two killed workers, and is never read again', async () => {
    await sql.query(
      'CREATE TABLE orders (Id BIGINT PRIMARY KEY, v VARCHAR(20), n DECIMAL(20,4), made_at DATETIME(3))',
    );
    for (let from = 0; from < 20_000; from += 5_000) {
      const rows = Array.from({ length: 5_000 }, (_, i) => [
        (from + i) * 3,
        `第${from + i}行`,
        `${from + i}.25`,
        '2024-01-02 03:04:05.678',
      ]);
      await sql.query('INSERT INTO orders VALUES ?', [rows]);
    }
    const table = here.table('orders');
    await createTopic(here.topic('tidb'), 2);
    await here.writeConfig(
      mirror(table, here.topic('tidb'), {
        match: `{ database: ${database}, table: orders }`,
        bootstrap: `{ kind: tidb, url: '\${E2E_TIDB_URL}', chunk_rows: 100, max_chunks_in_flight: 3, rows_per_second: 3000 }`,
      }),
    );
    worker = here.startWorker();
    await here.ok('start');
    let kept = new Map<string, string>();
    for (const chunks of [12, 60]) {
      const { phase, bootstrap } = await until(
        table,
        `${chunks} chunks`,
        (s) => (s.bootstrap?.chunksDone ?? 0) >= chunks,
      );
      expect(phase).toBe('bootstrap');
      expect(bootstrap).toMatchObject({ phase: 'reading', generation: 1, fault: null });
      await kill(worker, 'SIGKILL');
      const now = finished(await chunkFiles(table));
      expect(now.size).toBeGreaterThanOrEqual(chunks);
      for (const [name, stamp] of kept) expect(now.get(name), name).toBe(stamp);
      kept = now;
      // The source moves on meanwhile; the mirror's base must not.
      await sql.query('UPDATE orders SET v = ? WHERE Id % 7 = 0 AND Id < 3000', [`after ${chunks}`]);
      await sql.query('DELETE FROM orders WHERE Id > 59000');
      worker = here.startWorker();
    }
    const { base, phase } = await until(table, 'the end', (s) => s.base !== null);
    expect(phase).toBe('running');
    expect(base).toMatchObject({ rows: 20_000, key: ['id'] });
    const end = await chunkFiles(table);
    for (const [name, stamp] of kept) expect(end.get(name), name).toBe(stamp);
    // 200 full chunks, and the empty one after the last row.
    expect(end.size).toBe(2 * 201);

    const start = JSON.parse(await readFile(join(directory(table), '_start.json'), 'utf8')) as {
      instant: string;
    };
    const wanted = await asOf(
      start.instant,
      'SELECT CAST(Id AS CHAR) AS id, v, CAST(n AS CHAR) AS n, CAST(made_at AS CHAR) AS made_at FROM orders ORDER BY orders.Id',
    );
    const rows = await baseRows(
      table,
      `id::VARCHAR AS id, v, n::VARCHAR AS n, strftime(made_at, '%Y-%m-%d %H:%M:%S.%g') AS made_at ORDER BY rows.id`,
    );
    expect(rows).toEqual(wanted);
    const [order] = await baseRows<{ ts: string; seq: string }>(
      table,
      'min(cdc_ts)::VARCHAR AS ts, max(cdc_seq)::VARCHAR AS seq',
    );
    expect(order).toEqual({ ts: start.instant, seq: '0' });

    // Temporal has lost the table, and the source is gone: what storage knows is enough.
    await terminate(`table/${table}`);
    await sql.query('DROP TABLE orders');
    await here.ok('start');
    expect((await until(table, 'its base again', (s) => s.base !== null)).base).toEqual(base);
    expect(await chunkFiles(table)).toEqual(end);

    expect(await historyOf(`bootstrap/${table}`)).toContain('urlRef');
    for (const id of [`table/${table}`, `bootstrap/${table}`])
      expect(await historyOf(id)).not.toContain(PASSWORD);
    expect(here.log()).not.toContain(PASSWORD);
  });

  // Stopping must stop the load on the source; starting must not begin anew. Shards and tables without a key are common.
  // The worker has run since before these tables were in its file.
  it('TiDB: shards into one table, a table without a primary key, a stop half way', async () => {
    for (const shard of [0, 1, 2]) {
      await sql.query(`CREATE TABLE item_${shard} (id INT PRIMARY KEY, v VARCHAR(20))`);
      const rows = Array.from({ length: 300 }, (_, i) => [i, `${shard}/${i}`]);
      await sql.query(`INSERT INTO item_${shard} VALUES ?`, [rows]);
    }
    await sql.query('CREATE TABLE logs (who VARCHAR(10), n INT)');
    await sql.query('INSERT INTO logs VALUES ?', [Array.from({ length: 900 }, (_, i) => [`u${i % 9}`, i])]);
    const [items, logs] = [here.table('items'), here.table('logs')];
    await createTopic(here.topic('shards'), 1);
    await here.writeConfig(
      mirror(items, here.topic('shards'), {
        match: `{ database: ${database}, table: '/item_\\d/', shard_column: shard }`,
        bootstrap: `{ kind: tidb, url: '\${E2E_TIDB_URL}', chunk_rows: 50, max_chunks_in_flight: 1, rows_per_second: 40 }`,
      }) +
        mirror(logs, here.topic('shards'), {
          match: `{ database: ${database}, table: logs }`,
          bootstrap: `{ kind: tidb, url: '\${E2E_TIDB_URL}', chunk_rows: 100 }`,
          more: '    key: [who, n]\n',
        }),
    );
    await here.ok('start', items);
    await until(items, 'some chunks', (s) => (s.bootstrap?.chunksDone ?? 0) >= 2);
    await here.ok('stop', items);
    await ended(`bootstrap/${items}`);
    await ended(`table/${items}`);
    const kept = finished(await chunkFiles(items));
    expect(kept.size).toBeLessThan(2 * 21);
    await here.ok('start');
    const { base } = await until(items, 'the end', (s) => s.base !== null);
    expect(base).toMatchObject({ rows: 900, key: ['shard', 'id'] });
    for (const [name, stamp] of kept) expect((await chunkFiles(items)).get(name), name).toBe(stamp);
    const rows = await baseRows<{ shard: string; id: string; v: string }>(
      items,
      'shard, id::VARCHAR AS id, v',
    );
    expect(new Set(rows.map(({ shard, id, v }) => `${shard} ${id} ${v}`)).size).toBe(900);
    expect(rows.every(({ shard, id, v }) => v === `${shard.slice(5)}/${id}`)).toBe(true);

    expect((await until(logs, 'the end', (s) => s.base !== null)).base).toMatchObject({
      rows: 900,
      key: ['who', 'n'],
    });
    const [sums] = await baseRows<{ n: string }>(logs, 'sum(n)::VARCHAR AS n');
    expect(sums).toEqual({ n: String((899 * 900) / 2) });
  });

  // Garbage collection passes; a bootstrap that cannot end as it began must say so and begin again by itself, not mix two instants.
  // And whoever needs it can read the source once more, beside a running mirror.
  it('TiDB: begins again when the instant is lost, and once more when told to', async () => {
    await sql.query('CREATE TABLE stock (id INT PRIMARY KEY, v VARCHAR(20))');
    await sql.query('INSERT INTO stock VALUES ?', [Array.from({ length: 300 }, (_, i) => [i, 'before'])]);
    const table = here.table('stock');
    await createTopic(here.topic('stock'), 1);
    await here.writeConfig(
      mirror(table, here.topic('stock'), {
        match: `{ database: ${database}, table: stock }`,
        bootstrap: `{ kind: tidb, url: '\${E2E_TIDB_URL}', chunk_rows: 20, max_chunks_in_flight: 1, rows_per_second: 20 }`,
        every: 'minute',
      }),
    );
    await here.ok('start', table);
    await until(table, 'some chunks', (s) => (s.bootstrap?.chunksDone ?? 0) >= 1);
    await here.ok('stop', table);
    await ended(`table/${table}`);
    const startFile = join(directory(table), '_start.json');
    const start = JSON.parse(await readFile(startFile, 'utf8')) as { instant: string };
    // Before the safe point that this file's set-up gave to TiDB.
    await writeFile(
      startFile,
      JSON.stringify({ ...start, instant: (BigInt(Date.UTC(2023, 0)) << 18n).toString() }),
    );
    await sql.query(`UPDATE stock SET v = 'after'`);
    await here.ok('start', table);
    const { base } = await until(table, 'the end', (s) => s.base !== null);
    expect(base).toMatchObject({ rows: 300, directory: `_tributary/bootstrap/${table}/2` });
    expect(await readdir(directory(table, 1))).toEqual(['_abandoned.json']);
    expect(await readFile(join(directory(table, 1), '_abandoned.json'), 'utf8')).toContain(
      'tidb_gc_life_time',
    );
    expect(await baseRows(table, 'DISTINCT v')).toEqual([{ v: 'after' }]);

    await sql.query(`UPDATE stock SET v = 'once more'`);
    await here.ok('start', table, '--rebootstrap');
    const again = await until(table, 'a new base', (s) => s.base!.directory !== base!.directory);
    expect(again).toMatchObject({
      phase: 'running',
      base: { rows: 300, directory: `_tributary/bootstrap/${table}/3` },
    });
    expect(again.base!.boundaryMs).toBeGreaterThan(base!.boundaryMs);
    expect(await baseRows(table, 'DISTINCT v')).toEqual([{ v: 'once more' }]);
    expect(await readdir(directory(table, 2))).toContain('_snapshot.json');

    // Nothing of this came by the log: only a snapshot that starts from the new base can show it.
    const { boundaryMs } = again.base!;
    const { snapshots } = await until(
      table,
      'a snapshot after it',
      (s) => (s.snapshots?.last?.boundaryMs ?? 0) > boundaryMs,
    );
    const rows = await readRows<Record<string, string>>(here, `${table}_snapshot`, 'v, dt, hh, mi');
    const shown = rows.filter(({ dt, hh, mi }) => `dt=${dt!}/hh=${hh!}/mi=${mi!}` === snapshots!.last!.name);
    expect(shown.map(({ v }) => v)).toEqual(Array(300).fill('once more'));
  });

  // Documents come as the changelog has them, and so do the columns that are declared over them.
  it('MongoDB: documents and declared paths, through a killed worker', async () => {
    const carts = mongo.db(database).collection<{ _id: unknown }>('carts');
    await carts.insertMany(
      Array.from({ length: 2_000 }, (_, i) => ({
        _id: i % 3 === 0 ? `cart-${i}` : i % 3 === 1 ? i : new ObjectId(),
        user: { id: Long.fromNumber(i), name: `用户${i}` },
        items: [{ sku: 'a', n: i }],
      })),
    );
    const table = here.table('carts');
    await createTopic(here.topic('shake'), 1);
    await here.writeConfig(
      mirror(table, here.topic('shake'), {
        format: 'mongoshake',
        match: `{ database: ${database}, collection: carts }`,
        bootstrap: `{ kind: mongodb, url: '\${E2E_MONGO_URL}', read_preference: primary, chunk_rows: 50, max_chunks_in_flight: 2, rows_per_second: 150 }`,
        more: '    columns: [{ name: user_id, type: bigint, path: $.user.id }, { name: items, type: "array<struct<sku:string,n:int>>" }]\n',
      }),
    );
    await here.ok('start', table);
    await until(table, 'some chunks', (s) => (s.bootstrap?.chunksDone ?? 0) >= 4);
    await kill(worker!, 'SIGKILL');
    const kept = finished(await chunkFiles(table));
    worker = here.startWorker();
    const { base } = await until(table, 'the end', (s) => s.base !== null);
    expect(base).toMatchObject({ rows: 2_000, key: ['doc_id'] });
    for (const [name, stamp] of kept) expect((await chunkFiles(table)).get(name), name).toBe(stamp);

    const source = await carts.find({}, { promoteValues: false }).toArray();
    const rows = await baseRows<{ doc: string; user_id: string; n: string }>(
      table,
      'doc, user_id::VARCHAR AS user_id, items[1].n::VARCHAR AS n',
    );
    const wanted = source.map((doc) => BSON.EJSON.stringify(doc, { relaxed: false })).sort();
    expect(rows.map(({ doc }) => doc).sort()).toEqual(wanted);
    expect(
      rows.every(({ user_id, n, doc }) => user_id === n && doc.includes(`"$numberLong":"${user_id}"`)),
    ).toBe(true);
  });
});

async function withTemporal<T>(body: (client: Client) => Promise<T>): Promise<T> {
  const connection = await TemporalConnection.connect({ address: endpoints.temporal.address });
  try {
    return await body(new Client({ connection }));
  } finally {
    await connection.close();
  }
}

/** All that Temporal keeps of a workflow's runs, payloads as text. */
const historyOf = (workflowId: string): Promise<string> =>
  withTemporal(async (client) => {
    const runs: string[] = [];
    for await (const { runId } of client.workflow.list({ query: `WorkflowId = '${workflowId}'` })) {
      const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
      runs.push(JSON.stringify(events, payloadsAsText));
    }
    return runs.join();
  });

/** Protobuf's own JSON has bytes as base64. */
function payloadsAsText(name: string, value: unknown): unknown {
  return name === 'data' && typeof value === 'string' ? Buffer.from(value, 'base64').toString('utf8') : value;
}

const ended = (workflowId: string): Promise<unknown> =>
  withTemporal((client) =>
    client.workflow
      .getHandle(workflowId)
      .result()
      .catch(() => undefined),
  );
