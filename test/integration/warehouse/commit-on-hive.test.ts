import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commitBatch, recover } from '../../../warehouse/commit.js';
import type { CommitRequest } from '../../../warehouse/commit-plan.js';
import { sweepGarbage } from '../../../warehouse/garbage.js';
import { stagingDirectory, tableDirectory, type Stream } from '../../../warehouse/layout.js';
import type { SplitManifest, StagedFile } from '../../../warehouse/manifest.js';
import { ManifestStore } from '../../../warehouse/manifest-store.js';
import { completePartition } from '../../../warehouse/partition-lifecycle.js';
import { claimDirectory, switchPartition } from '../../../warehouse/partition-switch.js';
import { textColumns } from '../../../warehouse/sql.js';
import { dropDatabase, hdfs, hive, removeRoot, ROOT } from './services.js';

const STREAM: Stream = { kafka: 'main', topic: 'stat.click' };
const storage = hdfs({ root: `${ROOT}/commit` });
const catalog = hive();
const warehouse = { storage, catalog };
let local: string;

beforeAll(async () => {
  local = await mkdtemp(join(tmpdir(), 'tributary-commit-'));
  await catalog.ensureTable({
    name: 'stat_click',
    columns: [
      { name: 'kafka_partition', type: 'int' },
      { name: 'kafka_offset', type: 'bigint' },
    ],
    partitionColumns: ['dt', 'hh'],
    location: storage.uri(tableDirectory('stat_click')),
  });
});
afterAll(async () => {
  await dropDatabase(catalog);
  await catalog.close();
  await removeRoot();
  await rm(local, { recursive: true, force: true });
});

/** Parquet of the offsets [from, to). */
async function parquet(from: number, to: number): Promise<string> {
  const path = join(local, `${from}-${to}.parquet`);
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const rows = `SELECT 0::INT AS kafka_partition, range::BIGINT AS kafka_offset FROM range(${from}, ${to})`;
  await connection.run(`COPY (${rows}) TO '${path}' (FORMAT parquet, COMPRESSION zstd)`);
  connection.closeSync();
  instance.closeSync();
  return path;
}

/** Stages offsets [from, to) in equal shares over the hours. */
async function staged(seq: number, from: number, to: number, hours: string[]): Promise<CommitRequest> {
  const batch = `b${seq}`;
  const directory = stagingDirectory({ run: 'run', batch, split: 0, attempt: 1 });
  const share = (to - from) / hours.length;
  const files: StagedFile[] = [];
  for (const [i, hh] of hours.entries()) {
    const path = await parquet(from + i * share, from + (i + 1) * share);
    const stagedPath = `${directory}/${i}.parquet`;
    await storage.upload(path, stagedPath);
    const bytes = (await storage.stat(stagedPath))!.size;
    files.push({
      ...{
        table: 'stat_click',
        partition: { dt: '2026-01-01', hh },
        stagedPath,
        finalName: `${batch}-${i}.parquet`,
      },
      ...{ rows: share, bytes, minEventMs: null, maxEventMs: null, minCdcTs: null, maxCdcTs: null },
    });
  }
  const manifest: SplitManifest = {
    ...{ version: 1, batch, ranges: [{ partition: 0, from, to }], records: to - from, quarantined: 0 },
    ...{ unmatched: 0, withoutRows: 0, bytesRead: 0, files, quarantineReasons: {}, watermarks: {} },
    ...{ schemaEvents: [], newColumns: {} },
  };
  return {
    ...{ ...STREAM, seq, batch, manifests: [manifest] },
    ...{ fromPositions: { 0: from }, positions: { 0: to } },
  };
}

async function counts(): Promise<Record<string, string | null>> {
  const [row] = await catalog.query(
    `SELECT ${textColumns({
      n: 'count(*)',
      offsets: 'count(DISTINCT kafka_partition, kafka_offset)',
      lowest: 'min(kafka_offset)',
      highest: 'max(kafka_offset)',
    })} FROM stat_click`,
  );
  return row ?? {};
}

describe('a commit on HDFS and Hive', () => {
  it('shows every record once, whoever commits how often', async () => {
    const first = await staged(1, 0, 900, ['00', '01', '02']);
    const results = await Promise.all([1, 2, 3].map(() => commitBatch(warehouse, first)));
    expect(results.map((summary) => summary.rows)).toEqual(Array(3).fill({ stat_click: 900 }));
    await commitBatch(warehouse, await staged(2, 900, 1000, ['01']));
    expect(await counts()).toEqual({ n: '1000', offsets: '1000', lowest: '0', highest: '999' });
    expect(await recover(warehouse, STREAM)).toMatchObject({ seq: 2, positions: { 0: 1000 } });
  });

  it('completes, compacts by one pointer move, and takes late rows as a new revision', async () => {
    const partition = { dt: '2026-01-01', hh: '01' };
    const about = { table: 'stat_click', partition };
    expect(
      await completePartition(warehouse, {
        ...about,
        positions: { 0: 1000 },
        completedAt: '2026-01-02T00:00:00Z',
      }),
    ).toMatchObject({ revision: 1, rows: 400 });
    const state = (await new ManifestStore(storage).readPartition('stat_click', partition))!;
    const inputs = (await storage.list(state.directory))
      .map(({ path }) => path)
      .filter((path) => path.endsWith('.parquet'));
    expect(inputs).toHaveLength(2);
    const newDirectory = await claimDirectory(warehouse, { ...about, attempt: 'a1', graceMs: 0 });
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    const compacted = join(local, 'compacted.parquet');
    await connection.run(
      `COPY (SELECT * FROM read_parquet(['${join(local, '300-600.parquet')}', '${join(local, '900-1000.parquet')}'])) TO '${compacted}' (FORMAT parquet)`,
    );
    await storage.upload(compacted, `${newDirectory}/c.parquet`);
    await commitBatch(warehouse, await staged(3, 1000, 1010, ['01']));
    const switched = await switchPartition(warehouse, {
      ...{ ...about, expectedDirectory: state.directory, newDirectory, newFiles: ['c.parquet'], inputs },
      ...{ mode: 'compact', streams: [STREAM], graceMs: 0 },
    });
    expect(switched).toMatchObject({ rows: 410, files: 2, revision: 2 });
    expect(storage.pathOf((await catalog.partitionLocation('stat_click', partition))!)).toBe(newDirectory);
    expect(await catalog.partitionParameters('stat_click', partition)).toMatchObject({
      'tributary.complete': 'true',
      'tributary.revision': '2',
      'tributary.rows': '410',
    });
    expect(await storage.stat(`${newDirectory}/_SUCCESS`)).toBeDefined();
    expect(await counts()).toEqual({ n: '1010', offsets: '1010', lowest: '0', highest: '1009' });
    expect(await sweepGarbage(warehouse, Date.now() + 1000)).toContain(state.directory);
    expect(await counts()).toMatchObject({ n: '1010' });
  });
});
