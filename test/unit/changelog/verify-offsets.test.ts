import fc from 'fast-check';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareOffsets, type OffsetFault, type Runs } from '../../../changelog/verify-offsets.js';
import { Duck, lit } from '../../../warehouse/duckdb.js';

type Key = [partition: number, offset: number];

let dir: string;
let duck: Duck;
let files = 0;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tributary-offsets-'));
  duck = await Duck.open({ threads: 1, memoryLimitMb: 256, tempDirectory: join(dir, 'spill') });
});
afterAll(async () => {
  duck.close();
  await rm(dir, { recursive: true, force: true });
});

async function file(keys: Key[]): Promise<string[]> {
  if (keys.length === 0) return [];
  const path = join(dir, `${files++}.parquet`);
  const values = keys.map(([p, o]) => `(${p}::INTEGER, ${o}::BIGINT)`).join(', ');
  await duck.run(
    `COPY (SELECT * FROM (VALUES ${values}) t(kafka_partition, kafka_offset)) TO ${lit(path)} (FORMAT parquet)`,
  );
  return [path];
}

async function compare(runs: Runs, sides: { log: Key[]; unfit?: Key[]; rows: Key[]; quarantine?: Key[] }) {
  return compareOffsets(duck, {
    runs,
    ranges: [
      { partition: 0, from: 0, to: 20 },
      { partition: 1, from: 5, to: 20 },
    ],
    expectedRows: await file(sides.log),
    expectedQuarantine: await file(sides.unfit ?? []),
    rows: { own: await file(sides.rows), mixed: [] },
    quarantine: { own: await file(sides.quarantine ?? []), mixed: [] },
    lastForeign: null,
    limit: 5,
  });
}

describe('offsets of a table against those of its log', () => {
  it('are in order when each record is a row or quarantined, whatever lies between and beyond them', async () => {
    const report = await compare(
      [
        [0, 0, 3],
        [0, 5, 8],
        [1, 5, 9],
      ],
      {
        log: [
          [0, 0],
          [0, 1],
          [0, 5],
          [0, 5],
          [1, 5],
        ],
        unfit: [[0, 2]],
        // 0/2 would be quarantined now and is a row; 1/5 would be a row now and is quarantined; 1/2 is not asked about.
        rows: [
          [0, 0],
          [0, 1],
          [0, 2],
          [0, 5],
          [0, 5],
          [1, 2],
          [1, 2],
        ],
        quarantine: [[1, 5]],
      },
    );
    expect(report).toEqual({
      ...{ records: 10, landed: 4, quarantined: 1, without: 5 },
      faults: { missing: 0, twice: 0, fewer: 0, stray: 0 },
      findings: [],
    });
  });

  it('tell each way in which a record can be wrong', async () => {
    const report = await compare([[0, 0, 10]], {
      log: [
        [0, 0],
        [0, 1],
        [0, 2],
        [0, 3],
        [0, 3],
      ],
      unfit: [[0, 4]],
      rows: [
        [0, 1],
        [0, 1],
        [0, 2],
        [0, 3],
        [0, 12],
      ],
      quarantine: [[0, 2]],
    });
    expect(report.faults).toEqual({ missing: 2, twice: 2, fewer: 1, stray: 1 });
    expect(report.findings.map(({ offset, kind }) => [offset, kind])).toEqual([
      [0, 'missing'],
      [1, 'twice'],
      [2, 'twice'],
      [3, 'fewer'],
      [4, 'missing'],
    ]);
  });

  it('miss no lost and no doubled record', async () => {
    const offsets = fc.uniqueArray(fc.integer({ min: 0, max: 19 }), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(
        offsets,
        fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 12, maxLength: 12 }),
        async (log, copies) => {
          const rows = log.flatMap((o, i) => Array.from({ length: copies[i]! }, (): Key => [0, o]));
          const runs = [...log].sort((a, b) => a - b).map((o): Runs[number] => [0, o, o + 1]);
          const report = await compare(runs, { log: log.map((o) => [0, o]), rows });
          const of = (n: number): number => log.filter((_, i) => copies[i] === n).length;
          expect(report.faults).toEqual({ missing: of(0), twice: of(2), fewer: 0, stray: 0 } satisfies Record<
            OffsetFault,
            number
          >);
        },
      ),
      { numRuns: 25 },
    );
  });

  it('are not those of a deleted topic of the same name that lie in the same files: each would be found twice', async () => {
    const path = join(dir, `${files++}.parquet`);
    const rows: [number, string][] = [
      ...[0, 1, 2].map((o): [number, string] => [o, 'b000000007']),
      ...[0, 1].map((o): [number, string] => [o, 'b000000012']),
      [2, 'replay-again'],
    ];
    const values = rows.map(([o, batch]) => `(0::INTEGER, ${o}::BIGINT, '${batch}')`).join(', ');
    await duck.run(
      `COPY (SELECT * FROM (VALUES ${values}) t(kafka_partition, kafka_offset, ingest_batch)) TO ${lit(path)} (FORMAT parquet)`,
    );
    const log: Key[] = [
      [0, 0],
      [0, 1],
      [0, 2],
      [0, 3],
    ];
    const request = {
      runs: [[0, 0, 4]] as Runs,
      ranges: [{ partition: 0, from: 0, to: 4 }],
      expectedRows: await file(log),
      expectedQuarantine: [],
      rows: { own: await file([[0, 1]]), mixed: [path] },
      quarantine: { own: [], mixed: [] },
      limit: 5,
    };
    const report = await compareOffsets(duck, { ...request, lastForeign: 'b000000007' });
    // What is wrong with the topic's own records is still found; 2 came by a replay, which may be of either topic.
    expect(report.findings.map(({ offset, kind }) => [offset, kind])).toEqual([
      [1, 'twice'],
      [3, 'missing'],
    ]);
  });
});
