import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readEndpoints } from '../../../stack/endpoints.js';
import { HiveCatalog } from '../../../warehouse/catalog-hive.js';
import { bucketingOf } from '../../../warehouse/snapshot/bucketing.js';
import { resolvePatches } from '../../../warehouse/snapshot/hive-documents.js';
import { hiveMerge } from '../../../warehouse/snapshot/hive-merge.js';
import type { PreviousSnapshot } from '../../../warehouse/snapshot/manifest.js';
import { publishSnapshot } from '../../../warehouse/snapshot/publish.js';
import { bucketChanges } from '../../../warehouse/snapshot/split.js';
import type { SnapshotTable, SourceFile } from '../../../warehouse/snapshot/types.js';
import { WebHdfsStorage } from '../../../warehouse/storage-webhdfs.js';
import {
  documentColumns,
  documentTable,
  eventCommits,
  eventHistory,
  foldAll,
  landedEvents,
  playEvents,
} from '../../unit/snapshot/documents.js';
import { CHANGE_TAIL, TestEngine, utc, type TestColumn } from '../../unit/snapshot/engine.js';
import {
  deliveries,
  landedChanges,
  replay,
  shopColumns,
  shopTable,
  sourceHistory,
} from '../../unit/snapshot/history.js';

const RUN = `snap_${randomBytes(4).toString('hex')}`;
const { hive, hdfs } = readEndpoints();
const catalog = new HiveCatalog({ ...hive, auth: 'nosasl', user: 'hive', database: RUN });
const elsewhere = new HiveCatalog({ ...hive, auth: 'nosasl', user: 'hive', database: 'default' });
const storage = (root: string): WebHdfsStorage =>
  new WebHdfsStorage({ urls: [hdfs.webhdfsUrl], user: 'hive', root, fsUri: hdfs.fsUrl });

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.open(storage(`/warehouse/test-${RUN}`));
  await elsewhere.execute(`CREATE DATABASE ${RUN}`);
});
afterAll(async () => {
  await engine.close();
  await elsewhere.execute(`DROP DATABASE IF EXISTS ${RUN} CASCADE`);
  await Promise.all([catalog.close(), elsewhere.close()]);
  await storage('/warehouse').remove(`test-${RUN}`);
});

let serial = 0;

/** The same merge as `TestEngine.snapshot`, by the hive engine. */
async function hiveSnapshot(options: Parameters<TestEngine['snapshot']>[0]): Promise<PreviousSnapshot> {
  const { table, boundary, previous, changes } = options;
  const split = await bucketChanges(engine.context(), { table, boundary, files: changes, buckets: 2 });
  const context = { ...engine.context(), catalog, id: `${RUN}-${++serial}` };
  const request = {
    table,
    boundary,
    latenessMs: options.latenessMs ?? 10 ** 12,
    events: split.buckets,
    ...(previous && { previous }),
  };
  const resolved =
    table.kind === 'document' ? await resolvePatches(context, request, options.foldPatches!) : undefined;
  const result = await hiveMerge(context, { ...request, ...(resolved && { resolved }) });
  const directory = `${table.name}_snapshot/dt=h/v${serial}`;
  const manifest = await publishSnapshot(engine.storage, {
    table,
    boundary,
    revision: 1,
    engine: 'hive',
    bucketing: bucketingOf(table, 1),
    results: [result],
    expected: { previousRows: previous?.manifest.counts.rows ?? 0, changes: split.written },
    applied: {},
    previous: null,
    directory,
  });
  return { directory, manifest };
}

const comparable = ({ manifest }: PreviousSnapshot) => manifest.counts;

