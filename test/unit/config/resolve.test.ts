import { describe, expect, it } from 'vitest';
import { resolveRuntime } from '../../../config/resolve-runtime.js';
import { bootstrapUrlRef, resolveTables } from '../../../config/resolve.js';
import { ingestOf } from '../../../config/runtime.js';
import type { TableSpec } from '../../../config/spec.js';
import { append, BASE, load, mirror } from './helpers.js';

const env = { URL: 'mysql://root:pw-one@tidb:4000/' };

function resolved(text: string): { spec: TableSpec; hash: string } {
  const [table] = resolveTables(load(text, { env }));
  if (!table) throw new Error('no table');
  return table;
}

const MIRROR = [
  'from: { topic: t, format: canal-json, match: { database: shop, table: orders } }',
  "bootstrap: { kind: tidb, url: '${URL}' }",
  'key: [id]',
  'snapshot: { every: day, keep: 30 }',
];

describe('the pinned form of a table', () => {
  it('carries what the connector writes where its records cannot say it', () => {
    const from =
      'from: { topic: t, format: debezium, decimals: string, times: connect, binaries: hex, match: { database: shop, table: orders } }';
    const { spec } = resolved(mirror([from, 'key: [id]', 'snapshot: false']));
    expect(spec?.formatOptions).toEqual({ decimal: 'string', time: 'connect', binary: 'hex' });
  });

  it('has everything that decides which rows it gets, and no secret', () => {
    const { spec } = resolved(mirror(MIRROR));
    expect(spec).toEqual({
      name: 'orders',
      mode: 'mirror',
      kafka: 'main',
      topic: 't',
      format: 'canal-json',
      formatOptions: { zone: 'Asia/Shanghai' },
      match: { database: '^shop$', table: '^orders$' },
      eventTime: { format: 'auto', zone: 'Asia/Shanghai', kafka: false },
      timezone: 'Asia/Shanghai',
      partition: 'day',
      columns: [],
      key: ['id'],
      rename: {},
      latenessSeconds: 600,
      schemaChange: 'evolve',
      quarantine: {},
      timestamps: 'native',
      bootstrap: {
        kind: 'tidb',
        table: 'shop.orders',
        urlRef: 'tables.orders.bootstrap.url',
        chunkRows: 50_000,
        maxChunksInFlight: 4,
      },
      snapshot: { every: 'day', engine: 'auto', keep: 30, keepMonthEnds: false, late: 'rebuild' },
    });
    expect(JSON.stringify(spec)).not.toContain('pw-one');
  });

  it('survives JSON unchanged, or a plan read back from storage would have another hash', () => {
    const { spec } = resolved(mirror(MIRROR));
    expect(JSON.parse(JSON.stringify(spec))).toStrictEqual(spec);
  });

  it('keeps its hash when the file means the same in other words', () => {
    const one = append([
      'from: { topic: t, format: json }',
      'time: { path: \'$."ts"\' }',
      'columns: [{ name: uid, type: bigint }, { name: amount, type: "decimal(18,2)" }]',
    ]);
    const other = append([
      'columns: [{ path: "$[\'uid\']", type: BIGINT, name: uid }, { type: "Decimal( 18, 2 )", name: amount, path: $.amount }]',
      'lateness: 600s',
      'partition: [day]',
      'time: { format: auto, path: $.ts, zone: asia/shanghai }',
      'from: { format: json, kafka: main, topic: t } # a comment',
    ]);
    expect(resolved(other).spec).toEqual(resolved(one).spec);
    expect(resolved(other).hash).toBe(resolved(one).hash);
  });

  it('gets another hash for everything that changes rows, and not for tuning, addresses or other tables', () => {
    const { hash } = resolved(mirror(MIRROR));
    const variants = [
      'timezone: UTC',
      'lateness: 1h',
      'raw: true',
      'schema_change: fail',
      'partition: [day, hour]',
    ];
    const hashes = variants.map((line) => resolved(mirror([...MIRROR, line])).hash);
    expect(new Set([hash, ...hashes]).size).toBe(variants.length + 1);
    const tuned = mirror([...MIRROR, 'compaction: { min_files: 9 }'], `ingest: { parallelism: 9 }\n${BASE}`);
    expect(resolved(tuned).hash).toBe(hash);
    const moved = BASE.replace('127.0.0.1:9092', 'kafka:1');
    expect(resolved(mirror(MIRROR, moved)).hash).toBe(hash);
  });

  it('fills paths by the kind of table: JSON path for records and documents, source column for relational ones', () => {
    const columns = 'columns: [{ name: a, type: int }, { name: b, type: int, path: "%" }]';
    const paths = (text: string): string[] => resolved(text).spec.columns.map((column) => column.path);
    expect(
      paths(
        append([
          'from: { topic: t, format: json }',
          'time: { from: kafka }',
          columns.replace('%', "$['x y']"),
        ]),
      ),
    ).toEqual(['$.a', '$."x y"']);
    expect(paths(mirror([MIRROR[0] ?? '', columns.replace('%', 'X'), 'snapshot: false']))).toEqual([
      'a',
      'X',
    ]);
    const mongo = 'from: { topic: t, format: mongoshake, match: { collection: c } }';
    expect(paths(mirror([mongo, columns.replace('%', '$.u.id'), 'snapshot: false']))).toEqual([
      'doc_id',
      'doc',
      '$.a',
      '$.u.id',
    ]);
  });

  it('has the event time that its format implies', () => {
    const time = (format: string): unknown =>
      resolved(append([`from: { topic: t, format: ${format} }`, 'raw: true'])).spec.eventTime;
    expect(time('filebeat')).toMatchObject({ path: '$."@timestamp"', kafka: false });
    expect(time('text')).toMatchObject({ kafka: true });
  });

  it('reads shards by one pattern, for the log and for the bootstrap', () => {
    const { spec } = resolved(
      mirror([
        "from: { topic: t, format: drainer, match: { database: shop, table: '/order_\\d+/', shard_column: shard } }",
        "bootstrap: { kind: tidb, url: '${URL}' }",
        'snapshot: { every: hour }',
      ]),
    );
    expect(spec.match).toEqual({ database: '^shop$', table: '^(?:order_\\d+)$', shardColumn: 'shard' });
    expect(spec.bootstrap).toMatchObject({ table: 'shop./order_\\d+/', pattern: '^(?:order_\\d+)$' });
  });
});

