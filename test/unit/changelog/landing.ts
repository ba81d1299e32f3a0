import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { landSplit } from '../../../changelog/land-split.js';
import type { LandingTable, LandSplitRequest, LandSplitResult } from '../../../changelog/types.js';
import type { TableSpec } from '../../../config/spec.js';
import type { RecordBlock } from '../../../kafka/types.js';
import { Duck, lit } from '../../../warehouse/duckdb.js';

export interface TestRecord {
  value: Buffer | string | null;
  key?: Buffer | string | null;
  partition?: number;
  offset?: number;
  timestamp?: number;
}

/** 2024-03-01T00:00:00Z */
export const T0 = 1709251200000;

export function tableSpec(overrides: Partial<TableSpec> = {}): TableSpec {
  return {
    name: 'stat_click',
    mode: 'append',
    kafka: 'main',
    topic: 'stat.click',
    format: 'json',
    formatOptions: {},
    eventTime: { format: 'auto', zone: 'UTC', kafka: true },
    timezone: 'UTC',
    partition: 'day',
    columns: [],
    key: [],
    rename: {},
    latenessSeconds: 0,
    schemaChange: 'evolve',
    quarantine: {},
    timestamps: 'native',
    ...overrides,
  };
}

export function landingTable(
  columns: [name: string, type: string, path?: string][],
  overrides: Partial<TableSpec> = {},
): LandingTable {
  const specs = columns.map(([name, type, path]) => ({ name, type, path: path ?? `$.${name}` }));
  return { spec: tableSpec({ columns: specs, ...overrides }), columns: specs };
}

/** Blocks as the range reader gives them: values between other bytes, never alone in their buffer. */
export function* recordBlocks(records: TestRecord[], perBlock = 3): Generator<RecordBlock> {
  const next = new Map<number, number>();
  const partitions = [...new Set(records.map((r) => r.partition ?? 0))];
  for (const partition of partitions) {
    const own = records.filter((r) => (r.partition ?? 0) === partition);
    for (let start = 0; start < own.length; start += perBlock) {
      yield block(partition, own.slice(start, start + perBlock), next);
    }
  }
}

function block(partition: number, records: TestRecord[], next: Map<number, number>): RecordBlock {
  const count = records.length;
  const parts: Buffer[] = [];
  let position = 0;
  const place = (data: Buffer | string | null | undefined): [number, number] => {
    if (data === null || data === undefined) return [-1, -1];
    const bytes = Buffer.from(data);
    parts.push(Buffer.from([0xff, 0x0a]), bytes);
    position += 2 + bytes.length;
    return [position - bytes.length, position];
  };
  const out = {
    partition,
    count,
    offsets: new Float64Array(count),
    timestamps: new Float64Array(count),
    keyStart: new Int32Array(count),
    keyEnd: new Int32Array(count),
    valueStart: new Int32Array(count),
    valueEnd: new Int32Array(count),
  };
  records.forEach((record, i) => {
    const offset = record.offset ?? next.get(partition) ?? 0;
    next.set(partition, offset + 1);
    out.offsets[i] = offset;
    out.timestamps[i] = record.timestamp ?? T0;
    [out.keyStart[i], out.keyEnd[i]] = place(record.key);
    [out.valueStart[i], out.valueEnd[i]] = place(record.value);
  });
  return { ...out, bytes: Buffer.concat(parts) };
}

export interface Landed {
  result: LandSplitResult;
  /** Rows of a Hive table with its partition, ordered by Kafka position; every value cast as `cast` says. */
  rows: (table: string, select?: string) => Promise<Record<string, unknown>[]>;
  /** `offset: reason` of every quarantined record, in order of offset, over all quarantines. */
  reasons: () => Promise<string[]>;
  /** Rows of all quarantines. */
  quarantined: () => Promise<Record<string, unknown>[]>;
}

const opened: { duck: Duck; directory: string }[] = [];

export async function land(
  tables: LandingTable[],
  records: TestRecord[],
  overrides: Partial<LandSplitRequest> = {},
): Promise<Landed> {
  const directory = await mkdtemp(join(tmpdir(), 'tributary-land-'));
  const result = await landSplit({
    kafka: 'main',
    topic: tables[0]?.spec.topic ?? 'topic',
    batch: 'b1',
    ranges: [],
    tables,
    fileStem: 'split',
    workDir: directory,
    blocks: asAsync(recordBlocks(records)),
    threads: 1,
    memoryLimitMb: 512,
    ...overrides,
  });
  const duck = await Duck.open({ threads: 1, memoryLimitMb: 512, tempDirectory: join(directory, 'read') });
  opened.push({ duck, directory });
  const rows = async (table: string, select = '*') => {
    const files = result.files.filter((file) => file.table === table);
    if (files.length === 0) return [];
    const parts = files.map(
      (file) =>
        `SELECT *, ${lit(Object.values(file.partition).join(' '))} AS part FROM read_parquet(${lit(file.localPath)}, hive_partitioning = false)`,
    );
    return duck.rows(
      `SELECT ${select} FROM (${parts.join(' UNION ALL BY NAME ')}) ORDER BY kafka_partition, kafka_offset`,
    );
  };
  const quarantined = async () => {
    const tablesSeen = [...new Set(result.files.map((file) => file.table))].filter((t) =>
      t.endsWith('_quarantine'),
    );
    return (await Promise.all(tablesSeen.map((table) => rows(table)))).flat();
  };
  return {
    ...{ result, rows, quarantined },
    reasons: async () =>
      (await quarantined()).map((row) => `${String(row['kafka_offset'])}: ${String(row['reason'])}`).sort(),
  };
}

/** Closes what `land` opened; call it after each test file. */
export async function cleanUp(): Promise<void> {
  for (const { duck, directory } of opened.splice(0)) {
    duck.close();
    await rm(directory, { recursive: true, force: true });
  }
}

async function* asAsync<T>(items: Iterable<T>): AsyncGenerator<T> {
  await Promise.resolve();
  yield* items;
}
