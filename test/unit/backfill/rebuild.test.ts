import fc from 'fast-check';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rebuildPartition } from '../../../changelog/rebuild.js';
import { Duck, lit } from '../../../warehouse/duckdb.js';

interface Row {
  p: number;
  o: number;
  v: string;
}

let dir: string;
let duck: Duck;
let files = 0;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tributary-rebuild-'));
  duck = await Duck.open({ threads: 1, memoryLimitMb: 256, tempDirectory: join(dir, 'spill') });
});
afterAll(async () => {
  duck.close();
  await rm(dir, { recursive: true, force: true });
});

async function file(rows: Row[], batch: string, value = 'v'): Promise<string> {
  const path = join(dir, `${files++}.parquet`);
  const values = rows
    .map(({ p, o, v }) => `(${lit(v)}, ${p}::INTEGER, ${o}::BIGINT, ${lit(batch)})`)
    .join(', ');
  await duck.run(
    `COPY (SELECT * FROM (VALUES ${values}) t(${value}, kafka_partition, kafka_offset, ingest_batch)) TO ${lit(path)} (FORMAT parquet)`,
  );
  return path;
}

async function rebuild(old: string[], fresh: string[]) {
  const directory = join(dir, `out-${files++}`);
  const options = { threads: 1, memoryLimitMb: 256, tempDirectory: join(dir, 'spill') };
  return rebuildPartition({ old, fresh, directory, targetBytes: 1 << 27 }, options);
}

const read = (paths: string[], columns: string): Promise<Record<string, string | null>[]> =>
  duck.rows(
    `SELECT ${columns} FROM read_parquet([${paths.map(lit).join(', ')}], union_by_name = true) ORDER BY ALL`,
  );

describe('rebuilding a partition', () => {
  it('gives each record its old rows or its new ones, never both, never none: whatever was read again', async () => {
    const row = fc.record({
      p: fc.integer({ min: 0, max: 1 }),
      o: fc.integer({ min: 0, max: 12 }),
      v: fc.constantFrom('a', 'b'),
    });
    const rows = fc.array(row, { minLength: 1, maxLength: 14 });
    await fc.assert(
      fc.asyncProperty(rows, rows, async (old, fresh) => {
        const key = ({ p, o }: Row): string => `${p}/${o}`;
        const had = new Set(old.map(key));
        const reads = new Set(fresh.map(key));
        const kept = old.filter((r) => !reads.has(key(r)));
        const taken = fresh.filter((r) => had.has(key(r)));
        const result = await rebuild([await file(old, 'b1')], [await file(fresh, 'backfill')]);
        expect(result).toMatchObject({
          kept: kept.length,
          replaced: old.length - kept.length,
          fresh: taken.length,
          notAdded: [...reads].filter((k) => !had.has(k)).length,
        });
        expect(result.files.length > 0).toBe(taken.length > 0);
        if (taken.length === 0) return;
        const expected = [...kept, ...taken].map((r) => `${r.p}/${r.o}/${r.v}`).sort();
        const found = await read(result.files, "kafka_partition || '/' || kafka_offset || '/' || v AS r");
        expect(found.map(({ r }) => r).sort()).toEqual(expected);
      }),
      { numRuns: 40 },
    );
  });

  it('keeps the batch that landed a record, and columns that only one side has', async () => {
    const old = await file(
      [
        { p: 0, o: 1, v: 'x' },
        { p: 0, o: 2, v: 'y' },
      ],
      'b000000001',
      'name',
    );
    const fresh = await file([{ p: 0, o: 1, v: 'z' }], 'backfill-1', 'title');
    const { files: made } = await rebuild([old], [fresh]);
    expect(await read(made, 'kafka_offset, name, title, ingest_batch')).toEqual([
      { kafka_offset: '1', name: null, title: 'z', ingest_batch: 'b000000001' },
      { kafka_offset: '2', name: 'y', title: null, ingest_batch: 'b000000001' },
    ]);
  });

  it('changes nothing where nothing was read, or nothing was there', async () => {
    const some = await file([{ p: 0, o: 1, v: 'x' }], 'b1');
    expect(await rebuild([some], [])).toMatchObject({ files: [], rows: 1, kept: 1 });
    expect(await rebuild([], [some])).toMatchObject({ files: [], rows: 0, notAdded: 1 });
  });
});
