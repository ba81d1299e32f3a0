import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { blame, TributaryError } from '../common/errors.js';
import { canonicalJson } from '../common/hash.js';
import { Duck, lit } from '../warehouse/duckdb.js';
import { landAppend } from './append.js';
import { AvroLines } from './avro-lines.js';
import { CanonicalLines } from './canonical-lines.js';
import { changeSource } from './change-source.js';
import { noChanges, type ChangesResult } from './changes.js';
import { CompressedLines } from './compressed-lines.js';
import { decoderFactory } from './decoders/index.js';
import { avroSource } from './formats/debezium-avro.js';
import { createDebeziumMongoDecoder } from './formats/debezium-mongo.js';
import { landDecodedChanges, landTextChanges } from './land-changes.js';
import {
  createQuarantine,
  noteReaders,
  quarantineInsert,
  unattributedQuarantine,
  writeQuarantine,
} from './quarantine.js';
import type { FindRepeated } from './repeated-text.js';
import { loggedEvents, writeSchemaLog } from './schema-log.js';
import { SpoolLines, spoolBlocks, spoolRows, type Spool } from './spool.js';
import type { LandedFile, LandingTable, LandSplitRequest, LandSplitResult } from './types.js';

const RECORD_FORMATS = new Set(['json', 'filebeat', 'text']);

/** Tables that read the records by the same format and options: they share one reading. */
interface Group {
  tables: LandingTable[];
  /** Decoded changes, where the format needs a decoder. */
  decoded: CanonicalLines | undefined;
  /** Records made readable as text, where the format needs that. */
  avro: AvroLines | undefined;
  /** Records that the producer compressed by itself. */
  compressed: CompressedLines | undefined;
}

/**
 * Lands the records of a split: every record becomes rows of its tables or a row of a quarantine, in local Parquet files
 * whose names and rows depend on the ranges and the specs alone.
 * @throws TributaryError LocalDiskFull, DuckDbOutOfMemory (both retryable), DuckDbFailed, BadJsonPath,
 *   UnsupportedFormat; whatever reading the blocks throws; the signal's reason
 */
export async function landSplit(request: LandSplitRequest): Promise<LandSplitResult> {
  await mkdir(request.workDir, { recursive: true });
  const groups = await openGroups(request);
  const decoders = groups.flatMap(({ decoded, avro, compressed }) =>
    [decoded, avro, compressed].filter((sink) => sink !== undefined),
  );
  const options = { ...request, repeated: repeatedText(request.tables) };
  const spool = await spoolBlocks(request.blocks, request.workDir, options, decoders);
  // One thread: with more, DuckDB's partitioned writes give files whose order of rows changes from run to run.
  const duck = await Duck.open({
    threads: 1,
    memoryLimitMb: request.memoryLimitMb,
    tempDirectory: join(request.workDir, 'duckdb'),
    signal: request.signal,
  });
  const heartbeat = setInterval(() => request.onProgress?.(), 1000);
  try {
    await duck.run('SET partitioned_write_max_open_files = 1000');
    // These would turn joins around, and with them the order of rows.
    await duck.run("SET disabled_optimizers = 'join_order,build_side_probe_side'");
    await createQuarantine(duck);
    const landed = await landGroups(duck, request, spool, groups);
    const zone = request.tables[0]?.spec.timezone ?? 'UTC';
    const quarantine = await writeQuarantine(duck, { ...request, zone });
    const schemaLog = await writeSchemaLog(
      duck,
      { ...request, zone },
      loggedEvents(request, landed.schemaEvents),
    );
    return {
      ...landed,
      files: [...landed.files, ...quarantine.files, ...schemaLog],
      records: spool.records,
      bytesRead: spool.bytes,
      quarantined: quarantine.quarantined,
      quarantineReasons: quarantine.reasons,
    };
  } finally {
    clearInterval(heartbeat);
    duck.close();
  }
}

async function openGroups(request: LandSplitRequest): Promise<Group[]> {
  const byReader = new Map<string, LandingTable[]>();
  for (const table of request.tables) {
    const reader = canonicalJson([table.spec.format, table.spec.formatOptions, holdsDocuments(table)]);
    byReader.set(reader, [...(byReader.get(reader) ?? []), table]);
  }
  const groups: Group[] = [];
  for (const tables of byReader.values()) {
    const { format, formatOptions, name } = tables[0]!.spec;
    const documents = format === 'debezium' && holdsDocuments(tables[0]!);
    const factory = documents ? createDebeziumMongoDecoder : decoderFactory(format);
    const isAvro = format === 'debezium-avro' && !holdsDocuments(tables[0]!);
    if (!factory && !isAvro && !RECORD_FORMATS.has(format) && !changeSource(format)) {
      throw new TributaryError({
        code: 'UnsupportedFormat',
        message: `Table ${name}: format ${format} cannot be landed.`,
        attributes: { table: name, format, member: name },
      });
    }
    const path = join(request.workDir, `decoded-${groups.length}.parquet`);
    groups.push({
      tables,
      decoded: factory && (await CanonicalLines.create(path, factory(formatOptions))),
      avro: isAvro ? await avroLines(request, path, tables[0]!) : undefined,
      compressed: format === 'canal-json' ? await CompressedLines.create(path) : undefined,
    });
  }
  return groups;
}

