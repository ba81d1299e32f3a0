import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { boundariesBetween, partitionClosedBy } from '../../common/zone.js';
import { METRICS } from '../../activities/metrics.js';
import { canalRecord } from './mirror-log.js';
import { createTopic, endpoints, install, pause, produce, type Installation, freePort } from './support.js';

const ZONE = 'Asia/Shanghai';
const DAY = 86_400_000;
const anyText: unknown = expect.any(String);
const MONITORING = join(import.meta.dirname, '..', '..', 'docs', 'monitoring');

interface Rules {
  groups: { rules: { record?: string; alert?: string; expr: string }[] }[];
}

let here: Installation;
let endpoint: string;

const read = (file: string): Promise<string> => readFile(join(MONITORING, file), 'utf8');

/** Expressions of a parsed file, wherever in it they stand. */
function expressions(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === 'expr' && typeof inner === 'string' ? [inner] : expressions(inner),
  );
}

/** Names of metrics in expressions: of workers (`tributary_`, `temporal_`) and of recording rules (`tributary:`). */
function namesIn(texts: string[], prefix: RegExp): string[] {
  const words = texts.flatMap((text) => text.replace(/"[^"]*"/g, '').match(/[a-z_][a-z0-9_:]*/gi) ?? []);
  return [...new Set(words.filter((word) => prefix.test(word)))].sort();
}

/** The samples that the worker serves now: name -> its lines. */
async function served(): Promise<Map<string, string[]>> {
  const samples = new Map<string, string[]>();
  const text = await (await fetch(endpoint)).text();
  for (const line of text.split('\n')) {
    const name = /^[a-z_][a-z0-9_:]*/i.exec(line)?.[0];
    if (name !== undefined) samples.set(name, [...(samples.get(name) ?? []), line]);
  }
  return samples;
}

/** A mirror with two days' snapshots, one of its records unreadable; and a table whose topic does not exist. */
beforeAll(async () => {
  here = await install('monitoring');
  const topic = here.topic('shop');
  const port = await freePort();
  endpoint = `http://127.0.0.1:${port}/metrics`;
  const table = (name: string, from: string): string => `  - name: ${name}
    mode: mirror
    from: { kafka: main, topic: ${from}, format: canal-json, match: { database: shop, table: orders } }
    partition: [day]
    lateness: 1s
    snapshot: { every: day, engine: duckdb }
`;
  await here.writeConfig(
    table(here.table('orders'), topic) + table(here.table('missing'), here.topic('missing')),
    `worker: { metrics: '127.0.0.1:${port}' }`,
  );
  await createTopic(topic, 2);
  const midnight = boundariesBetween(Date.now() - 3 * DAY, Date.now(), ZONE, 'day')[0]!;
  const row = (id: number) => ({ id: `${id}`, status: 'new', amount: '1.0000' });
  const rows = Array.from({ length: 200 }, (_, id) =>
    canalRecord('shop', 'orders', { type: 'INSERT', ms: midnight + id * 1_000, row: row(id) }),
  );
  await produce(topic, 2, [...rows, '{"database": "shop", "table": "orders", "data": 7}']);
  here.startWorker();
  await here.ok('start');
  const last = boundariesBetween(midnight, Date.now(), ZONE, 'day').at(-1)!;
  await here.until(
    here.table('orders'),
    'all snapshots',
    ({ lastSnapshot }) => lastSnapshot === `dt=${partitionClosedBy(last, ZONE, 'day').dt}`,
  );
  // A workflow that this version does not know is what a worker of another version would meet.
  const connection = await Connection.connect({ address: endpoints.temporal.address });
  await new Client({ connection }).workflow.start('unknown', {
    taskQueue: here.name,
    workflowId: `${here.name}-unknown`,
  });
  await connection.close();
});
afterAll(() => here.close());

describe('monitoring of a real worker', () => {
  // An alert on a metric that nobody serves never fires, and nobody notices until the night in which it should have.
  it('serves every metric that the alert rules and the dashboard ask for', async () => {
    const rules = parse(await read('alerts.yaml')) as Rules;
    const asked = [...expressions(rules), ...expressions(JSON.parse(await read('grafana-dashboard.json')))];
    const wanted = namesIn(asked, /^(tributary|temporal)_/);
    expect(wanted).toContain(METRICS.snapshotBoundary);
    let missing = wanted;
    for (let waited = 0; missing.length > 0 && waited < 60_000; waited += 1_000) {
      await pause(1_000);
      const samples = await served();
      missing = wanted.filter((name) => !samples.has(name));
    }
    expect(missing, [...(await served()).keys()].join('\n')).toEqual([]);

    const recorded = rules.groups.flatMap((group) => group.rules.map(({ record }) => record));
    expect(namesIn(asked, /^tributary:/).filter((name) => !recorded.includes(name))).toEqual([]);
  });

  // Panels and alerts select by these labels; a metric without its table says nothing.
  it('serves our own metrics with the table or topic they are about, and the documents name them', async () => {
    const samples = await served();
    const page = await readFile(join(MONITORING, '..', 'operating', 'monitoring.md'), 'utf8');
    for (const name of Object.values(METRICS)) {
      const lines = samples.get(name) ?? samples.get(`${name}_bucket`) ?? [];
      const label =
        name === METRICS.landedBytes || name === METRICS.fetchedBytes
          ? `topic="${here.topic('shop')}"`
          : `table="${here.table('orders')}"`;
      expect(
        lines.filter((line) => line.includes(label)),
        name,
      ).not.toEqual([]);
      const documented = name === METRICS.paused ? '_table_paused' : name;
      expect(page, 'docs/operating/monitoring.md').toContain(documented);
    }
  });

  // At three in the morning people grep for a table: a line without its name is not found.
  it('logs JSON lines that say which table or topic, batch or plan, workflow and attempt they are about', () => {
    const lines = here
      .log()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const done = lines.filter(({ activity }) => typeof activity === 'string');
    const kinds = new Set(done.map(({ activity }) => activity));
    expect([...kinds]).toEqual(
      expect.arrayContaining([
        'prepareTable',
        'writeBatch',
        'commitBatch',
        'mergeSnapshot',
        'publishSnapshot',
      ]),
    );
    for (const line of done) {
      const text = JSON.stringify(line);
      expect(line, text).toMatchObject({ workflowId: anyText, attempt: 1 });
      expect(line['table'] ?? line['topic'], text).toEqual(anyText);
    }
    const failures = lines.filter(
      ({ topic, msg }) => topic === here.topic('missing') && msg === 'Activity failed',
    );
    expect(failures).not.toEqual([]);
    for (const failure of failures) {
      expect(failure).toMatchObject({
        activity: 'planBatch',
        error: { code: 'TopicNotFound', message: anyText },
      });
    }
    for (const line of done.filter(({ activity }) => /^(write|commit)Batch$/.test(String(activity)))) {
      expect(line['batch'], JSON.stringify(line)).toEqual(anyText);
    }
    const pieces = /^(plan|split|merge|publish)Snapshot$/;
    for (const line of done.filter(({ activity }) => pieces.test(String(activity)))) {
      const about = { table: here.table('orders') };
      expect(line, JSON.stringify(line)).toMatchObject(about);
      if (line['activity'] !== 'planSnapshot') expect(line['plan']).toEqual(anyText);
    }
  });
});