describe('the hive engine', () => {
  // Two engines that disagree would make a table's history depend on its size.
  it.each([11, 12, 13])('gives the same rows as duckdb and as the model, history %i', async (seed) => {
    const [delivery] = fc.sample(sourceHistory.chain(deliveries), { seed, numRuns: 1 });
    const files: SourceFile[] = [];
    for (const [i, commit] of delivery!.commits.entries()) {
      files.push(await engine.file(shopColumns, landedChanges(commit, i * 100)));
    }
    let previous: PreviousSnapshot | undefined;
    // Engines take turns: each starts from what the other wrote.
    for (const [i, { boundary }] of delivery!.snapshots.slice(0, 2).entries()) {
      const request = {
        table: shopTable,
        boundary: utc('ms', boundary + 10_000 * (i + 1)),
        buckets: 2,
        changes: i === 0 ? files.slice(0, 3) : files,
        ...(previous && { previous }),
      };
      const byDuck = await engine.snapshot(request);
      const byHive = await hiveSnapshot(request);
      const rows = (of: PreviousSnapshot) => engine.rows(of, '*', 'a, b');
      expect(await rows(byHive)).toEqual(await rows(byDuck));
      expect(comparable(byHive)).toEqual(comparable(byDuck));
      const model = replay(
        delivery!.commits
          .slice(0, request.changes.length)
          .flat()
          .filter((change) => change.ts < request.boundary.ms),
      );
      expect(byHive.manifest.counts.rows).toBe(model.length);
      const shown = await engine.rows<{ a: number; b: string; n: string | null }>(
        byHive,
        'a, b, v, n',
        'a, b',
      );
      expect(shown.map((row) => ({ ...row, n: row.n === null ? null : Number(row.n) }))).toEqual(model);
      previous = byHive;
    }
    const next = { table: shopTable, boundary: utc('ms', 10 ** 6), buckets: 4, changes: files };
    const last = await engine.snapshot({ ...next, ...(previous && { previous }) });
    expect(last.manifest.counts.rows).toBe(replay(delivery!.commits.flat()).length);
  });

  it('folds the partial updates of documents, and keeps those that wait', async () => {
    const [history] = fc.sample(eventHistory, { seed: 5, numRuns: 1 });
    let i = 0;
    const commits = eventCommits(history!, { next: () => ({ value: (i += 7919) % 1000, done: false }) });
    const files: SourceFile[] = [];
    for (const [n, commit] of commits.entries()) {
      files.push(await engine.file(documentColumns, landedEvents(commit, n * 100)));
    }
    let previous: PreviousSnapshot | undefined;
    for (const [boundary, count] of [
      [20_000, 2],
      [99_000, 4],
    ] as const) {
      const request = {
        table: documentTable,
        boundary: utc('ms', boundary),
        buckets: 1,
        changes: files.slice(0, count),
        foldPatches: foldAll,
        ...(previous && { previous }),
      };
      const byDuck = await engine.snapshot(request);
      const byHive = await hiveSnapshot(request);
      const delivered = commits.slice(0, count).flat();
      const model = playEvents(delivered.filter((event) => event.ts < boundary));
      expect(await engine.rows(byHive, 'doc_id, doc, n', 'doc_id')).toEqual(model.rows);
      expect(await engine.rows(byHive, '*', 'doc_id')).toEqual(await engine.rows(byDuck, '*', 'doc_id'));
      expect(byHive.manifest.counts.pendingPatches).toBe(model.pending);
      previous = byHive;
    }
  });

  // Values that change on their way through the other engine would look like changes of the source.
  it('keeps every type exactly, reads older columns and narrower types, and drops expired tombstones', async () => {
    const narrow: TestColumn[] = [['id', 'INTEGER'], ['amount', 'DECIMAL(9,2)'], ...CHANGE_TAIL];
    const wide: TestColumn[] = [
      ['id', 'BIGINT'],
      ['amount', 'DECIMAL(20,4)'],
      ['d', 'DATE'],
      ['t', 'TIMESTAMP'],
      ['f', 'FLOAT'],
      ['g', 'DOUBLE'],
      ['b', 'BLOB'],
      ['flag', 'BOOLEAN'],
      ['s', 'VARCHAR'],
      ['small', 'TINYINT'],
      ...CHANGE_TAIL,
    ];
    const old: SnapshotTable = {
      name: 'typed',
      kind: 'relational',
      key: ['id'],
      columns: [
        { name: 'id', type: 'int' },
        { name: 'amount', type: 'decimal(9,2)' },
      ],
    };
    const now: SnapshotTable = {
      ...old,
      columns: [
        { name: 'id', type: 'bigint' },
        { name: 'amount', type: 'decimal(20,4)' },
        { name: 'd', type: 'date' },
        { name: 't', type: 'timestamp' },
        { name: 'f', type: 'float' },
        { name: 'g', type: 'double' },
        { name: 'b', type: 'binary' },
        { name: 'flag', type: 'boolean' },
        { name: 's', type: 'string' },
        { name: 'small', type: 'tinyint' },
      ],
    };
    const tail = (op: string, ts: number) => ({
      kafka_partition: 0,
      kafka_offset: ts,
      ingest_batch: 'b',
      event_time: '1970-01-01 00:00:01',
      cdc_op: op,
      cdc_ts: ts,
      cdc_seq: 0,
      cdc_before: null,
    });
    const first = await engine.snapshot({
      table: old,
      boundary: utc('ms', 5_000),
      buckets: 2,
      latenessMs: 1_000,
      changes: [
        await engine.file(narrow, [
          { id: 1, amount: '-9999999.99', ...tail('i', 1_000) },
          { id: 2, amount: '0.01', ...tail('i', 1_000) },
          { id: 3, ...tail('d', 4_500) },
          { id: 4, ...tail('d', 3_000) },
        ]),
      ],
    });
    expect(first.manifest.counts.tombstones).toBe(1);
    const values = {
      amount: '1234567890123456.7891',
      d: '0001-01-01',
      t: '2024-03-10 02:30:00.123456',
      f: 0.1,
      g: -1.7976931348623157e308,
      b: '\\x00\\xFF',
      flag: true,
      s: 'tab\t line\n null\0 é😀"\\',
      small: -128,
    };
    const request = {
      table: now,
      boundary: utc('ms', 9_000),
      buckets: 2,
      latenessMs: 1_000,
      previous: first,
      changes: [
        await engine.file(wide, [
          { id: '9223372036854775807', ...values, ...tail('i', 8_000) },
          { id: 2, ...tail('u', 8_000) },
          { id: 3, ...values, ...tail('i', 4_000) },
          { id: 5, ...values, s: '', t: '1000-01-01 00:00:00', ...tail('i', 8_000) },
        ]),
      ],
    };
    const byDuck = await engine.snapshot(request);
    const byHive = await hiveSnapshot(request);
    const rows = (of: PreviousSnapshot) => engine.rows(of, '*, typeof(id) AS i, typeof(amount) AS a', 'id');
    expect(await rows(byHive)).toEqual(await rows(byDuck));
    expect((await rows(byHive)).map((row) => (row as { id: string }).id)).toEqual([
      '1',
      '2',
      '5',
      '9223372036854775807',
    ]);
    expect(byHive.manifest.counts).toEqual(byDuck.manifest.counts);
    expect(byHive.manifest.counts.tombstones).toBe(0);
    expect(await catalog.query('SHOW TABLES')).toEqual([]);
  });
});
