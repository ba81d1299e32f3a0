/**
 * Merge of a snapshot against copying its base once. `npm run bench -- snapshot --rows 10000000 --changes 500000 --hive`
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readEndpoints } from '../stack/endpoints.js';
import { HiveCatalog } from '../warehouse/catalog-hive.js';
import { Duck } from '../warehouse/duckdb.js';
import { mapParallel } from '../warehouse/parallel.js';
import { bucketingOf, bucketSql, chooseBucketCount } from '../warehouse/snapshot/bucketing.js';
import { hiveMerge } from '../warehouse/snapshot/hive-merge.js';
import { previousBucket, type PreviousSnapshot } from '../warehouse/snapshot/manifest.js';
import { mergeBucket } from '../warehouse/snapshot/merge-bucket.js';
import { fileChecksum, PARQUET_OPTIONS } from '../warehouse/snapshot/parquet.js';
import { publishSnapshot } from '../warehouse/snapshot/publish.js';
import { bucketChanges } from '../warehouse/snapshot/split.js';
import type { MergeContext, SnapshotTable, SourceFile } from '../warehouse/snapshot/types.js';
import { FileStorage } from '../warehouse/storage-file.js';

const { values: flags } = parseArgs({
  options: {
    rows: { type: 'string', default: '2000000' },
    changes: { type: 'string', default: '100000' },
    'rows-per-bucket': { type: 'string', default: '2000000' },
    threads: { type: 'string', default: '1' },
    'memory-mb': { type: 'string', default: '1000' },
    parallel: { type: 'string', default: '2' },
    hive: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
});
const number = (name: Exclude<keyof typeof flags, 'hive' | 'keep'>): number => Number(flags[name]);

const table: SnapshotTable = {
  name: 'bench',
  kind: 'relational',
  key: ['id'],
  columns: [
    { name: 'id', type: 'bigint' },
    { name: 'user_id', type: 'bigint' },
    { name: 'amount', type: 'decimal(18,2)' },
    { name: 'status', type: 'string' },
    { name: 'note', type: 'string' },
    { name: 'created', type: 'timestamp' },
    { name: 'paid', type: 'boolean' },
  ],
};
const BOUNDARY = { order: 'tso', ms: Date.parse('2030-01-01Z'), wall: '2030-01-01 00:00:00' } as const;
const COLUMNS =
  `(hash(range + 1) % 1000000)::BIGINT AS user_id, (hash(range + 7) % 10000000)::DECIMAL(18,2) / 100 AS amount, ` +
  `'status-' || (range % 7) AS status, md5(range::VARCHAR) AS note, ` +
  `TIMESTAMP '2024-01-01' + to_seconds(range % 86400) AS created, range % 3 = 0 AS paid`;
const AMOUNT = `* REPLACE (amount::DECIMAL(18,2) AS amount)`;

interface Cost {
  seconds: number;
  cpu: number;
}

/** Wall and CPU seconds of a piece of work in this process. */
async function cost(work: () => Promise<unknown>): Promise<Cost> {
  const started = process.hrtime.bigint();
  const before = process.cpuUsage();
  await work();
  const used = process.cpuUsage(before);
  return {
    seconds: Number(process.hrtime.bigint() - started) / 1e9,
    cpu: (used.user + used.system) / 1e6,
  };
}

async function main(): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'tributary-bench-snapshot-'));
  try {
    await bench(root);
  } finally {
    if (flags.keep) console.log(`kept ${root}`);
    else await rm(root, { recursive: true, force: true });
  }
}

