import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { newestRecords, summarise } from '../../../changelog/quarantine-read.js';
import {
  replayQuarantine,
  type ReplayRequest,
  type ReplayResult,
} from '../../../changelog/quarantine-replay.js';
import type { LandingTable } from '../../../changelog/types.js';
import { Duck, lit } from '../../../warehouse/duckdb.js';
import { cleanUp, land, landingTable, T0, type TestRecord } from './landing.js';

const directories: string[] = [];
afterAll(async () => {
  await cleanUp();
  for (const directory of directories) await rm(directory, { recursive: true, force: true });
});

const DAY = 86_400_000;
const TWO_DAYS: TestRecord[] = [
  { value: '{"id": 1}', key: 'a' },
  { value: '{"id": "eleven"}', key: Buffer.from([0, 255]) },
  { value: '{"id": 3}' },
  { value: Buffer.from([0xff, 0xfe]) },
  { value: '{"id": "twelve"}', timestamp: T0 + DAY },
  { value: '{"id": "13"}', partition: 1, timestamp: T0 + DAY },
];
const asNumber = landingTable([['id', 'bigint']]);
const asText = landingTable([['id', 'string']]);

async function scratch(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'tributary-replay-'));
  directories.push(directory);
  return directory;
}

async function replay(
  files: string[][],
  table: LandingTable,
  more: Partial<ReplayRequest> = {},
): Promise<ReplayResult> {
  return replayQuarantine({
    ...{ kafka: 'main', topic: 'stat.click', table, batch: 'replay-1', filter: {} },
    partitions: files.map((each) => ({ files: each })),
    workDir: await scratch(),
    limits: { threads: 1, memoryLimitMb: 512 },
    ...more,
  });
}

async function query(files: string[], select: string): Promise<Record<string, unknown>[]> {
  const duck = await Duck.open({ threads: 1, memoryLimitMb: 256, tempDirectory: await scratch() });
  try {
    return await duck.rows(
      `SELECT ${select} FROM read_parquet([${files.map(lit).join(', ')}], hive_partitioning = false) ORDER BY kafka_partition, kafka_offset`,
    );
  } finally {
    duck.close();
  }
}

/** Files of each day of the quarantine. */
async function quarantined(): Promise<string[][]> {
  const { result } = await land([asNumber], TWO_DAYS);
  const days = new Map<string, string[]>();
  for (const { table, partition, localPath } of result.files) {
    if (table !== 'stat_click_quarantine') continue;
    days.set(partition['dt']!, [...(days.get(partition['dt']!) ?? []), localPath]);
  }
  return [...days.values()];
}

describe('a replay of quarantined records', () => {
  // A record that left the quarantine without landing would be lost; one that landed and stayed would land again.
  it('takes out what lands by the mended config, and leaves the rest as it was, bytes included', async () => {
    const days = await quarantined();
    const result = await replay(days, asText);
    expect(result).toMatchObject({ tried: 3, landed: 2, reasons: { invalid_utf8: 1 } });
    expect(
      await query(
        result.files.map((file) => file.localPath),
        'kafka_partition AS p, kafka_offset AS o, id, ingest_batch AS b',
      ),
    ).toEqual([
      { p: 0, o: '1', id: 'eleven', b: 'replay-1' },
      { p: 0, o: '4', id: 'twelve', b: 'replay-1' },
    ]);
    expect(result.left.map(({ rows }) => rows)).toEqual([1, 1]);
    const [first, second] = result.left;
    expect(second!.kept).toBeUndefined();
    const columns = '* REPLACE (hex(record_value) AS record_value, hex(record_key) AS record_key)';
    const before = await query(days[0]!, columns);
    expect(await query([first!.kept!.localPath], columns)).toEqual(
      before.filter(({ kafka_offset }) => kafka_offset === '3'),
    );
  });

  it('changes nothing where nothing lands', async () => {
    const result = await replay(await quarantined(), asNumber);
    expect(result).toMatchObject({ tried: 3, landed: 0, files: [] });
    expect(result.reasons).toEqual({ value_does_not_fit: 2, invalid_utf8: 1 });
    expect(result.left.every(({ rows, kept }) => rows === 0 && kept === undefined)).toBe(true);
  });

  it('tries only records of the reason asked for, and none of another topic', async () => {
    const days = await quarantined();
    expect(await replay(days, asText, { filter: { reason: 'invalid_utf8' } })).toMatchObject({
      tried: 1,
      landed: 0,
    });
    expect(await replay(days, asText, { topic: 'another' })).toMatchObject({ tried: 0, landed: 0 });
    expect(await replay([], asText)).toMatchObject({ tried: 0, landed: 0, left: [] });
  });

  // After `resume --accept-loss` on a topic made anew, two records may have one position.
  it('takes two records of one position one after the other', async () => {
    const old = await land([asNumber], [{ value: '{"id": "old"}' }], { batch: 'b1' });
    const young = await land([asNumber], [{ value: '{"id": "new"}' }], { batch: 'b2' });
    const files = [old, young].map(({ result }) => result.files[0]!.localPath);
    const first = await replay([files], asText);
    expect(first).toMatchObject({ tried: 1, landed: 1 });
    expect(await query([first.files[0]!.localPath], 'id')).toEqual([{ id: 'old' }]);
    const second = await replay([[first.left[0]!.kept!.localPath]], asText);
    expect(second).toMatchObject({ tried: 1, landed: 1, left: [{ rows: 1 }] });
    expect(await query([second.files[0]!.localPath], 'id')).toEqual([{ id: 'new' }]);
  });

  it('reads more records than one page holds', async () => {
    const large = 'x'.repeat(3_000_000);
    const records = Array.from({ length: 7 }, (_, i) => ({
      value: `{"id": "${i}${large}"}`,
      partition: i % 2,
    }));
    const { result } = await land([asNumber], records);
    const files = result.files.filter(({ table }) => table.endsWith('_quarantine'));
    const replayed = await replay([files.map(({ localPath }) => localPath)], asText);
    expect(replayed).toMatchObject({ tried: 7, landed: 7, reasons: {}, left: [{ rows: 7 }] });
    const rows = await query([replayed.files[0]!.localPath], 'length(id) AS n, kafka_offset AS o');
    expect(rows.map(({ o }) => o)).toEqual(['0', '1', '2', '3', '0', '1', '2']);
    expect(new Set(rows.map(({ n }) => Number(n)))).toEqual(new Set([3_000_001]));
  });
});

describe('what a person sees of a quarantine', () => {
  it('is counts by reason, and the newest records with their bytes', async () => {
    const days = await quarantined();
    const duck = await Duck.open({ threads: 1, memoryLimitMb: 256, tempDirectory: await scratch() });
    try {
      expect(await summarise(duck, days.flat())).toEqual([
        { reason: 'value_does_not_fit', records: 2, firstMs: T0, lastMs: T0 + DAY },
        { reason: 'invalid_utf8', records: 1, firstMs: T0, lastMs: T0 },
      ]);
      const shown = await newestRecords(duck, days.flat(), {}, 2);
      expect(shown.map(({ offset, reason }) => [offset, reason])).toEqual([
        [4, 'value_does_not_fit'],
        [3, 'invalid_utf8'],
      ]);
      expect(shown[1]!.value).toEqual(Buffer.from([0xff, 0xfe]));
      expect(shown[0]!.detail).toContain('twelve');
      const [eleven] = await newestRecords(duck, days[0]!, { reason: 'value_does_not_fit' }, 1);
      expect(eleven!.key).toEqual(Buffer.from([0, 255]));
    } finally {
      duck.close();
    }
  });
});