describe('the runtime of a worker', () => {
  it('has the secrets that specs refer to, and absolute directories', () => {
    const runtime = resolveRuntime(load(mirror(MIRROR), { env }));
    expect(runtime.secrets[bootstrapUrlRef('orders')]?.reveal()).toBe(env.URL);
    expect(runtime.storage).toEqual({ kind: 'file', root: `${process.cwd()}/data` });
    expect(runtime.catalog).toEqual({ kind: 'none' });
  });

  it('tunes a topic by the most special values', () => {
    const tuning =
      'ingest: { parallelism: 2, topics: { t: { parallelism: 3 }, main/t: { split_size: 1MiB } } }\n';
    const runtime = resolveRuntime(load(mirror(MIRROR, tuning + BASE), { env }));
    expect(ingestOf(runtime, 'main', 't')).toMatchObject({
      parallelism: 3,
      splitBytes: 1_048_576,
      flushIntervalMs: 60_000,
    });
    expect(ingestOf(runtime, 'main', 'other')).toMatchObject({ parallelism: 2, splitBytes: 134_217_728 });
  });

  it('takes one NameNode or two alike', () => {
    const storage = (url: string): unknown =>
      resolveRuntime(
        load(
          mirror(
            MIRROR,
            BASE.replace('{ kind: file, root: ./data }', `{ kind: webhdfs, url: ${url}, root: /w }`),
          ),
          { env },
        ),
      ).storage;
    expect(storage('http://nn:9870/')).toEqual({
      kind: 'webhdfs',
      urls: ['http://nn:9870'],
      user: 'hive',
      root: '/w',
    });
    expect(storage('[http://a:1, http://b:1]')).toMatchObject({ urls: ['http://a:1', 'http://b:1'] });
  });
});
