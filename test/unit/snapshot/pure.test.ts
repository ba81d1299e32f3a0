import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Duck } from '../../../warehouse/duckdb.js';
import { beforeBoundary, orderBound, tombstoneFloor } from '../../../warehouse/snapshot/boundary.js';
import {
  bucketingOf,
  bucketSql,
  chooseBucketCount,
  previousBuckets,
} from '../../../warehouse/snapshot/bucketing.js';
import { chooseEngine } from '../../../warehouse/snapshot/choose-engine.js';
import { mergeStatement, scratchColumns } from '../../../warehouse/snapshot/hive-sql.js';
import { reconcile, reconcileBucket, sumCounts } from '../../../warehouse/snapshot/reconcile.js';
import { selectFiles, type ChangelogFile } from '../../../warehouse/snapshot/select-files.js';
import {
  keepsTombstone,
  mergeKey,
  type ChangeEvent,
  type KeyState,
} from '../../../warehouse/snapshot/semantics.js';
import type { BucketResult, SnapshotTable } from '../../../warehouse/snapshot/types.js';
import { utc } from './engine.js';

const table = (types: string[]): SnapshotTable => ({
  name: 't',
  kind: 'relational',
  key: types.map((_, i) => `k${i}`),
  columns: types.map((type, i) => ({ name: `k${i}`, type })),
});

describe('boundaries', () => {
  // A change at the boundary itself belongs to the next snapshot; one logical tick earlier to this one.
  it('are exact in the terms of each order key', () => {
    expect(orderBound('tso', 1_700_000_000_000)).toBe(1_700_000_000_000n << 18n);
    expect(orderBound('ms', 5)).toBe(5n);
    expect(orderBound('oplog', 2_000)).toBe(2n << 32n);
    expect(orderBound('oplog', 2_001)).toBe(3n << 32n);
    expect(orderBound('offset', 5)).toBeUndefined();
    expect(beforeBoundary(utc('offset', 1_000))).toBe(
      "event_time < CAST('1970-01-01 00:00:01.000' AS TIMESTAMP)",
    );
  });

  it('refuse wall clocks that are none, which would be SQL', () => {
    expect(() => beforeBoundary({ order: 'offset', ms: 1, wall: "2024-01-01' OR 1=1" })).toThrow(
      /wall clock/,
    );
    expect(() => orderBound('ms', 1.5)).toThrow(/whole number/);
  });

  it('count the lateness window from the boundary, in wall clocks where the order is no time', () => {
    expect(tombstoneFloor(utc('tso', 10_000), 3_000)).toBe(7_000);
    expect(tombstoneFloor({ order: 'offset', ms: 0, wall: '1970-01-01 08:00:00' }, 0)).toBe(8 * 3_600_000);
    expect(keepsTombstone(7_000, 10_000, 3_000)).toBe(true);
    expect(keepsTombstone(6_999, 10_000, 3_000)).toBe(false);
  });
});

describe('buckets', () => {
  let duck: Duck;
  beforeAll(async () => {
    duck = await Duck.open({ threads: 1, memoryLimitMb: 200, tempDirectory: '/tmp' });
  });
  afterAll(() => duck.close());

  // Another hash after an upgrade of DuckDB would look for every key in the wrong file.
  it('are the same as anyone can compute from MD5', async () => {
    const values: [string[], string[], string][] = [
      [['bigint'], ['(-9223372036854775807 - 1)'], '-9223372036854775808'],
      [['string', 'int'], ["'ü/x'", '7'], 'ü/x\u00017'],
      [['decimal(20,4)'], ['1.5'], '1.5000'],
      [['timestamp'], ["'2024-01-01 00:00:00.120'"], '1704067200120000'],
      [['date'], ["'2024-02-29'"], '2024-02-29'],
      [['binary'], ["'\\x00\\xFF'"], '00FF'],
      [['double'], ['0.1'], '1.00000000000000006e-01'],
      [['boolean'], ['true'], 'true'],
    ];
    const duckTypes: Record<string, string> = { string: 'VARCHAR', binary: 'BLOB' };
    for (const [types, literals, text] of values) {
      const row = literals.map((v, i) => `${v}::${duckTypes[types[i]!] ?? types[i]!} AS k${i}`).join(', ');
      const [found] = await duck.rows<{ bucket: number }>(
        `SELECT ${bucketSql(table(types), 65_536)} AS bucket FROM (SELECT ${row})`,
      );
      const md5 = createHash('md5').update(text).digest();
      expect([text, found!.bucket]).toEqual([text, md5.readUInt16LE(8)]);
    }
  });

  it('grow in powers of two and do not shrink by themselves', () => {
    expect(chooseBucketCount(0, 1000)).toBe(1);
    expect(chooseBucketCount(1000, 1000)).toBe(1);
    expect(chooseBucketCount(1001, 1000)).toBe(2);
    expect(chooseBucketCount(10_000_000, 1_000_000)).toBe(16);
    expect(chooseBucketCount(10, 1000, 8)).toBe(8);
    expect(() => bucketSql(table(['int']), 3)).toThrow(/power of two/);
  });

  it('know their parents and children', () => {
    const of = (count: number, type = 'int') => bucketingOf(table([type]), count);
    expect(previousBuckets(of(4), of(4), 3)).toEqual({ buckets: [3], filter: false });
    expect(previousBuckets(of(4), of(16), 13)).toEqual({ buckets: [1], filter: true });
    expect(previousBuckets(of(8), of(2), 1)).toEqual({ buckets: [1, 3, 5, 7], filter: false });
    expect(previousBuckets(of(1), of(4), 2)).toEqual({ buckets: [0], filter: true });
    expect(previousBuckets(of(4, 'int'), of(4, 'bigint'), 2)).toEqual({ buckets: [2], filter: false });
    expect(previousBuckets(of(4, 'decimal(5,1)'), of(4, 'decimal(6,2)'), 2)).toBeNull();
  });
});

