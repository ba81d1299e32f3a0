import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bucketingOf } from '../../../warehouse/snapshot/bucketing.js';
import { readSnapshotManifest } from '../../../warehouse/snapshot/manifest.js';
import { mergeBucket } from '../../../warehouse/snapshot/merge-bucket.js';
import {
  checkSnapshotFiles,
  publishSnapshot,
  type PublishRequest,
} from '../../../warehouse/snapshot/publish.js';
import { bucketChanges } from '../../../warehouse/snapshot/split.js';
import type { BucketResult, SnapshotTable } from '../../../warehouse/snapshot/types.js';
import { CHANGE_TAIL, TestEngine, utc } from './engine.js';

const table: SnapshotTable = {
  name: 'orders',
  kind: 'relational',
  key: ['id'],
  columns: [{ name: 'id', type: 'bigint' }],
};
const boundary = utc('ms', 10_000);

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.open();
});
afterAll(() => engine.close());

let serial = 0;

/** Merged buckets of ten rows, not published yet. `again` merges the same once more, as a second attempt does. */
async function merged(): Promise<{ request: PublishRequest; again: () => Promise<BucketResult[]> }> {
  const rows = Array.from({ length: 10 }, (_, id) => ({
    id,
    kafka_partition: 0,
    kafka_offset: id,
    ingest_batch: 'b',
    event_time: '1970-01-01 00:00:01',
    cdc_op: 'i',
    cdc_ts: 1000,
    cdc_seq: 0,
  }));
  const files = [await engine.file([['id', 'BIGINT'], ...CHANGE_TAIL], rows)];
  const split = await bucketChanges(engine.context(), { table, boundary, files, buckets: 2 });
  const again = async (): Promise<BucketResult[]> => {
    const results: BucketResult[] = [];
    for (const bucket of [0, 1]) {
      const changes = split.buckets.filter((part) => part.bucket === bucket);
      const context = engine.context();
      results.push(
        await mergeBucket(context, { table, boundary, latenessMs: 0, bucket, buckets: 2, changes }),
      );
    }
    return results;
  };
  const request: PublishRequest = {
    table,
    boundary,
    revision: 1,
    engine: 'duckdb',
    bucketing: bucketingOf(table, 2),
    results: await again(),
    expected: { previousRows: 0, changes: 10 },
    applied: { 'main/topic': 7 },
    previous: null,
    directory: `orders_snapshot/dt=2024-01-01/v${++serial}`,
  };
  return { request, again };
}

describe('publication', () => {
  // A crash between two renames, or a zombie beside its successor, must end in the same directory.
  it('may be repeated, and a second attempt of a bucket changes nothing', async () => {
    const { request, again } = await merged();
    const first = await publishSnapshot(engine.storage, request);
    const before = await engine.storage.list(request.directory);
    expect(await publishSnapshot(engine.storage, request)).toEqual(first);
    await publishSnapshot(engine.storage, { ...request, results: await again() });
    const after = await engine.storage.list(request.directory);
    expect(after.map(({ path, size }) => ({ path, size }))).toEqual(
      before.map(({ path, size }) => ({ path, size })),
    );
    expect(await readSnapshotManifest(engine.storage, request.directory)).toEqual(first);
    expect(first).toMatchObject({ applied: { 'main/topic': 7 }, counts: { rows: 10, inserted: 10 } });
  });

  it('goes on where a killed attempt stopped', async () => {
    const { request } = await merged();
    const file = request.results[1]!.files[0]!;
    await engine.storage.rename(file.stagedPath, `${request.directory}/${file.finalName}`);
    expect((await publishSnapshot(engine.storage, request)).files).toHaveLength(2);
  });

  // A snapshot without one of its buckets would be published as if those rows were deleted.
  it('stops without a manifest when numbers, files or sizes are wrong', async () => {
    const fails = async (change: (request: PublishRequest) => Promise<void> | void, code: string) => {
      const { request } = await merged();
      await change(request);
      await expect(publishSnapshot(engine.storage, request)).rejects.toMatchObject({ code });
      expect(await readSnapshotManifest(engine.storage, request.directory)).toBeUndefined();
    };
    await fails((request) => void (request.results = request.results.slice(1)), 'SnapshotCheckFailed');
    await fails((request) => void (request.expected.changes = 11), 'SnapshotCheckFailed');
    await fails((request) => void (request.expected.previousRows = 1), 'SnapshotCheckFailed');
    await fails(
      (request) => engine.storage.remove(request.results[0]!.files[0]!.stagedPath),
      'SnapshotFileLost',
    );
    await fails(
      (request) => engine.storage.write(request.results[0]!.files[0]!.stagedPath, 'cut'),
      'SnapshotCheckFailed',
    );
  });

  // Hive would read the stranger too, and show its rows twice.
  it('refuses a directory with files that are not its own', async () => {
    const { request } = await merged();
    await engine.storage.write(`${request.directory}/part-0.parquet`, 'x');
    await expect(publishSnapshot(engine.storage, request)).rejects.toThrow(/part-0.parquet/);
  });

  it('notices later that a file of a published snapshot is gone or was cut', async () => {
    const { request } = await merged();
    const { files } = await publishSnapshot(engine.storage, request);
    expect(await checkSnapshotFiles(engine.storage, request.directory)).toMatchObject({ files });
    await engine.storage.write(`${request.directory}/${files[0]!.name}`, 'cut');
    await expect(checkSnapshotFiles(engine.storage, request.directory)).rejects.toThrow(/but has 3/);
    await engine.storage.remove(`${request.directory}/${files[0]!.name}`);
    await expect(checkSnapshotFiles(engine.storage, request.directory)).rejects.toThrow(/is gone/);
  });
});
