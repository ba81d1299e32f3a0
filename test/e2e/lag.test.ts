import type { ChildProcess } from 'node:child_process';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  click,
  clickTable,
  createTopic,
  endpoints,
  freePort,
  install,
  kill,
  pause,
  produce,
  withAdmin,
  type Installation,
} from './support.js';

/** Tables that do not read, each for another reason: what they show must be true of now. */
let here: Installation;
let worker: ChildProcess;
let port: number;
const topic = (suffix: string): string => here.topic(suffix);
const table = (suffix: string): string => here.table(suffix);
const clicks = (from: number, count: number): string[] =>
  Array.from({ length: count }, (_, i) => click(from + i));

const config = (type = 'bigint'): Promise<void> =>
  here.writeConfig(
    [
      clickTable(table('alone'), topic('alone')),
      clickTable(table('easy'), topic('shared')),
      clickTable(table('held'), topic('shared'), '    quarantine: { max_records: 2 }\n'),
      clickTable(table('lost'), topic('lost')),
      clickTable(table('own'), topic('own')).replace('type: bigint', `type: ${type}`),
      clickTable(table('missing'), topic('missing')),
    ].join(''),
    `worker: { metrics: '127.0.0.1:${port}' }`,
  );

/** The value that the worker serves of a table's metric; undefined if it serves none. */
async function metric(name: string, of: string): Promise<number | undefined> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const line = text.split('\n').find((one) => one.startsWith(`tributary_${name}{table="${of}"}`));
  return line === undefined ? undefined : Number(line.split(' ')[1]);
}

async function metricIs(name: string, of: string, value: number): Promise<void> {
  let last: number | undefined;
  for (let waited = 0; waited < 120_000; waited += 1_000) {
    last = await metric(name, of).catch(() => undefined);
    if (Object.is(last, value)) return;
    await pause(1_000);
  }
  throw new Error(`tributary_${name} of ${of} never got to ${value}; last seen: ${last ?? 'none'}`);
}

beforeAll(async () => {
  here = await install('lag');
  port = await freePort();
  await config();
  for (const name of ['alone', 'shared', 'lost', 'own']) {
    await createTopic(topic(name), 2);
    await produce(topic(name), 2, clicks(0, 100));
  }
  worker = here.startWorker();
  await here.ok('start');
  for (const name of ['alone', 'easy', 'held', 'lost', 'own']) {
    await here.until(table(name), '100 rows', ({ rows, lagRecords }) => rows === 100 && lagRecords === 0);
  }
});
afterAll(() => here.close());

describe('how far a table falls behind', () => {
  // Kafka's retention passed tables by that were shown with a lag of 0.
  it('shows while it is paused alone on its topic, also after its worker was restarted', async () => {
    await here.ok('pause', table('alone'));
    await here.until(table('alone'), 'paused', ({ phase }) => phase === 'paused');
    await produce(topic('alone'), 2, clicks(100, 30));
    await kill(worker, 'SIGTERM');
    worker = here.startWorker();
    const seen = await here.until(table('alone'), 'its lag', ({ lagRecords }) => lagRecords === 30);
    expect(seen.lagSeconds).toBeGreaterThan(0);
    expect(seen).toMatchObject({ phase: 'paused', stale: false });
    expect(await here.ok('status', table('alone'))).toMatch(/lag +30 records/);
    await metricIs('lag_records', table('alone'), 30);
    await metricIs('table_paused', table('alone'), 1);
  });

  it('shows while its quarantine holds it and the others of its topic read on', async () => {
    await produce(topic('shared'), 2, ['{"at": "never"}', '{"at": "never"}', '{"at": "never"}']);
    await here.until(table('held'), 'held', ({ fault }) => fault?.code === 'QuarantineLimit');
    await produce(topic('shared'), 2, clicks(100, 40));
    await here.until(table('held'), 'its lag', ({ lagRecords }) => lagRecords === 40);
    await here.until(table('easy'), 'none', ({ rows, lagRecords }) => rows === 140 && lagRecords === 0);
    await metricIs('table_waiting', table('held'), 1);
  });

  it('shows while Kafka has lost what comes next', async () => {
    await here.ok('pause', table('lost'));
    await here.until(table('lost'), 'paused', ({ phase }) => phase === 'paused');
    await produce(topic('lost'), 2, clicks(100, 50));
    await withAdmin(async (admin) => {
      // kafkajs deletes records only of topics whose metadata it has loaded already.
      await admin.fetchTopicOffsets(topic('lost'));
      await admin.deleteTopicRecords({ topic: topic('lost'), partitions: [{ partition: 0, offset: '60' }] });
    });
    await here.ok('resume', table('lost'));
    const fits = ({ fault, lagRecords }: { fault: { code: string } | null; lagRecords: number | null }) =>
      fault?.code === 'OffsetsLost' && lagRecords === 50;
    await here.until(table('lost'), 'its fault and lag', fits);
  });
});

describe('a table with a fault of its own', () => {
  it('is one that waits, for the alerts too', async () => {
    // Of a table that runs, start would refuse a type that its files do not have.
    await here.ok('stop', table('own'));
    await config('date');
    await here.ok('start', table('own'));
    await here.until(table('own'), 'its fault', ({ fault }) => fault?.code === 'CatalogConflict');
    await metricIs('table_waiting', table('own'), 1);
  });
});

describe('a table that is stopped while its topic does not exist', () => {
  // The workflow of the topic stayed for ever, and so did the metric that it waits.
  it('leaves nothing behind', async () => {
    await here.until(table('missing'), 'its fault', ({ fault }) => fault?.code === 'TopicNotFound');
    await metricIs('table_waiting', table('missing'), 1);
    await here.ok('stop', table('missing'));
    await metricIs('table_waiting', table('missing'), NaN);
    await metricIs('reported_timestamp_seconds', table('missing'), NaN);
    const connection = await Connection.connect({ address: endpoints.temporal.address });
    const handle = new Client({ connection }).workflow.getHandle(`ingest/main/${topic('missing')}`);
    await handle.result();
    expect((await handle.describe()).status.name).toBe('COMPLETED');
    await connection.close();
  });
});