async function bench(root: string): Promise<void> {
  const storage = new FileStorage(join(root, 'storage'));
  // A worker merges one bucket a core at a time: the copy has all cores too.
  const duck = await Duck.open({
    threads: number('threads') * number('parallel'),
    memoryLimitMb: number('memory-mb'),
    tempDirectory: join(root, 'spill'),
  });
  const buckets = chooseBucketCount(number('rows'), number('rows-per-bucket'));
  const previous = await makeBase(duck, storage, root, buckets);
  const changes = join(root, 'changes.parquet');
  await duck.run(
    `COPY (SELECT ${AMOUNT} FROM (SELECT (hash(range) % ${Math.floor(number('rows') * 1.1)})::BIGINT AS id, ${COLUMNS}, ` +
      `0 AS kafka_partition, range AS kafka_offset, 'b' AS ingest_batch, TIMESTAMP '2024-06-01' AS event_time, ` +
      `CASE WHEN range % 10 = 0 THEN 'd' ELSE 'u' END AS cdc_op, (449100000000000000 + range)::BIGINT AS cdc_ts, ` +
      `0::BIGINT AS cdc_seq, NULL::VARCHAR AS cdc_before FROM range(${number('changes')}))) ` +
      `TO '${changes}' (${PARQUET_OPTIONS})`,
  );
  await storage.upload(changes, 'in/changes.parquet');
  const local = previous.manifest.files.map((file) => join(storage.root, previous.directory, file.name));
  const copyBase = () =>
    cost(() =>
      duck.run(
        `COPY (SELECT * FROM read_parquet([${local.map((path) => `'${path}'`).join(', ')}])) ` +
          `TO '${join(root, 'copy.parquet')}' (${PARQUET_OPTIONS})`,
      ),
    );
  // Before and after: on a shared machine one measurement says little.
  const first = await copyBase();
  const merged = await mergeAll(storage, root, previous, buckets);
  const second = await copyBase();
  duck.close();
  const hive = flags.hive ? await mergeOnHive(storage, previous, merged.events) : undefined;
  const copy = { seconds: (first.seconds + second.seconds) / 2, cpu: (first.cpu + second.cpu) / 2 };
  report('copy of the base', copy, copy);
  report('split of the changes', merged.split, copy);
  report('merge of all buckets', merged.merge, copy);
  report('publication', merged.publish, copy);
  const total = {
    seconds: merged.split.seconds + merged.merge.seconds + merged.publish.seconds,
    cpu: merged.split.cpu + merged.merge.cpu + merged.publish.cpu,
  };
  report('snapshot', total, copy);
  if (hive) {
    console.log(
      `same merge by Hive      ${hive.toFixed(2).padStart(8)} s  ${(hive / total.seconds).toFixed(2)} x the snapshot's time`,
    );
  }
  console.log(`${buckets} buckets, counts ${JSON.stringify(merged.counts)}`);
  console.log(`peak memory of this process ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB`);
}

async function makeBase(
  duck: Duck,
  storage: FileStorage,
  root: string,
  buckets: number,
): Promise<PreviousSnapshot> {
  const directory = 'bench_snapshot/dt=2024-05-31/v1';
  const files: PreviousSnapshot['manifest']['files'] = [];
  for (let bucket = 0; bucket < buckets; bucket++) {
    const local = join(root, `base-${bucket}.parquet`);
    await duck.run(
      `COPY (SELECT ${AMOUNT} FROM (SELECT range AS id, ${COLUMNS}, (449000000000000000 + range)::BIGINT AS cdc_ts, ` +
        `0::BIGINT AS cdc_seq FROM range(${number('rows')})) WHERE ${bucketSql(table, buckets)} = ${bucket}) ` +
        `TO '${local}' (${PARQUET_OPTIONS})`,
    );
    const [row] = await duck.rows<{ rows: string }>(`SELECT count(*) AS rows FROM '${local}'`);
    const name = `bucket-${bucket}.parquet`;
    const checksum = await fileChecksum(local);
    await storage.upload(local, `${directory}/${name}`);
    const bytes = (await storage.stat(`${directory}/${name}`))!.size;
    await rm(local);
    files.push({ kind: 'rows', name, bucket, rows: Number(row!.rows), bytes, checksum });
  }
  const rows = files.reduce((sum, file) => sum + file.rows, 0);
  const none = { changes: 0, previous: 0, inserted: rows, updated: 0, deleted: 0, rows, tombstones: 0 };
  return {
    directory,
    manifest: {
      version: 1,
      table: table.name,
      boundaryMs: 0,
      order: 'tso',
      revision: 1,
      engine: 'duckdb',
      bucketing: bucketingOf(table, buckets),
      columns: [],
      counts: { ...none, pendingPatches: 0, latePatches: 0, unknownPatches: 0 },
      files,
      applied: {},
      previous: null,
    },
  };
}

