import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bucketingOf } from '../../../warehouse/snapshot/bucketing.js';
import { previousBucket, type PreviousSnapshot } from '../../../warehouse/snapshot/manifest.js';
import { mergeBucket } from '../../../warehouse/snapshot/merge-bucket.js';
import { bucketChanges, bucketRows } from '../../../warehouse/snapshot/split.js';
import type { SnapshotTable, SourceFile } from '../../../warehouse/snapshot/types.js';
import { CHANGE_TAIL, TestEngine, utc, type TestColumn } from './engine.js';

const table: SnapshotTable = {
  name: 'orders',
  kind: 'relational',
  key: ['id'],
  columns: [
    { name: 'id', type: 'bigint' },
    { name: 'v', type: 'string' },
  ],
};
const columns: TestColumn[] = [['id', 'BIGINT'], ['v', 'VARCHAR'], ...CHANGE_TAIL];

let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.open();
});
afterAll(() => engine.close());

let offset = 0;
function change(op: 'i' | 'u' | 'd', id: number | null, ts: number, more: Record<string, unknown> = {}) {
  return {
    id,
    v: `${op}${ts}`,
    kafka_partition: 0,
    kafka_offset: offset++,
    ingest_batch: 'b',
    event_time: new Date(ts).toISOString().replace('T', ' ').replace('Z', ''),
    cdc_op: op,
    cdc_ts: ts,
    cdc_seq: 0,
    cdc_before: null,
    ...more,
  };
}
const land = (...rows: Record<string, unknown>[]): Promise<SourceFile> => engine.file(columns, rows);

function snapshot(
  boundary: number,
  changes: SourceFile[],
  more: Partial<Parameters<TestEngine['snapshot']>[0]> = {},
) {
  return engine.snapshot({ table, boundary: utc('ms', boundary), buckets: 1, changes, ...more });
}
const rows = (of: PreviousSnapshot): Promise<{ id: string; v: string }[]> => engine.rows(of, 'id, v', 'id');

describe('tombstones', () => {
  // A late older insert would bring back a row that the source deleted.
  it('keep a late older insert out inside the window, and are gone after it', async () => {
    const first = await snapshot(10_000, [await land(change('d', 1, 9_000))], { latenessMs: 5_000 });
    expect(first.manifest.counts).toMatchObject({ rows: 0, tombstones: 1 });
    const second = await snapshot(11_000, [await land(change('i', 1, 8_000))], {
      latenessMs: 5_000,
      previous: first,
    });
    expect(await rows(second)).toEqual([]);
    const third = await snapshot(14_001, [], { latenessMs: 5_000, previous: second });
    expect(third.manifest.counts.tombstones).toBe(0);
    expect(third.manifest.files).toEqual([]);
  });

  // A row that was inserted again must not stay deleted.
  it('give way to a newer insert', async () => {
    const first = await snapshot(10_000, [await land(change('d', 1, 9_000))]);
    const second = await snapshot(11_000, [await land(change('i', 1, 10_500))], { previous: first });
    expect(await rows(second)).toEqual([{ id: '1', v: 'i10500' }]);
    expect(second.manifest.counts).toMatchObject({ inserted: 1, tombstones: 0 });
  });

  // Hive reads every file whose name is not hidden.
  it('lie in files that Hive does not read', async () => {
    const { manifest } = await snapshot(10_000, [await land(change('d', 1, 9_000), change('i', 2, 9_000))]);
    expect(manifest.files.map((file) => file.name)).toEqual([
      '_tombstones-bucket-00000-of-00001.parquet',
      'bucket-00000-of-00001.parquet',
    ]);
  });
});

describe('late changes', () => {
  // A stale update or delete would undo what the reader saw yesterday.
  it('do not touch a newer stored row', async () => {
    const first = await snapshot(10_000, [await land(change('i', 1, 9_000), change('i', 2, 9_000))]);
    const late = await land(change('u', 1, 8_000), change('d', 2, 8_000), change('d', 1, 9_000));
    const second = await snapshot(11_000, [late], { previous: first });
    expect(await rows(second)).toEqual([
      { id: '1', v: 'i9000' },
      { id: '2', v: 'i9000' },
    ]);
  });
});

describe('an update that changes the key', () => {
  // The old row would stay for ever, or the new one would be deleted.
  it('deletes the old row and inserts the new one, whatever the buckets of the two', async () => {
    const first = await snapshot(10_000, [await land(change('i', 1, 9_000))], { buckets: 4 });
    for (const id of [2, 3, 4, 5]) {
      const moved = await land(change('u', id, 10_500, { cdc_before: JSON.stringify({ id: '1' }) }));
      const second = await snapshot(11_000, [moved], { buckets: 4, previous: first });
      expect(await rows(second)).toEqual([{ id: String(id), v: 'u10500' }]);
      expect(second.manifest.counts).toMatchObject({ inserted: 1, deleted: 1, changes: 2 });
    }
  });

  // A renamed column keeps its source's name in cdc_before.
  it('finds the old value under the name that the source gave it', async () => {
    const renamed: SnapshotTable = {
      ...table,
      columns: [{ name: 'id', type: 'bigint', before: 'Order/ID~' }, table.columns[1]!],
    };
    const first = await snapshot(10_000, [await land(change('i', 1, 9_000))]);
    const moved = await land(change('u', 2, 10_500, { cdc_before: JSON.stringify({ 'Order/ID~': 1 }) }));
    const second = await snapshot(11_000, [moved], { table: renamed, previous: first });
    expect(await rows(second)).toEqual([{ id: '2', v: 'u10500' }]);
  });
});

