import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { replayTopicQuarantine, type TopicReplayResult } from '../../../changelog/topic-replay.js';
import type { LandedFile, LandingTable } from '../../../changelog/types.js';
import { Duck, lit } from '../../../warehouse/duckdb.js';
import { cleanUp, land, landingTable, type TestRecord } from './landing.js';

const directories: string[] = [];
afterAll(async () => {
  await cleanUp();
  for (const directory of directories) await rm(directory, { recursive: true, force: true });
});

async function scratch(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'tributary-topic-replay-'));
  directories.push(directory);
  return directory;
}

const TOPIC = 'shop.log';
const QUARANTINE = 'topic_shop_log_quarantine';
type Format = LandingTable['spec']['format'];
const mirror = (name: string, format: Format): LandingTable =>
  landingTable([['id', 'bigint', 'id']], {
    ...{ name, mode: 'mirror', topic: TOPIC, format, key: ['id'] },
    match: { database: '^shop$', table: `^${name}$` },
  });
const both = (format: Format): LandingTable[] => [mirror('a', format), mirror('b', format)];

const maxwell = (table: string, id: unknown): TestRecord => ({
  value: JSON.stringify({ database: 'shop', table, type: 'insert', ts: 1709251200, data: { id } }),
});
const RECORDS: TestRecord[] = [
  maxwell('a', 1),
  maxwell('b', 2),
  { value: '{"database": "shop", ' },
  maxwell('a', 'no number'),
  maxwell('c', 5),
];

/** What two tables that expect Debezium's notation set aside of a log in Maxwell's notation. */
async function quarantined(): Promise<string[]> {
  const { result } = await land(both('debezium'), RECORDS);
  expect(new Set(result.files.map(({ table }) => table))).toEqual(new Set([QUARANTINE]));
  return result.files.map(({ localPath }) => localPath);
}

async function replay(files: string[], tables: LandingTable[]): Promise<TopicReplayResult> {
  return replayTopicQuarantine({
    ...{ kafka: 'main', topic: TOPIC, tables, batch: 'replay-1', filter: {} },
    partitions: [{ files }],
    workDir: await scratch(),
    limits: { threads: 1, memoryLimitMb: 512 },
  });
}

async function query(files: (LandedFile | string)[], select: string): Promise<Record<string, unknown>[]> {
  const duck = await Duck.open({ threads: 1, memoryLimitMb: 256, tempDirectory: await scratch() });
  const paths = files.map((file) => lit(typeof file === 'string' ? file : file.localPath)).join(', ');
  try {
    return await duck.rows(
      `SELECT ${select} FROM read_parquet([${paths}], hive_partitioning = false) ORDER BY kafka_offset`,
    );
  } finally {
    duck.close();
  }
}

const of = (result: TopicReplayResult, table: string): LandedFile[] =>
  result.files.filter((file) => file.table === table);

describe('a replay of the quarantine of a topic', () => {
  // A decoder that was wrong is mended by a new version; every record it set aside must then be in one place, once.
  it('lands each record for the table that claims it by now, and leaves what nobody claims as it was', async () => {
    const files = await quarantined();
    const result = await replay(files, both('maxwell'));
    expect(result).toMatchObject({
      ...{ tried: 5, landed: 2, moved: 1 },
      reasons: { invalid_json: 1, no_rows: 1 },
      left: [{ rows: 3 }],
    });
    expect(await query(of(result, 'a_changelog'), 'id, kafka_offset AS o')).toEqual([{ id: '1', o: '0' }]);
    expect(await query(of(result, 'b_changelog'), 'id, kafka_offset AS o')).toEqual([{ id: '2', o: '1' }]);
    expect(await query(of(result, 'a_quarantine'), 'kafka_offset AS o, reason')).toEqual([
      { o: '3', reason: 'value_does_not_fit' },
    ]);
    expect(of(result, QUARANTINE)).toEqual([]);
    const kept = [result.left[0]!.kept!.localPath];
    const all = '* REPLACE (hex(record_value) AS record_value)';
    const before = await query(files, all);
    expect(await query(kept, all)).toEqual([before[2], before[4]]);

    const again = await replay(kept, both('maxwell'));
    expect(again).toMatchObject({ tried: 2, landed: 0, moved: 0, files: [], left: [{ rows: 0 }] });
  });

  // A table that joined later read the same records alone; landing them for it again would double its rows.
  it('lands for the tables that read them together alone, and not at all while one of those is away', async () => {
    const files = await quarantined();
    const later = mirror('c', 'maxwell');
    const result = await replay(files, [...both('maxwell'), later]);
    expect(result).toMatchObject({ landed: 2, moved: 1 });
    expect(of(result, 'c_changelog')).toEqual([]);
    const without = await replay(files, [mirror('a', 'maxwell'), later]);
    expect(without).toMatchObject({ landed: 0, files: [], reasons: { table_not_running: 5 } });
  });

  it('changes nothing by rules that still do not read them, or where an earlier version noted no readers', async () => {
    const files = await quarantined();
    expect(await replay(files, both('debezium'))).toMatchObject({
      landed: 0,
      moved: 0,
      left: [{ rows: 0 }],
    });
    const old = join(await scratch(), 'old.parquet');
    const duck = await Duck.open({ threads: 1, memoryLimitMb: 256, tempDirectory: await scratch() });
    try {
      await duck.run(
        `COPY (SELECT * EXCLUDE (read_for) FROM read_parquet(${lit(files[0]!)})) TO ${lit(old)} (FORMAT parquet)`,
      );
    } finally {
      duck.close();
    }
    expect(await replay([old], both('maxwell'))).toMatchObject({
      ...{ tried: 5, landed: 0, files: [] },
      reasons: { readers_unknown: 5 },
    });
  });
});
