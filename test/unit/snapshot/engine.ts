import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duck } from '../../../warehouse/duckdb.js';
import { duckString } from '../../../warehouse/sql.js';
import type { Storage } from '../../../warehouse/storage.js';
import { FileStorage } from '../../../warehouse/storage-file.js';
import { bucketingOf } from '../../../warehouse/snapshot/bucketing.js';
import type { Emptying } from '../../../warehouse/snapshot/emptying.js';
import { needsSplit, previousBucket, type PreviousSnapshot } from '../../../warehouse/snapshot/manifest.js';
import { localFiles } from '../../../warehouse/snapshot/parquet.js';
import { mergeBucket } from '../../../warehouse/snapshot/merge-bucket.js';
import { publishSnapshot } from '../../../warehouse/snapshot/publish.js';
import { bucketChanges, bucketDeletes, bucketRows } from '../../../warehouse/snapshot/split.js';
import type {
  Boundary,
  BucketResult,
  FoldPatches,
  MergeContext,
  SnapshotTable,
  SourceFile,
} from '../../../warehouse/snapshot/types.js';

/** A column of a test file: name, DuckDB type. */
export type TestColumn = [name: string, type: string];

export const CHANGE_TAIL: TestColumn[] = [
  ['kafka_partition', 'INTEGER'],
  ['kafka_offset', 'BIGINT'],
  ['ingest_batch', 'VARCHAR'],
  ['event_time', 'TIMESTAMP'],
  ['cdc_op', 'VARCHAR'],
  ['cdc_ts', 'BIGINT'],
  ['cdc_seq', 'BIGINT'],
  ['cdc_before', 'VARCHAR'],
];

/** A warehouse in a temporary directory, and a merge driven as the activities drive it. */
export class TestEngine {
  private serial = 0;

  private constructor(
    readonly root: string,
    readonly storage: Storage,
    readonly duck: Duck,
  ) {}

  static async open(storage?: Storage): Promise<TestEngine> {
    const root = await mkdtemp(join(tmpdir(), 'tributary-snapshot-'));
    const duck = await Duck.open({ threads: 1, memoryLimitMb: 500, tempDirectory: join(root, 'spill') });
    return new TestEngine(root, storage ?? new FileStorage(join(root, 'storage')), duck);
  }

  async close(): Promise<void> {
    this.duck.close();
    await rm(this.root, { recursive: true, force: true });
  }

  context(): MergeContext {
    const id = ++this.serial;
    return {
      storage: this.storage,
      workDir: join(this.root, `work-${id}`),
      stagingDir: `_staging/run/merge/split/${id}`,
      duck: { threads: 1, memoryLimitMb: 500 },
    };
  }

  /** Puts rows into the storage as a Parquet file. */
  async file(columns: TestColumn[], rows: Record<string, unknown>[]): Promise<SourceFile> {
    const id = ++this.serial;
    const lines = join(this.root, `rows-${id}.ndjson`);
    const local = join(this.root, `rows-${id}.parquet`);
    await writeFile(lines, rows.map((row) => JSON.stringify(row) + '\n').join(''));
    const types = columns.map(([name, type]) => `${duckString(name)}: ${duckString(type)}`).join(', ');
    const source =
      rows.length === 0
        ? `(SELECT ${columns.map(([name, type]) => `NULL::${type} AS "${name}"`).join(', ')} WHERE false)`
        : `read_json(${duckString(lines)}, format = 'newline_delimited', columns = {${types}})`;
    await this.duck.run(`COPY (SELECT * FROM ${source}) TO ${duckString(local)} (FORMAT parquet)`);
    const path = `in/file-${id}.parquet`;
    await this.storage.upload(local, path);
    return { path, rows: rows.length };
  }

  /** One whole merge: split in two tasks, merge of every bucket, publication. */
  async snapshot(options: {
    table: SnapshotTable;
    boundary: Boundary;
    buckets: number;
    changes: SourceFile[];
    previous?: PreviousSnapshot;
    latenessMs?: number;
    foldPatches?: FoldPatches;
    emptyings?: Emptying[];
  }): Promise<PreviousSnapshot> {
    const { table, boundary, buckets, previous, changes } = options;
    const now = bucketingOf(table, buckets);
    const half = Math.ceil(changes.length / 2);
    const tasks = [changes.slice(0, half), changes.slice(half)];
    const splits = [];
    const emptyings = options.emptyings ?? [];
    for (const files of tasks)
      splits.push(await bucketChanges(this.context(), { table, boundary, files, buckets, emptyings }));
    if (previous && emptyings.length > 0) {
      const stored = previous.manifest.files.filter((file) => file.kind !== 'tombstones');
      const files = stored.map(({ name, rows }) => ({ path: `${previous.directory}/${name}`, rows }));
      if (files.length > 0)
        splits.push(await bucketDeletes(this.context(), { table, emptyings, files, buckets }));
    }
    const base =
      previous && needsSplit(previous, now)
        ? await bucketRows(this.context(), {
            table,
            buckets,
            files: previous.manifest.files
              .filter((file) => file.kind === 'rows')
              .map((file) => ({ path: `${previous.directory}/${file.name}`, rows: file.rows })),
          })
        : undefined;
    const results: BucketResult[] = [];
    for (let bucket = 0; bucket < buckets; bucket++) {
      results.push(
        await mergeBucket(this.context(), {
          table,
          boundary,
          latenessMs: options.latenessMs ?? 10 ** 12,
          bucket,
          buckets,
          ...(previous && { previous: previousBucket(previous, table, now, bucket, base?.buckets) }),
          changes: splits.flatMap((split) => split.buckets.filter((part) => part.bucket === bucket)),
          ...(options.foldPatches && { foldPatches: options.foldPatches }),
        }),
      );
    }
    const directory = `${table.name}_snapshot/dt=x/v${++this.serial}`;
    const manifest = await publishSnapshot(this.storage, {
      table,
      boundary,
      revision: 1,
      engine: 'duckdb',
      bucketing: now,
      results,
      expected: {
        previousRows: previous?.manifest.counts.rows ?? 0,
        changes: splits.reduce((sum, split) => sum + split.written, 0),
      },
      applied: {},
      previous: previous
        ? { directory: previous.directory, boundaryMs: previous.manifest.boundaryMs, revision: 1 }
        : null,
      directory,
    });
    return { directory, manifest };
  }

  /** Rows that a reader of the directory sees, as Hive would: no hidden files. */
  async rows<T>(snapshot: PreviousSnapshot, columns: string, order: string): Promise<T[]> {
    const files = (await this.storage.list(snapshot.directory)).filter(
      (file) => !/\/_[^/]*$/.test(file.path),
    );
    if (files.length === 0) return [];
    const { storage } = this;
    const local = await localFiles(
      { storage, workDir: this.root },
      files.map((file) => file.path),
      `read-${++this.serial}`,
    );
    const list = local.map(duckString).join(', ');
    return this.duck.rows<T>(
      `SELECT ${columns} FROM read_parquet([${list}], union_by_name = true, hive_partitioning = false) ORDER BY ${order}`,
    );
  }
}

/** A boundary in a zone of UTC. */
export function utc(order: Boundary['order'], ms: number): Boundary {
  return { order, ms, wall: new Date(ms).toISOString().replace('T', ' ').replace('Z', '') };
}
