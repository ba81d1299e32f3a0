import { join } from 'node:path';
import { lit, Duck } from '../warehouse/duckdb.js';
import { landSplit } from './land-split.js';
import { countRows, quarantineTable, TOPIC_QUARANTINE_COLUMNS, topicQuarantineTable } from './quarantine.js';
import {
  createGone,
  hashOfPicked,
  leftBehind,
  markGone,
  pick,
  pickedBlocks,
  recordsOf,
  type ReplayInput,
  type ReplayResult,
} from './quarantine-replay.js';
import type { LandedFile, LandingTable, LandSplitResult } from './types.js';

export interface TopicReplayRequest extends ReplayInput {
  /** Tables that may get rows: those whose rules are known. */
  tables: LandingTable[];
}

export interface TopicReplayResult extends ReplayResult {
  /** Records that a table claims by now and that do not fit it: they leave for that table's own quarantine. */
  moved: number;
}

/**
 * Lands records of a topic's quarantine again, for the tables that read them together when they were set aside, and for nobody
 * else: another table has read them alone, and has its own word on them. A record is read by all of these tables at once, and
 * leaves if what it is to each of them is known: rows of some, a misfit of others. One that still cannot be told to be anybody's
 * stays, with whatever else was read of it.
 * @throws TributaryError as landSplit does
 */
export async function replayTopicQuarantine(request: TopicReplayRequest): Promise<TopicReplayResult> {
  const duck = await Duck.open({
    ...request.limits,
    threads: 1,
    tempDirectory: join(request.workDir, 'duckdb-replay'),
  });
  try {
    const inputs = request.partitions.flatMap(({ files }) => files);
    const tried = await pick(duck, inputs, request);
    await createGone(duck);
    const result: TopicReplayResult = {
      ...{ tried, landed: 0, moved: 0, reasons: {}, files: [], newColumns: {}, left: [] },
    };
    const because = (reason: string, records: number): void => {
      if (records > 0) result.reasons[reason] = (result.reasons[reason] ?? 0) + records;
    };
    const groups = await duck.rows<{ readers: string | null; n: string }>(
      'SELECT readers, count(*) AS n FROM picked GROUP BY readers ORDER BY readers NULLS FIRST',
    );
    for (const [index, { readers, n }] of groups.entries()) {
      const names = readers?.split(',') ?? [];
      const tables = request.tables.filter(({ spec }) => names.includes(spec.name));
      if (names.length === 0) because('readers_unknown', Number(n));
      else if (tables.length < names.length) because('table_not_running', Number(n));
      else await landFor(duck, request, { readers: readers!, tables, index }, result, because);
    }
    const stem = `${request.batch}-${await hashOfPicked(duck, request.tables)}`;
    return { ...result, left: await leftBehind(duck, request, TOPIC_QUARANTINE_COLUMNS, stem) };
  } finally {
    duck.close();
  }
}

interface Readers {
  readers: string;
  tables: LandingTable[];
  index: number;
}

async function landFor(
  duck: Duck,
  request: TopicReplayRequest,
  group: Readers,
  result: TopicReplayResult,
  because: (reason: string, records: number) => void,
): Promise<void> {
  const topicOwn = topicQuarantineTable(request.topic);
  const ours = `readers = ${lit(group.readers)}`;
  let where = ours;
  let landed = await read(duck, request, group, where, 'first');
  const nobodys = landed.files.filter((file) => file.table === topicOwn);
  if (nobodys.length > 0) {
    for (const [reason, records] of Object.entries(landed.quarantineReasons[topicOwn] ?? {})) {
      because(reason, records);
    }
    await duck.run(
      `CREATE OR REPLACE TEMP TABLE nobodys AS SELECT kafka_partition AS p, kafka_offset AS o FROM ${recordsOf(nobodys)}`,
    );
    where = `${ours} AND NOT EXISTS (SELECT 1 FROM nobodys n WHERE n.p = picked.p AND n.o = picked.o)`;
    landed = await read(duck, request, group, where, 'second');
  }
  const quarantines = new Set(group.tables.map(({ spec }) => quarantineTable(spec.name)));
  const isMisfit = (file: LandedFile): boolean => quarantines.has(file.table);
  const rows = await markGone(
    duck,
    landed.files.filter((file) => !isMisfit(file)),
    where,
  );
  const misfits = await markGone(duck, landed.files.filter(isMisfit), where);
  because('no_rows', (await countRows(duck, `(SELECT 1 FROM picked WHERE ${where})`)) - rows - misfits);
  result.landed += rows;
  result.moved += misfits;
  result.files.push(...landed.files);
  for (const [table, columns] of Object.entries(landed.newColumns)) {
    result.newColumns[table] = { ...result.newColumns[table], ...columns };
  }
}

async function read(
  duck: Duck,
  request: TopicReplayRequest,
  { tables, index }: Readers,
  where: string,
  pass: string,
): Promise<LandSplitResult> {
  const { kafka, topic, batch, workDir, limits } = request;
  const stem = `${batch}-${await hashOfPicked(duck, tables, where)}-${index}`;
  return landSplit({
    ...{ kafka, topic, batch, ranges: [], tables, fileStem: stem },
    ...{ workDir: join(workDir, `land-${index}-${pass}`), blocks: pickedBlocks(duck, where), ...limits },
  });
}