describe('schema evolution', () => {
  // A new column would break the merge, or an old file's narrow type would overflow.
  it('reads older files that lack columns or have narrower types', async () => {
    const narrow: SnapshotTable = { ...table, columns: [{ name: 'id', type: 'int' }] };
    const old: TestColumn[] = [['id', 'INTEGER'], ...CHANGE_TAIL];
    const first = await engine.snapshot({
      table: narrow,
      boundary: utc('ms', 10_000),
      buckets: 2,
      changes: [await engine.file(old, [change('i', 1, 9_000), change('i', 2, 9_000)])],
    });
    const wide = { ...table, columns: [...table.columns, { name: 'extra', type: 'decimal(20,4)' }] };
    const second = await engine.snapshot({
      table: wide,
      boundary: utc('ms', 12_000),
      buckets: 2,
      previous: first,
      changes: [
        await engine.file(old, [change('i', 3, 11_000)]),
        await engine.file(
          [...columns, ['extra', 'DECIMAL(10,2)']],
          [change('i', 5_000_000_000, 11_000, { extra: '1.5' })],
        ),
      ],
    });
    expect(await engine.rows(second, 'id, v, extra, typeof(id) AS t', 'id')).toEqual([
      { id: '1', v: null, extra: null, t: 'BIGINT' },
      { id: '2', v: null, extra: null, t: 'BIGINT' },
      { id: '3', v: null, extra: null, t: 'BIGINT' },
      { id: '5000000000', v: 'i11000', extra: '1.5000', t: 'BIGINT' },
    ]);
  });

  // An untouched bucket is copied as it is, which would keep its old columns for ever.
  it('rewrites an untouched bucket whose columns changed', async () => {
    const first = await snapshot(10_000, [await land(change('i', 1, 9_000))]);
    const wide = { ...table, columns: [...table.columns, { name: 'extra', type: 'int' }] };
    const second = await snapshot(11_000, [], { table: wide, previous: first });
    expect(await engine.rows(second, 'id, v, extra', 'id')).toEqual([{ id: '1', v: 'i9000', extra: null }]);
  });
});

describe('idle periods', () => {
  // An idle table of a billion rows must not be rewritten every hour, and its rows must not change.
  it('copies untouched buckets byte for byte', async () => {
    const first = await snapshot(10_000, [await land(change('i', 1, 9_000), change('d', 2, 9_000))]);
    const second = await snapshot(11_000, [], { previous: first });
    const data = (of: PreviousSnapshot) =>
      of.manifest.files.map(({ name, bytes, checksum }) => ({ name, bytes, checksum }));
    expect(data(second)).toEqual(data(first));
    expect(await rows(second)).toEqual([{ id: '1', v: 'i9000' }]);
    expect(second.manifest.counts).toMatchObject({ previous: 1, rows: 1, tombstones: 1 });
  });
});