/** What is worth cutting out of the records: where one table alone reads them, by one parse and without keeping their text. */
function repeatedText(tables: LandingTable[]): FindRepeated | undefined {
  const [table] = tables;
  if (!table || tables.length > 1 || table.spec.rawColumn !== undefined) return undefined;
  return changeSource(table.spec.format)?.repeated;
}

function avroLines(request: LandSplitRequest, path: string, { spec }: LandingTable): Promise<AvroLines> {
  const { registry } = spec.formatOptions;
  if (typeof registry !== 'string' || !request.schemas) {
    throw new TributaryError({
      code: 'ConfigInvalid',
      message: `Table ${spec.name}: format ${spec.format} needs the address of a schema registry.`,
      attributes: { table: spec.name, member: spec.name },
    });
  }
  return AvroLines.create(path, request.schemas(registry));
}

/** True for a mirror of a MongoDB collection. */
function holdsDocuments({ spec, columns }: LandingTable): boolean {
  return (
    spec.bootstrap?.kind === 'mongodb' || columns.some(({ path }) => path === 'doc' || path === 'doc_id')
  );
}

async function landGroups(
  duck: Duck,
  request: LandSplitRequest,
  spool: Spool,
  groups: Group[],
): Promise<ChangesResult> {
  const result = noChanges();
  for (const { tables, decoded, avro, compressed } of groups) {
    const unattributedTo = unattributedQuarantine(request.topic, tables);
    const log = { request, spool, lines: new SpoolLines(spool), tables, unattributedTo };
    const source = changeSource(tables[0]!.spec.format);
    if (decoded) merge(result, await landDecodedChanges(duck, log, decoded));
    else if (avro) {
      merge(
        result,
        await landTextChanges(
          duck,
          { ...log, lines: new SpoolLines({ linesPath: avro.linesPath, texts: [] }) },
          avroSource(avro.problems > 0),
        ),
      );
      result.withoutRows += avro.odd;
    } else if (source) {
      const more = compressed && compressed.rows > 0 ? compressed.linesPath : undefined;
      const lines = new SpoolLines(spool, more);
      merge(result, await landTextChanges(duck, { ...log, lines }, source));
      // A tombstone means nothing in a change log.
      if (spool.odd > 0) result.withoutRows += await quarantineOdd(duck, spool, unattributedTo, false, more);
    } else result.files.push(...(await landRecords(duck, request, spool, tables, unattributedTo)));
    await noteReaders(duck, unattributedTo, tables);
  }
  return result;
}

async function landRecords(
  duck: Duck,
  request: LandSplitRequest,
  spool: Spool,
  tables: LandingTable[],
  unattributedTo: string,
): Promise<LandedFile[]> {
  if (spool.odd > 0) await quarantineOdd(duck, spool, unattributedTo, true);
  if (spool.lines === 0) return [];
  const files: LandedFile[] = [];
  for (const [index, table] of tables.entries()) {
    const unreadableTo = index === 0 ? unattributedTo : undefined;
    try {
      files.push(
        ...(await landAppend(duck, { ...request, table, linesPath: spool.linesPath, unreadableTo })),
      );
    } catch (error) {
      throw blame(error, table.spec.name);
    }
  }
  return files;
}

/**
 * Values that are not UTF-8 and, if `nulls`, null values; but for those that have been read and are in `readPath`. Answers how many null
 * values were left out.
 */
async function quarantineOdd(
  duck: Duck,
  spool: Spool,
  owner: string,
  nulls: boolean,
  readPath?: string,
): Promise<number> {
  const all = spoolRows(spool.oddPath);
  const odd =
    readPath === undefined
      ? all
      : `(SELECT a.* FROM ${all} a ANTI JOIN ${spoolRows(readPath)} r ON a.p = r.p AND a.o = r.o)`;
  await duck.run(
    quarantineInsert(
      `SELECT ${lit(owner)}, p::INTEGER, o, ts, CASE WHEN value IS NULL THEN 'null_value' ELSE 'invalid_utf8' END, NULL, key, value ` +
        `FROM ${odd} WHERE ${nulls} OR value IS NOT NULL`,
    ),
  );
  const [row] = await duck.rows<{ n: string }>(`SELECT count(*) AS n FROM ${odd} WHERE value IS NULL`);
  return nulls ? 0 : Number(row!.n);
}

function merge(into: ChangesResult, other: ChangesResult): void {
  into.files.push(...other.files);
  into.unmatched += other.unmatched;
  into.withoutRows += other.withoutRows;
  Object.assign(into.watermarks, other.watermarks);
  into.schemaEvents.push(...other.schemaEvents);
  Object.assign(into.newColumns, other.newColumns);
  Object.assign(into.retyped, other.retyped);
  Object.assign(into.shapes, other.shapes);
}
