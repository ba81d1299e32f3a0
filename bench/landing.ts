import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { landSplit } from '../changelog/land-split.js';
import type { LandingTable } from '../changelog/types.js';
import type { TableSpec } from '../config/spec.js';
import type { RecordBlock } from '../kafka/types.js';
import { asStream, breakSome, canalJson, filebeat, statLog, toBlocks } from './landing-data.js';

/**
 * CPU seconds a million records, spool and land, without Kafka: `node --expose-gc --import tsx bench/landing.ts [records] [format ...]`.
 * `careful` has 0.1 % broken records, which sends the split down the careful path.
 */

const records = Number(process.argv[2] ?? 1_000_000);
const wanted = process.argv.slice(3);

const spec = (overrides: Partial<TableSpec>): TableSpec => ({
  name: 'bench',
  mode: 'append',
  kafka: 'main',
  topic: 'bench',
  format: 'json',
  formatOptions: {},
  eventTime: { path: '$."@timestamp"', format: 'auto', zone: 'Asia/Shanghai', kafka: false },
  timezone: 'Asia/Shanghai',
  partition: 'hour',
  columns: [],
  key: [],
  rename: {},
  latenessSeconds: 0,
  schemaChange: 'evolve',
  quarantine: {},
  timestamps: 'native',
  ...overrides,
});

const STAT_COLUMNS: [string, string, string][] = [
  ['uid', 'bigint', '$.uid'],
  ['event', 'string', '$.event'],
  ['page', 'string', '$.page'],
  ['ip', 'string', '$.ip'],
  ['ua', 'string', '$.ua'],
  ['ok', 'boolean', '$.ok'],
  ['dur', 'double', '$.dur'],
  ['price', 'decimal(10,2)', '$.price'],
  ['n', 'int', '$.n'],
  ['sid', 'string', '$.sid'],
  ['at', 'timestamp', '$."@timestamp"'],
  ['lesson', 'string', '$.props.lesson'],
  ['rank', 'int', '$.props.rank'],
];

const ORDER_COLUMNS: [string, string, string][] = [
  ['id', 'bigint', 'id'],
  ['uid', 'bigint', 'uid'],
  ['amt', 'decimal(20,4)', 'amt'],
  ['st', 'string', 'st'],
  ['at', 'timestamp', 'at'],
];

function table(columns: [string, string, string][], overrides: Partial<TableSpec>): LandingTable {
  const list = columns.map(([name, type, path]) => ({ name, type, path }));
  return { spec: spec({ columns: list, ...overrides }), columns: list };
}

const change: Partial<TableSpec> = {
  mode: 'mirror',
  key: ['id'],
  eventTime: { format: 'auto', zone: 'Asia/Shanghai', kafka: false },
};

const cases: Record<string, { tables: LandingTable[]; lines: () => Buffer[] }> = {
  json: { tables: [table(STAT_COLUMNS, {})], lines: () => statLog(records) },
  filebeat: {
    tables: [table(STAT_COLUMNS, { format: 'filebeat', formatOptions: { message: 'json' } })],
    lines: () => filebeat(records),
  },
  'canal-json': {
    tables: [
      table(ORDER_COLUMNS, { ...change, format: 'canal-json', match: { database: 'shop', table: 'orders' } }),
    ],
    lines: () => canalJson(records),
  },
};

/** The lines are gone before the clock starts: a million small objects alive would be the garbage collector's work, not landing's. */
async function measure(name: string, tables: LandingTable[], blocks: RecordBlock[]): Promise<void> {
  globalThis.gc?.();
  const workDir = await mkdtemp(join(tmpdir(), 'tributary-bench-'));
  const cpu = process.cpuUsage();
  const start = performance.now();
  const result = await landSplit({
    kafka: 'main',
    topic: 'bench',
    batch: 'b',
    ranges: [],
    tables,
    fileStem: 'bench',
    workDir,
    blocks: asStream(blocks),
    threads: 2,
    memoryLimitMb: 1024,
  });
  const used = process.cpuUsage(cpu);
  const seconds = (used.user + used.system) / 1e6;
  const count = result.records;
  console.log(
    `${name.padEnd(22)} ${count} records of ${Math.round(result.bytesRead / count)} bytes: ${((seconds * 1e6) / count).toFixed(2)} CPU s and ` +
      `${(((performance.now() - start) * 1e3) / count).toFixed(2)} s a million, ${result.files.length} files, ${result.quarantined} quarantined`,
  );
  await rm(workDir, { recursive: true });
}

for (const [name, { tables, lines }] of Object.entries(cases)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  await measure(`${name} fast`, tables, toBlocks(lines()));
  await measure(`${name} careful`, tables, toBlocks(breakSome(lines())));
}