describe('refusals', () => {
  // Rows without identity would be merged into each other.
  it('refuses NULL in key columns, in the log and in stored rows', async () => {
    const files = [await land(change('i', null, 9_000), change('i', 1, 9_000))];
    const boundary = utc('ms', 10_000);
    await expect(
      bucketChanges(engine.context(), { table, boundary, files, buckets: 1 }),
    ).rejects.toMatchObject({
      code: 'SnapshotKeyNull',
      attributes: { rows: 1 },
      message: expect.stringContaining('FROM orders_changelog WHERE `id` IS NULL') as string,
    });
    await expect(bucketRows(engine.context(), { table, files, buckets: 1 })).rejects.toMatchObject({
      code: 'SnapshotKeyNull',
      message: expect.stringContaining('tributary start orders --rebootstrap') as string,
    });
  });

  // An empty read would become an empty snapshot.
  it('refuses files that do not have the rows that their manifests say', async () => {
    const file = { ...(await land()), rows: 7 };
    await expect(
      bucketChanges(engine.context(), { table, boundary: utc('ms', 1), files: [file], buckets: 1 }),
    ).rejects.toMatchObject({ code: 'SnapshotCheckFailed', attributes: { expected: 7, read: 0 } });
    const first = await snapshot(10_000, [await land(change('i', 1, 9_000))]);
    const previous = previousBucket(first, table, bucketingOf(table, 1), 0);
    previous.rows[0]!.rows = 2;
    await expect(
      mergeBucket(engine.context(), {
        table,
        boundary: utc('ms', 11_000),
        latenessMs: 0,
        bucket: 0,
        buckets: 1,
        previous,
        changes: await events(),
      }),
    ).rejects.toMatchObject({ code: 'SnapshotCheckFailed', attributes: { expected: 2, read: 1 } });
  });

  async function events(): Promise<SourceFile[]> {
    const files = [await land(change('i', 9, 9_000))];
    const split = await bucketChanges(engine.context(), {
      table,
      boundary: utc('ms', 10_000),
      files,
      buckets: 1,
    });
    return split.buckets;
  }

  // Two rows of one key would both be shown, and one of them would never change again.
  it('refuses double keys in what it starts from', async () => {
    const base = await engine.file(
      [
        ['id', 'BIGINT'],
        ['v', 'VARCHAR'],
        ['cdc_ts', 'BIGINT'],
        ['cdc_seq', 'BIGINT'],
      ],
      [
        { id: 1, v: 'a', cdc_ts: 1, cdc_seq: 0 },
        { id: 1, v: 'b', cdc_ts: 1, cdc_seq: 0 },
      ],
    );
    const request = (changes: SourceFile[]) => ({
      table,
      boundary: utc('ms', 10_000),
      latenessMs: 0,
      bucket: 0,
      buckets: 1,
      previous: {
        rows: [base],
        tombstones: [],
        pending: [],
        filterRows: false,
        filterHidden: false,
        checked: false,
        sameColumns: true,
      },
      changes,
    });
    await expect(mergeBucket(engine.context(), request(await events()))).rejects.toMatchObject({
      code: 'SnapshotCheckFailed',
      attributes: { doubles: 1 },
    });
  });

  it.each([
    [{ ...table, key: [] }, /no key/],
    [{ ...table, key: ['nope'] }, /no column nope/],
    [{ ...table, columns: [...table.columns, { name: 'cdc_ts', type: 'bigint' }] }, /cdc_ts/],
    [{ ...table, columns: [...table.columns, { name: 'tributary_at', type: 'int' }] }, /tributary_at/],
    [{ ...table, kind: 'document' as const }, /doc_id/],
  ])('refuses a table that cannot be merged (%#)', async (bad: SnapshotTable, words) => {
    const request = { table: bad, boundary: utc('ms', 1), files: [], buckets: 1 };
    await expect(bucketChanges(engine.context(), request)).rejects.toMatchObject({
      code: 'SnapshotTableInvalid',
      message: expect.stringMatching(words) as string,
    });
  });
});

describe('repeated work', () => {
  // A second attempt that wrote other bytes would make a retried snapshot differ from the first.
  it('writes the same bytes, whatever the order of its inputs', async () => {
    const many = Array.from({ length: 3000 }, (_, i) => change('i', (i * 7919) % 2500, 1_000 + (i % 50)));
    const files = [await land(...many.slice(0, 1000)), await land(...many.slice(1000))];
    const split = (of: SourceFile[]) =>
      bucketChanges(engine.context(), { table, boundary: utc('ms', 10_000), files: of, buckets: 1 });
    const merge = async (changes: SourceFile[]) =>
      mergeBucket(engine.context(), {
        table,
        boundary: utc('ms', 10_000),
        latenessMs: 0,
        bucket: 0,
        buckets: 1,
        changes,
      });
    const one = await merge((await split(files)).buckets);
    const two = await merge((await split([...files].reverse())).buckets);
    expect(two.files[0]?.checksum).toBe(one.files[0]?.checksum);
    expect(two.files[0]?.stagedPath).not.toBe(one.files[0]?.stagedPath);
  });
});

describe('growth', () => {
  // A table that outgrew its buckets must find its rows again; keys whose text changed would be looked for elsewhere.
  it('finds rows in buckets of other counts, and splits anew when the key type changes its text', async () => {
    const ids = Array.from({ length: 40 }, (_, i) => i);
    let current = await snapshot(10_000, [await land(...ids.map((id) => change('i', id, 9_000)))]);
    for (const [i, buckets] of [4, 8, 2, 1, 16].entries()) {
      const update = await land(change('u', i, 10_000 + i), change('d', 39 - i, 10_000 + i));
      current = await snapshot(11_000 + i, [update], { previous: current, buckets });
      expect(current.manifest.counts).toMatchObject({ updated: 1, deleted: 1, rows: 39 - i });
    }
    const asText: SnapshotTable = {
      ...table,
      columns: [{ name: 'id', type: 'decimal(20,2)' }, table.columns[1]!],
    };
    const last = await snapshot(12_000, [await land(change('u', 3, 11_900))], {
      table: asText,
      previous: current,
      buckets: 16,
    });
    expect(last.manifest.counts).toMatchObject({ updated: 1, inserted: 0, rows: 35 });
  });
});