describe('counts', () => {
  const result = (bucket: number, counts: Partial<BucketResult['counts']>): BucketResult => ({
    bucket,
    counts: { ...sumCounts([]), ...counts },
    files: [],
  });

  // Whatever is lost between the pieces would be missing in the snapshot without a word.
  it('must add up in every bucket and over all of them', () => {
    const good = [result(0, { previous: 5, inserted: 2, deleted: 1, rows: 6, changes: 3 }), result(1, {})];
    const expected = { buckets: 2, previousRows: 5, changes: 3 };
    expect(reconcile('t', good, expected)).toMatchObject({ previous: 5, rows: 6 });
    const failing = (of: BucketResult[], than: typeof expected) => {
      expect(() => reconcile('t', of, than)).toThrow(
        expect.objectContaining({ code: 'SnapshotCheckFailed' }),
      );
    };
    failing(good.slice(1), expected);
    failing([good[0]!, good[0]!], expected);
    failing(good, { ...expected, previousRows: 6 });
    failing(good, { ...expected, changes: 4 });
    expect(() => reconcileBucket('t', 0, { ...sumCounts([]), previous: 3, rows: 0 })).toThrow(
      /3 rows before \+ 0 inserted - 0 deleted is not 0/,
    );
  });
});

describe('the files of a snapshot', () => {
  const file = (
    seq: number,
    min: number | null,
    max: number | null,
    more: Partial<ChangelogFile> = {},
  ): ChangelogFile => ({
    path: `f${seq}`,
    rows: 1,
    stream: 's',
    seq,
    minCdcTs: min === null ? null : String(min),
    maxCdcTs: max === null ? null : String(max),
    minEventMs: min,
    maxEventMs: max,
    ...more,
  });
  const before = { boundaryMs: 1_000, applied: { s: 5 } };

  // A file that is forgotten is a change that the mirror never shows.
  it.each(['ms', 'offset'] as const)(
    'are the new ones, and old ones that reach beyond the last boundary (%s)',
    (order) => {
      const needed = (f: ChangelogFile): boolean => selectFiles([f], utc(order, 2_000), before).length === 1;
      expect(needed(file(6, 10, 20))).toBe(true);
      expect(needed(file(5, 10, 999))).toBe(false);
      expect(needed(file(5, 10, 1_000))).toBe(true);
      expect(needed(file(6, 2_000, 2_500))).toBe(false);
      expect(needed(file(6, 1_999, 2_500))).toBe(true);
      expect(needed(file(5, null, null))).toBe(true);
      expect(needed(file(5, 10, 20, { stream: 'other' }))).toBe(true);
      expect(selectFiles([file(5, 10, 20)], utc(order, 2_000), undefined)).toHaveLength(1);
      expect(needed(file(6, 10, 20, { rows: 0 }))).toBe(false);
    },
  );
});

