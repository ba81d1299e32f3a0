import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { METRICS } from '../../activities/metrics.js';
import { stackDir, stackPaths } from '../../stack/paths.js';
import { canalRecord } from './mirror-log.js';
import { readRows } from './rows.js';
import { createTopic, freePort, install, pause, produce, type Installation } from './support.js';

const TABLES = 200;
const RECORDS = 100_000;
const PARTITIONS = 4;
const START = Date.parse('2026-03-01T00:00:00Z');

let here: Installation;
let metrics: string;

beforeAll(async () => {
  here = await install('shared', { ingest: '{ flush: { interval: 1s }, parallelism: 2 }' });
  const port = await freePort();
  metrics = `http://127.0.0.1:${port}/metrics`;
  await createTopic(here.topic('shop'), PARTITIONS);
});
afterAll(() => here.close());

const source = (table: number): string => `orders_${String(table).padStart(3, '0')}`;

function config(tables: number): string {
  const one = (table: number): string => `  - name: ${here.table(source(table))}
    mode: mirror
    from: { kafka: main, topic: ${here.topic('shop')}, format: canal-json, match: { database: shop, table: ${source(table)} } }
    key: [id]
    snapshot: false
`;
  return Array.from({ length: tables }, (_, table) => one(table)).join('');
}

/** Record i is table i % TABLES's row i. */
const change = (i: number, table = i % TABLES): string =>
  canalRecord('shop', source(table), {
    ...{ type: 'INSERT', ms: START + i },
    row: { id: String(i), status: `status ${i % 7}`, amount: `${i % 1000}.2500` },
  });

describe('a topic of two hundred tables', () => {
  // A reader for each table would fetch the topic two hundred times.
  it('is fetched once, and every table gets its own rows', async () => {
    await produce(
      here.topic('shop'),
      PARTITIONS,
      Array.from({ length: RECORDS }, (_, i) => change(i)),
    );
    await here.writeConfig(config(TABLES), `worker: { metrics: '${new URL(metrics).host}' }`);
    here.startWorker();
    await here.ok('start');
    for (const table of [0, 57, TABLES - 1]) {
      const name = here.table(source(table));
      await here.until(name, 'all rows', ({ rows }) => rows === RECORDS / TABLES, 300_000);
      const [row] = await readRows<{ n: string; ids: string }>(
        here,
        `${name}_changelog`,
        `count(DISTINCT id)::VARCHAR AS n, bool_and(id % ${TABLES} = ${table})::VARCHAR AS ids`,
      );
      expect(row).toEqual({ n: String(RECORDS / TABLES), ids: 'true' });
    }
    // SDKs hand their metrics over once a second.
    await pause(2_000);
    const fetched = await fetchedBytes();
    const size = topicBytes();
    expect(fetched).toBeGreaterThanOrEqual(size);
    expect(fetched / size).toBeLessThan(1.1);
  });

  // People add tables every week; the others may not stand still meanwhile.
  it('takes in another table, which catches up while the others go on', async () => {
    const late = here.table(source(TABLES));
    const records = Array.from({ length: 2_000 }, (_, i) => change(RECORDS + i, TABLES));
    await produce(here.topic('shop'), PARTITIONS, records);
    await here.writeConfig(config(TABLES + 1), `worker: { metrics: '${new URL(metrics).host}' }`);
    await here.ok('start');
    const more = Array.from({ length: TABLES }, (_, i) => change(RECORDS * 2 + i));
    await produce(here.topic('shop'), PARTITIONS, more);
    await here.until(late, 'its rows', ({ rows }) => rows === records.length, 180_000);
    const other = here.table(source(3));
    await here.until(other, 'its newest row', ({ rows }) => rows === RECORDS / TABLES + 1, 180_000);
    const [row] = await readRows<{ n: string }>(
      here,
      `${late}_changelog`,
      'count(DISTINCT id)::VARCHAR AS n',
    );
    expect(row).toEqual({ n: String(records.length) });
  });
});

async function fetchedBytes(): Promise<number> {
  const page = await (await fetch(metrics)).text();
  const lines = page.split('\n').filter((line) => line.startsWith(`${METRICS.fetchedBytes}{`));
  return lines
    .filter((line) => line.includes(`topic="${here.topic('shop')}"`))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

/** Bytes of the topic's segments: what a broker sends of it when it is read once. */
function topicBytes(): number {
  const data = stackPaths(stackDir()).data('kafka');
  const logs = readdirSync(data, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.includes(`${here.topic('shop')}-`) && file.endsWith('.log'),
  );
  return logs.reduce((sum, file) => sum + statSync(join(data, file)).size, 0);
}