async function mergeAll(storage: FileStorage, root: string, previous: PreviousSnapshot, buckets: number) {
  const boundary = BOUNDARY;
  const now = bucketingOf(table, buckets);
  const context = (name: string): MergeContext => ({
    storage,
    workDir: join(root, 'work', name),
    stagingDir: `_staging/run/merge/${name}/1`,
    duck: { threads: number('threads'), memoryLimitMb: number('memory-mb') },
  });
  const files = [{ path: 'in/changes.parquet', rows: number('changes') }];
  let written: Awaited<ReturnType<typeof bucketChanges>> | undefined;
  const split = await cost(async () => {
    written = await bucketChanges(context('split'), { table, boundary, files, buckets });
  });
  let results: Awaited<ReturnType<typeof mergeBucket>>[] = [];
  const merge = await cost(async () => {
    results = await mapParallel([...Array(buckets).keys()], number('parallel'), (bucket) =>
      mergeBucket(context(String(bucket)), {
        table,
        boundary,
        latenessMs: 86_400_000,
        bucket,
        buckets,
        previous: previousBucket(previous, table, now, bucket),
        changes: written!.buckets.filter((part) => part.bucket === bucket),
      }),
    );
  });
  let counts = {};
  const publish = await cost(async () => {
    const manifest = await publishSnapshot(storage, {
      table,
      boundary,
      revision: 1,
      engine: 'duckdb',
      bucketing: now,
      results,
      expected: { previousRows: previous.manifest.counts.rows, changes: written!.written },
      applied: {},
      previous: null,
      directory: 'bench_snapshot/dt=2024-06-01/v1',
    });
    counts = manifest.counts;
  });
  return { split, merge, publish, counts, events: written!.buckets };
}

/** The same merge as one HiveQL statement over the same files, in a Hive that is warm already. */
async function mergeOnHive(
  storage: FileStorage,
  previous: PreviousSnapshot,
  events: SourceFile[],
): Promise<number> {
  const database = `bench_${randomBytes(4).toString('hex')}`;
  const options = { ...readEndpoints().hive, auth: 'nosasl', user: 'hive' } as const;
  const elsewhere = new HiveCatalog({ ...options, database: 'default' });
  await elsewhere.execute(`CREATE DATABASE ${database}`);
  const catalog = new HiveCatalog({ ...options, database });
  try {
    await catalog.query('SELECT count(*) FROM (SELECT 1 AS a) t');
    const context = { storage, catalog, stagingDir: '_staging/run/merge/hive/1', id: database };
    const request = { table, boundary: BOUNDARY, latenessMs: 86_400_000, previous, events };
    return (await cost(() => hiveMerge(context, request))).seconds;
  } finally {
    await catalog.close();
    await elsewhere.execute(`DROP DATABASE ${database} CASCADE`);
    await elsewhere.close();
  }
}

function report(what: string, { seconds, cpu }: Cost, copy: Cost): void {
  const ratio = `${(seconds / copy.seconds).toFixed(2)} x wall, ${(cpu / copy.cpu).toFixed(2)} x CPU of the copy`;
  console.log(
    `${what.padEnd(22)} ${seconds.toFixed(2).padStart(8)} s  ${cpu.toFixed(2).padStart(8)} CPU s  ${ratio}`,
  );
}

await main();
