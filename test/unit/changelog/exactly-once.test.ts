import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';

import type { RecordBlock } from '../../../kafka/types.js';
import { cleanUp, land, landingTable, recordBlocks, T0, type TestRecord } from './landing.js';

afterAll(cleanUp);

const table = landingTable(
  [
    ['id', 'bigint'],
    ['amt', 'decimal(12,3)'],
    ['tags', 'array<string>'],
    ['at', 'timestamp'],
  ],
  {
    partition: 'hour',
    timezone: 'Asia/Shanghai',
    eventTime: { path: '$.at', format: 'auto', zone: 'UTC', kafka: false },
  },
);

const good = fc.record({
  id: fc.oneof(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map(String), fc.constant('null')),
  amt: fc.integer({ min: -999_999_999, max: 999_999_999 }).map((n) => (n / 1000).toFixed(3)),
  text: fc.string({ unit: 'grapheme', maxLength: 20 }),
  minutes: fc.integer({ min: 0, max: 3000 }),
});

function line(g: { id: string; amt: string; text: string; minutes: number }): Buffer {
  const at = new Date(T0 + g.minutes * 60_000).toISOString();
  return Buffer.from(`{"id":${g.id},"amt":"${g.amt}","tags":[${JSON.stringify(g.text)}],"at":"${at}"}`);
}

/** A record with its fate: null if it must land, else whether any reason will do. */
const record = fc.oneof(
  { weight: 6, arbitrary: good.map((g) => ({ value: line(g), lands: true })) },
  {
    weight: 1,
    arbitrary: good.chain((g) =>
      fc.nat(line(g).length - 1).map((n) => ({ value: line(g).subarray(0, n), lands: false })),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.uint8Array({ maxLength: 40 }).map((bytes) => ({ value: Buffer.from(bytes), lands: false })),
  },
  { weight: 1, arbitrary: fc.constant({ value: null, lands: false }) },
  {
    weight: 1,
    arbitrary: good.map((g) => ({
      value: Buffer.from(line(g).toString().replace('"amt":"', '"amt":"x')),
      lands: false,
    })),
  },
  { weight: 1, arbitrary: fc.json().map((json) => ({ value: Buffer.from(json), lands: false })) },
);

describe('every record has exactly one place', () => {
  it('whatever the bytes are: rows and quarantine together are all records, each once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(record, { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 7 }),
        async (items, perBlock) => {
          const records: TestRecord[] = items.map(({ value }, i) => ({
            value,
            partition: i % 3,
            offset: 100 + i * 2,
          }));
          const landed = await land([table], records, { blocks: asAsync(recordBlocks(records, perBlock)) });
          const rows = await landed.rows('stat_click', 'kafka_partition, kafka_offset');
          const bad = await landed.rows(
            'stat_click_quarantine',
            'kafka_partition, kafka_offset, record_value, reason',
          );
          const place = (row: Record<string, unknown>) =>
            `${String(row['kafka_partition'])}/${String(row['kafka_offset'])}`;
          const landedPlaces = rows.map(place).sort();
          const meant = records
            .filter((_, i) => items[i]!.lands)
            .map((r) => `${r.partition!}/${r.offset!}`)
            .sort();
          expect(landedPlaces).toEqual(meant);
          expect([...landedPlaces, ...bad.map(place)].sort()).toEqual(
            records.map((r) => `${r.partition!}/${r.offset!}`).sort(),
          );
          expect(landed.result.records).toBe(records.length);
          await cleanUp();
        },
      ),
      { numRuns: 40 },
    );
  }, 120_000);
});

describe('landing twice', () => {
  const records: TestRecord[] = Array.from({ length: 3000 }, (_, i) => ({
    value: i % 97 === 0 ? `{"id":${i}` : `{"id":${i},"amt":"1.5","tags":["t${i % 7}"],"at":${T0 + i * 7000}}`,
    partition: i % 2,
  }));

  it('gives the same files, byte for byte, whatever the blocks and the threads', async () => {
    const digest = async (perBlock: number, threads: number) => {
      const { result } = await land([table], records, {
        threads,
        blocks: asAsync(recordBlocks(records, perBlock)),
      });
      return result.files.map((file) => [
        file.finalName,
        file.rows,
        createHash('sha256').update(readFileSync(file.localPath)).digest('hex'),
      ]);
    };
    const first = await digest(100, 1);
    expect(first.length).toBeGreaterThan(4);
    expect(await digest(777, 2)).toEqual(first);
  });
});

describe('trouble while landing', () => {
  it('an error of the reader is the error of the landing', async () => {
    const broken = (async function* (): AsyncGenerator<RecordBlock> {
      yield* recordBlocks([{ value: '{}' }]);
      await Promise.resolve();
      throw new Error('broker gone');
    })();
    await expect(land([table], [], { blocks: broken })).rejects.toThrow('broker gone');
  });

  it('an aborted landing stops with the reason of the signal', async () => {
    const controller = new AbortController();
    const endless = (async function* (): AsyncGenerator<RecordBlock> {
      for (let i = 0; ; i++) {
        await Promise.resolve();
        if (i === 3) controller.abort(new Error('zombie'));
        yield* recordBlocks([{ value: '{}', offset: i }]);
      }
    })();
    await expect(land([table], [], { blocks: endless, signal: controller.signal })).rejects.toThrow('zombie');
  });

  it('an abort also stops DuckDB in the middle of a statement', async () => {
    const controller = new AbortController();
    const many: TestRecord[] = Array.from({ length: 60_000 }, (_, i) => ({
      value: `{"id":${i},"at":${T0},"tags":["${'x'.repeat(300)}"]}`,
    }));
    const blocks = (async function* (): AsyncGenerator<RecordBlock> {
      await Promise.resolve();
      yield* recordBlocks(many, 5000);
      setTimeout(() => controller.abort(new Error('stop now')), 20);
    })();
    await expect(land([table], [], { blocks, signal: controller.signal })).rejects.toThrow('stop now');
  });

  it('a format that nobody lands is named', async () => {
    await expect(
      land([landingTable([['doc', 'string', 'doc']], { format: 'debezium-avro' })], []),
    ).rejects.toMatchObject({
      code: 'UnsupportedFormat',
    });
  });
});

async function* asAsync<T>(items: Iterable<T>): AsyncGenerator<T> {
  await Promise.resolve();
  yield* items;
}