describe('the choice of an engine', () => {
  const sizes = {
    previousRows: 10_000_000,
    previousBytes: 3 * 2 ** 30,
    changeRows: 500_000,
    changeBytes: 2 ** 27,
    previousBuckets: 1,
  };

  // The person on call sees why a merge ran where it did.
  it('goes by size, obeys the config, and says why', () => {
    const choose = (policy: Partial<Parameters<typeof chooseEngine>[1]>, more = {}) =>
      chooseEngine({ ...sizes, ...more }, { engine: 'auto', catalog: 'hive', ...policy });
    expect(choose({})).toEqual({
      engine: 'duckdb',
      buckets: 16,
      reason:
        'duckdb, 16 buckets: 3.1 GiB in 10500000 rows is not more than the 200.0 GiB that workers merge themselves',
    });
    expect(choose({}, { previousBytes: 300 * 2 ** 30 })).toMatchObject({ engine: 'hive', buckets: 1 });
    expect(choose({ catalog: 'none' }, { previousBytes: 300 * 2 ** 30 }).reason).toMatch(/^duckdb.*no Hive/);
    expect(choose({ engine: 'hive' }).reason).toMatch(/^hive: the table's config/);
    expect(choose({ engine: 'duckdb' }, { previousBytes: 2 ** 45 }).engine).toBe('duckdb');
    expect(choose({}, { previousBuckets: 64 }).buckets).toBe(64);
    expect(choose({}, { previousBytes: 0, changeBytes: 0, previousRows: 0, changeRows: 0 }).buckets).toBe(1);
  });
});

describe('the HiveQL of a merge', () => {
  const shop: SnapshotTable = {
    name: 'shop',
    kind: 'relational',
    key: ['n'],
    columns: [
      { name: 'n', type: 'int' },
      { name: 'at', type: 'string' },
    ],
  };
  const tables = { base: 'b', tombs: 't', events: 'e', outRows: 'r', outTombs: 'x', outCounts: 'c' };

  // A table's own column must never be taken for one of the statement's (`n`, `at`, `src`).
  it('has no name of its own that a column of the source could have', () => {
    const statement = mergeStatement(shop, tables, 5);
    const aliases = [...statement.matchAll(/ AS (\w+)/g)].map(([, name]) => name!);
    const types = new Set(['STRING', 'string', 'TINYINT', 'BIGINT', 'INT']);
    expect(aliases.filter((name) => !types.has(name) && !name.startsWith('tributary_'))).toEqual([]);
    expect(scratchColumns(shop).outRows.map((column) => column.name)).toEqual([
      'n',
      'at',
      'cdc_ts',
      'cdc_seq',
    ]);
  });

  // A top-level UNION ALL leaves subdirectories that other readers do not see; a live directory must not be overwritten.
  it('writes three tables of its own from one scan', () => {
    const statement = mergeStatement(shop, tables, 5);
    expect(statement.match(/INSERT OVERWRITE TABLE `(\w)`/g)).toEqual([
      'INSERT OVERWRITE TABLE `r`',
      'INSERT OVERWRITE TABLE `x`',
      'INSERT OVERWRITE TABLE `c`',
    ]);
    expect(statement.lastIndexOf('UNION ALL')).toBeLessThan(statement.indexOf('INSERT'));
    // Hive 4.0.1 answers wrongly to an ordered, unbounded frame.
    expect(statement).not.toMatch(/UNBOUNDED FOLLOWING/);
  });
});

describe('the semantics of one key', () => {
  const absent: KeyState<string> = { kind: 'absent', pending: [] };
  const row = (ts: number, seq = 0): ChangeEvent<string> => ({
    kind: 'upsert',
    ts: BigInt(ts),
    seq: BigInt(seq),
    row: `r${ts}.${seq}`,
  });
  const gone = (ts: number, seq = 0): ChangeEvent<string> => ({
    kind: 'delete',
    ts: BigInt(ts),
    seq: BigInt(seq),
    atMs: ts,
  });
  const patch = (ts: number): ChangeEvent<string> => ({
    kind: 'patch',
    ts: BigInt(ts),
    seq: 0n,
    patch: `p${ts}`,
  });
  const fold = (doc: string, text: string): string => `${doc}+${text}`;

  it.each([
    ['insert, delete, insert: the last wins', [row(1), gone(2), row(3)], 'row r3.0'],
    ['three changes at one time: the sequence decides', [row(1, 1), gone(1, 2), row(1, 3)], 'row r1.3'],
    ['a delete and an insert of equal order: the row', [row(1), gone(1)], 'row r1.0'],
    ['a late older delete', [row(5), gone(4)], 'row r5.0'],
    ['a late older insert', [gone(5), row(4)], 'tombstone'],
    ['patches in order, each once', [patch(3), row(1), patch(2), patch(3)], 'row r1.0+p2+p3'],
    ['a full document over patches', [row(1), patch(2), row(3)], 'row r3.0'],
    ['patches without a document wait', [patch(2), patch(1)], 'absent p1 p2'],
    ['patches after a delete wait', [row(1), gone(2), patch(3)], 'tombstone p3'],
  ])('%s', (_, events, expected) => {
    const show = (state: KeyState<string>): string =>
      [state.kind, ...(state.kind === 'row' ? [state.row] : state.pending.map((p) => p.patch))].join(' ');
    expect(show(mergeKey(absent, events, fold))).toBe(expected);
    expect(show(mergeKey(absent, [...events].reverse(), fold))).toBe(expected);
    // Merging a part first, and everything again later, ends in the same state.
    const half = mergeKey(absent, events.slice(0, 1), fold);
    if (half.kind !== 'row' || !events.some((event) => event.kind === 'patch'))
      expect(show(mergeKey(half, [...events, ...events], fold))).toBe(expected);
  });
});
