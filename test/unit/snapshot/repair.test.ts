import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { duckString } from '../../../warehouse/sql.js';
import { changedFiles, changedText } from '../../../warehouse/snapshot/changed-files.js';
import { writeSnapshotManifest } from '../../../warehouse/snapshot/manifest.js';
import { checkSnapshotFiles } from '../../../warehouse/snapshot/publish.js';
import { repairSnapshot } from '../../../warehouse/snapshot/repair.js';
import type { SnapshotTable } from '../../../warehouse/snapshot/types.js';
import { CHANGE_TAIL, TestEngine, utc } from './engine.js';

const table: SnapshotTable = {
  name: 'orders',
  kind: 'relational',
  key: ['id'],
  columns: [
    { name: 'id', type: 'bigint' },
    { name: 'v', type: 'string' },
  ],
};

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.open();
});
afterAll(() => engine.close());

const change = (id: number, v: string, ms = 1_000) => ({
  ...{ id, v, kafka_partition: 0, kafka_offset: ms + id, ingest_batch: 'b' },
  ...{ event_time: new Date(ms).toISOString(), cdc_op: 'i', cdc_ts: ms, cdc_seq: 0 },
});
const columns = [['id', 'BIGINT'], ['v', 'VARCHAR'], ...CHANGE_TAIL] as [string, string][];

/** A snapshot of twenty rows in two buckets, and what someone does to it with Hive. */
async function overwritten(select: string) {
  const rows = Array.from({ length: 20 }, (_, id) => change(id, `v${id}`));
  const snapshot = await engine.snapshot({
    ...{ table, boundary: utc('ms', 10_000), buckets: 2 },
    changes: [await engine.file(columns, rows)],
  });
  const { storage, duck, root } = engine;
  const paths = snapshot.manifest.files
    .filter(({ kind }) => kind === 'rows')
    .map(({ name }) => `${snapshot.directory}/${name}`);
  const list = paths.map((path) => duckString(storage.uri(path).slice('file://'.length))).join(', ');
  const local = join(root, 'overwritten.parquet');
  await duck.run(`CREATE OR REPLACE TABLE t AS SELECT * FROM read_parquet([${list}])`);
  await duck.run(`COPY (${select}) TO ${duckString(local)} (FORMAT parquet)`);
  for (const path of paths) await storage.remove(path);
  await storage.upload(local, `${snapshot.directory}/000000_0`);
  return snapshot;
}

describe('repair of a snapshot', () => {
  it('takes up the rows of an INSERT OVERWRITE, and later snapshots are made of it', async () => {
    const { directory, manifest } = await overwritten(
      `SELECT id, CASE WHEN id = 3 THEN 'by hand' ELSE v END AS v, cdc_ts, cdc_seq FROM t WHERE id <> 5
       UNION ALL SELECT id, v, cdc_ts, cdc_seq FROM t WHERE id = 7`,
    );
    const { storage, duck } = engine;
    // Nobody can make a later snapshot of it, and is told the way out, not that a good one is in place.
    const refused = checkSnapshotFiles(storage, directory);
    await expect(refused).rejects.toMatchObject({ code: 'SnapshotDamaged' });
    await expect(refused).rejects.toThrow('tributary snapshot orders --from 1970-01-01T00:00:09Z');
    await expect(refused).rejects.not.toThrow('last good');

    const present = await storage.list(directory);
    expect(changedText(changedFiles(manifest, present))).toBe(
      "someone changed the snapshot's files (INSERT OVERWRITE, say): 2 of its 2 files are gone or written over; 000000_0 came from elsewhere",
    );
    const to = `${directory}-repaired`;
    await storage.makeDirectory(to);
    const { path } = await engine.file(
      [
        ['id', 'BIGINT'],
        ['v', 'VARCHAR'],
        ['cdc_ts', 'BIGINT'],
        ['cdc_seq', 'BIGINT'],
      ],
      [3, 5, 7, 8].map((id) => ({ id, v: `v${id}`, cdc_ts: 1_000, cdc_seq: 0 })),
    );
    const context = engine.context();
    await mkdir(context.workDir, { recursive: true });
    const repaired = await repairSnapshot({ ...context, signal: AbortSignal.timeout(60_000) }, duck, {
      ...{ table, manifest, from: directory, present, to, revision: 2 },
      fresh: [storage.uri(path).slice('file://'.length)],
      keyText: 'CAST(id AS VARCHAR)',
      keys: ['3', '5', '7'],
    });
    await writeSnapshotManifest(storage, to, repaired);
    expect(await checkSnapshotFiles(storage, to)).toMatchObject({ counts: { rows: 20 } });
    const right = Array.from({ length: 20 }, (_, id) => ({ id: String(id), v: `v${id}` }));
    expect(await engine.rows({ directory: to, manifest: repaired }, 'id, v', 'id')).toEqual(right);

    const next = await engine.snapshot({
      ...{ table, boundary: utc('ms', 20_000), buckets: 2, previous: { directory: to, manifest: repaired } },
      changes: [await engine.file(columns, [change(7, 'newer', 11_000)])],
    });
    right[7] = { id: '7', v: 'newer' };
    expect(await engine.rows(next, 'id, v', 'id')).toEqual(right);
  });
});
