import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { landSplit } from '../changelog/land-split.js';
import type { LandingTable } from '../changelog/types.js';
import type { FormatName } from '../config/spec.js';
import type { RecordBlock } from '../kafka/types.js';
import { AVRO_SCHEMA, changeStream, debeziumAvro, drainer, mongoshake } from './binary-data.js';
import { COLUMNS, LINES, openProtocol } from './format-data.js';
import { asStream } from './landing-data.js';

/**
 * CPU seconds a million records for each format, from blocks of Kafka to Parquet, on updates of one table of twelve columns; `json` is the
 * same rows as a plain log, and MongoDB's formats have them as documents, which are kept whole beside the columns.
 * `npm run bench -- formats [--records=200000] [--only=json,canal-json]`. Exit code 1 if canal-json takes more than 1.5 times what plain
 * JSON does.
 */

const argument = (name: string): string | undefined =>
  process.argv.find((arg) => arg.startsWith(`--${name}=`))?.split('=')[1];
const records = Number(argument('records') ?? 200_000);
const only = argument('only');
const ROUNDS = 5;
const LIMIT = 1.5;

const DOCUMENTS = new Set<FormatName>(['mongoshake', 'mongo-change-stream']);

function table(format: FormatName): LandingTable {
  const change = format !== 'json';
  const documents = DOCUMENTS.has(format);
  const columns = COLUMNS.map(([name, type]) => ({
    ...{ name, type },
    path: !change || documents ? `$.${documents && name === 'id' ? '_id' : name}` : name,
  }));
  if (documents) {
    const own = ['doc_id', 'doc'].map((name) => ({ name, type: 'string', path: name }));
    columns.unshift(...own);
  }
  return {
    columns,
    spec: {
      name: 'bench',
      mode: change ? 'mirror' : 'append',
      kafka: 'main',
      topic: 'bench',
      format,
      formatOptions: format === 'debezium-avro' ? { registry: 'http://registry' } : {},
      eventTime: {
        ...(change ? {} : { path: '$."@timestamp"' }),
        format: 'auto',
        zone: 'Asia/Shanghai',
        kafka: false,
      },
      timezone: 'Asia/Shanghai',
      partition: 'hour',
      columns,
      key: documents ? ['doc_id'] : change ? ['id'] : [],
      rename: {},
      latenessSeconds: 0,
      schemaChange: 'evolve',
      quarantine: {},
      timestamps: 'native',
      ...(change && { match: { database: 'shop', table: 'orders' } }),
    },
  };
}

/** Blocks of 2,000 records, made before the clock starts. */
function blocksOf(record: (i: number) => { key?: Buffer; value: Buffer }): RecordBlock[] {
  const blocks: RecordBlock[] = [];
  for (let start = 0; start < records; start += 2_000) {
    const count = Math.min(2_000, records - start);
    const block: RecordBlock = {
      partition: 0,
      count,
      bytes: Buffer.alloc(0),
      offsets: Float64Array.from({ length: count }, (_, i) => start + i),
      timestamps: new Float64Array(count).fill(1_709_251_200_000),
      keyStart: new Int32Array(count).fill(-1),
      keyEnd: new Int32Array(count).fill(-1),
      valueStart: new Int32Array(count),
      valueEnd: new Int32Array(count),
    };
    const parts: Buffer[] = [];
    let at = 0;
    for (let i = 0; i < count; i++) {
      const { key, value } = record(start + i);
      if (key) {
        parts.push(key);
        block.keyStart[i] = at;
        block.keyEnd[i] = at += key.length;
      }
      parts.push(value);
      block.valueStart[i] = at;
      block.valueEnd[i] = at += value.length;
    }
    blocks.push({ ...block, bytes: Buffer.concat(parts) });
  }
  return blocks;
}

async function landOnce(
  landing: LandingTable,
  blocks: RecordBlock[],
): Promise<{ cpu: number; bytes: number }> {
  const workDir = await mkdtemp(join(tmpdir(), 'tributary-bench-'));
  const before = process.cpuUsage();
  const result = await landSplit({
    ...{
      kafka: 'main',
      topic: 'bench',
      batch: 'b',
      ranges: [],
      tables: [landing],
      fileStem: 'bench',
      workDir,
    },
    blocks: asStream(blocks),
    ...{ threads: 2, memoryLimitMb: 1024, schemas: () => () => Promise.resolve(AVRO_SCHEMA) },
  });
  const used = process.cpuUsage(before);
  await rm(workDir, { recursive: true });
  const rows = result.files.reduce((sum, file) => sum + file.rows, 0);
  if (rows !== records || result.quarantined > 0) {
    throw new Error(
      `${landing.spec.format}: ${rows} rows of ${records}, quarantined ${JSON.stringify(result.quarantineReasons)}`,
    );
  }
  return { cpu: (used.user + used.system) / records, bytes: result.bytesRead / records };
}

const cases: [name: string, format: FormatName, record: (i: number) => { key?: Buffer; value: Buffer }][] = [
  ...Object.entries(LINES).map(([name, line]): (typeof cases)[number] => [
    name,
    name.split(' ')[0] as FormatName,
    (i) => ({ value: Buffer.from(line(i)) }),
  ]),
  ['debezium-avro', 'debezium-avro', (i) => ({ value: debeziumAvro(i) })],
  ['open-protocol', 'open-protocol', openProtocol],
  ['drainer', 'drainer', (i) => ({ value: drainer(i) })],
  ['mongoshake', 'mongoshake', (i) => ({ value: Buffer.from(mongoshake(i)) })],
  ['mongo-change-stream', 'mongo-change-stream', (i) => ({ value: Buffer.from(changeStream(i)) })],
];

const wanted = cases
  .filter(([name]) => only === undefined || only.split(',').includes(name))
  .map(([name, format, record]) => ({
    ...{ name, landing: table(format), blocks: blocksOf(record) },
    ...{ cpu: Infinity, bytes: 0 },
  }));
// Round by round, so that what else the machine does falls on all of them.
for (let round = 0; round < ROUNDS; round++) {
  for (const run of wanted) {
    const { cpu, bytes } = await landOnce(run.landing, run.blocks);
    run.cpu = Math.min(run.cpu, cpu);
    run.bytes = bytes;
  }
}
const costOf = (name: string) => wanted.find((run) => run.name === name)?.cpu;
const json = costOf('json');
for (const { name, cpu, bytes } of wanted) {
  const ratio = json === undefined ? '' : `, ${(cpu / json).toFixed(2)} times plain JSON`;
  console.log(
    `${name.padEnd(24)} ${records} records of ${Math.round(bytes)} bytes: ${cpu.toFixed(2)} CPU s a million${ratio}`,
  );
}
const canal = costOf('canal-json');
if (json !== undefined && canal !== undefined && canal > LIMIT * json) {
  console.error(`canal-json takes more than ${LIMIT} times what plain JSON takes`);
  process.exitCode = 1;
}
