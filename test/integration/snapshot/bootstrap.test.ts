import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  chunksDone,
  ensureChunk,
  finishBootstrap,
  planBootstrap,
  readPlan,
  startBootstrap,
} from '../../../sources/bootstrap.js';
import { planChunks, type Chunk } from '../../../sources/mysql-chunks.js';
import { readSourceTable } from '../../../sources/mysql-table.js';
import { readChunk } from '../../../sources/read-chunk.js';
import { currentTso, tsoBefore, tsoToMs } from '../../../sources/tidb.js';
import { partsOf, verifyTable } from '../../../sources/verify.js';
import { comparedColumns, keyColumns } from '../../../sources/verify-text.js';
import { mapParallel } from '../../../warehouse/parallel.js';
import type { SnapshotTable } from '../../../warehouse/snapshot/types.js';
import { CHANGE_TAIL, TestEngine } from '../../unit/snapshot/engine.js';
import { mirrorColumns, SHANGHAI, TidbFixture } from '../sources/tidb-table.js';

let tidb: TidbFixture;
let engine: TestEngine;
beforeAll(async () => {
  tidb = await TidbFixture.open('boot');
  engine = await TestEngine.open();
});
afterAll(() => Promise.all([tidb.close(), engine.close()]));

const directory = '_tributary/bootstrap/orders/1';

/** One worker's life: it starts or goes on with the bootstrap, and dies after reading `life` chunks. */
async function worker(life: number): Promise<void> {
  const start = await startBootstrap(engine.storage, directory, async () => {
    const session = await tidb.session();
    const tso = await currentTso(session);
    session.close();
    return { tso };
  });
  const session = await tidb.session(start.tso);
  try {
    const table = await readSourceTable(session, `${tidb.database}.orders`);
    await planBootstrap<Chunk>(engine.storage, directory, (known) => planChunks(session, table, 100, known));
    const { chunks } = await readPlan<Chunk>(engine.storage, directory);
    let read = 0;
    await mapParallel(chunks, 3, async (chunk) => {
      await ensureChunk(engine.storage, directory, chunk.index, async () => {
        if (++read > life) throw new Error('killed');
        const own = await tidb.session(start.tso);
        const context = tidb.context(`w${life}-${chunk.index}`);
        const request = { table, columns: mirrorColumns(table), options: SHANGHAI, chunk, cdcTs: start.tso };
        const local = await readChunk(context, own, request);
        own.close();
        return local;
      });
    });
  } finally {
    session.close();
  }
}

describe('from a database to a snapshot', () => {
  // The seed's own case: rows that exist before the log begins, changes that the log brings, workers that die.
  it('equals the table as of the boundary, whatever died on the way', async () => {
    await tidb.sql.query('CREATE TABLE orders (id BIGINT PRIMARY KEY, v VARCHAR(20), n DECIMAL(20,4))');
    const rows = Array.from({ length: 1_000 }, (_, i) => [i * 3, `v${i}`, `${i}.25`]);
    await tidb.sql.query('INSERT INTO orders VALUES ?', [rows]);
    await expect(worker(2)).rejects.toThrow('killed');
    expect((await chunksDone(engine.storage, directory)).length).toBeGreaterThanOrEqual(2);

    // The table moves on between two attempts; the bootstrap still shows the instant at which it began.
    const log: Record<string, unknown>[] = [];
    const change = async (op: string, id: number, sql: string): Promise<void> => {
      await tidb.sql.query(sql);
      const [[row]] = (await tidb.sql.query(
        `SELECT id, v, CAST(n AS CHAR) AS n FROM orders WHERE id = ${id}`,
      )) as unknown as [Record<string, unknown>[]];
      const session = await tidb.session();
      const cdc_ts = await currentTso(session);
      session.close();
      const at = new Date(tsoToMs(cdc_ts)).toISOString().replace('T', ' ').replace('Z', '');
      const tail = {
        kafka_partition: 0,
        kafka_offset: log.length,
        ingest_batch: 'b',
        event_time: at,
        cdc_op: op,
      };
      log.push({ ...(row ?? { id }), ...tail, cdc_ts, cdc_seq: 1, cdc_before: null });
    };
    await change('d', 0, 'DELETE FROM orders WHERE id = 0');
    await change('u', 300, `UPDATE orders SET v = 'new', n = 12345678901234.5678 WHERE id = 300`);
    await change('i', 1, `INSERT INTO orders VALUES (1, 'in', NULL)`);
    await expect(worker(3)).rejects.toThrow('killed');
    await change('u', 1, `UPDATE orders SET v = 'twice' WHERE id = 1`);
    await worker(Infinity);
    await worker(0);

    const { tso } = await startBootstrap(engine.storage, directory, () => Promise.reject(new Error('begun')));
    const table: SnapshotTable = {
      name: 'orders',
      kind: 'relational',
      key: ['id'],
      columns: [
        { name: 'id', type: 'bigint' },
        { name: 'v', type: 'string' },
        { name: 'n', type: 'decimal(20,4)' },
      ],
    };
    const instant = (ms: number) => ({ order: 'tso', ms, wall: '1970-01-01 00:00:00' }) as const;
    const manifest = await finishBootstrap(engine.storage, directory, table, instant(tsoToMs(tso)));
    expect(manifest.counts.rows).toBe(1_000);

    await new Promise((resolve) => setTimeout(resolve, 5));
    const boundaryMs = Date.now();
    await tidb.sql.query(`UPDATE orders SET v = 'after the boundary' WHERE id = 6`);
    const snapshot = await engine.snapshot({
      table,
      boundary: instant(boundaryMs),
      buckets: 4,
      previous: { directory, manifest },
      changes: [
        await engine.file([['id', 'BIGINT'], ['v', 'VARCHAR'], ['n', 'DECIMAL(20,4)'], ...CHANGE_TAIL], log),
      ],
    });
    expect(snapshot.manifest.counts).toMatchObject({ previous: 1_000, inserted: 1, deleted: 1, updated: 1 });

    const session = await tidb.session(tsoBefore(boundaryMs));
    const source = await readSourceTable(session, `${tidb.database}.orders`);
    const chunks: Chunk[] = [];
    for await (const chunk of planChunks(session, source, 300)) chunks.push(chunk);
    const columns = comparedColumns(source, mirrorColumns(source), SHANGHAI.zone);
    const sides = { columns, key: keyColumns(columns, ['id']), digits: 2 };
    const files = snapshot.manifest.files.filter((file) => file.kind === 'rows');
    const report = await verifyTable(tidb.context('verify'), session, {
      parts: partsOf({ table: source, ...sides }, chunks),
      mirror: {
        storage: engine.storage,
        files: files.map((file) => join(snapshot.directory, file.name)),
        mirror: mirrorColumns(source),
        ...sides,
      },
      limit: 10,
    });
    session.close();
    expect(report).toMatchObject({
      sourceRows: 1_000,
      mirrorRows: 1_000,
      differences: [],
      differingSlices: [],
    });
  });
});
