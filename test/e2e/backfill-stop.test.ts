import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSession } from '../../client/session.js';
import type { BackfillInput, BackfillResult } from '../../workflows/backfill-types.js';
import { backfillWorkflowId, tableWorkflowId } from '../../workflows/names.js';
import { totals } from './rows.js';
import { createTopic, endpoints, install, produce, type Installation } from './support.js';

const DAYS = 30;
const PER_DAY = 20;
const RANGE = ['--from', '2026-03-01', '--to', '2026-03-31'];
/** Midnight of 2026-03-01 in Shanghai. */
const FIRST = Date.UTC(2026, 1, 28, 16);

let here: Installation;
let connection: Connection;
let client: Client;
let table: string;
let worker: ReturnType<Installation['startWorker']>;

const event = (id: number): string =>
  JSON.stringify({ at: new Date(FIRST + Math.floor(id / PER_DAY) * 86_400_000).toISOString(), id });

beforeAll(async () => {
  here = await install('backfill_stop');
  connection = await Connection.connect({ address: endpoints.temporal.address });
  client = new Client({ connection });
  const topic = here.topic('click');
  table = here.table('click');
  await createTopic(topic, 1);
  await produce(
    topic,
    1,
    Array.from({ length: DAYS * PER_DAY }, (_, i) => event(i)),
  );
  await here.writeConfig(`  - name: ${table}
    mode: append
    from: { kafka: main, topic: ${topic}, format: json }
    time: { path: $.at }
    partition: [day]
    lateness: 1s
    columns: [{ name: id, type: bigint }]
`);
  worker = here.startWorker();
  await here.ok('start');
  await here.until(table, 'all days', ({ rows, lagRecords }) => rows === DAYS * PER_DAY && lagRecords === 0);
});
afterAll(async () => {
  await here.close();
  await connection.close();
});

const result = (id: string): Promise<BackfillResult> =>
  client.workflow.getHandle(backfillWorkflowId(table, id)).result() as Promise<BackfillResult>;

const whole = { rows: DAYS * PER_DAY, distinct: DAYS * PER_DAY };

describe('a table that is stopped while a backfill of it runs', () => {
  // It would go on to write by the old config after the table runs by another.
  it('cancels it, says so before, and takes another one of the same days once it runs again', async () => {
    await here.ok('backfill', table, ...RANGE, '--id', 'first', '--detach');
    // The worker hears the stop while the backfill is under way, however fast the machine is.
    worker.kill('SIGSTOP');
    const stop = await here.cli('stop', table);
    worker.kill('SIGCONT');
    expect(stop.code).toBe(0);
    expect(stop.stderr).toContain(`backfill/${table}/first is cancelled with ${table}`);
    await here.until(table, 'stopped', ({ phase }) => phase === 'stopped');
    expect((await result('first')).outcome).toBe('cancelled');
    expect(await totals(here, table)).toEqual(whole);

    await here.ok('start', table);
    expect(await here.ok('status', table)).toMatch(/rows\s+(not known yet|600)/);
    await here.until(table, 'running', ({ phase, rows }) => phase === 'running' && rows === whole.rows);
    const again = JSON.parse(
      await here.ok('backfill', table, ...RANGE, '--id', 'second', '--json'),
    ) as BackfillResult;
    expect(again).toMatchObject({ outcome: 'done', rebuilt: DAYS });
    expect(await totals(here, table)).toEqual(whole);
  });
});

describe('a table that was terminated while a backfill of it ran', () => {
  it('knows of it when it is started again: another one of the same days is refused until it has ended', async () => {
    const handle = client.workflow.getHandle(tableWorkflowId(table));
    await handle.terminate('by a heavy hand');
    const { specs } = await openSession(here.configFile);
    const toMs = FIRST + DAYS * 86_400_000;
    const left: BackfillInput = {
      ...{ table, request: { id: 'left', fromMs: FIRST, toMs }, spec: specs[0]!, pin: '' },
      settings: { splitRecords: 1_000, targetBytes: 1_000_000, parallelism: 1 },
    };
    // Nobody works for this queue: it runs for as long as the test wants.
    const leftover = await client.workflow.start('backfill', {
      ...{ workflowId: backfillWorkflowId(table, 'left'), taskQueue: `${here.name}-nobody`, args: [left] },
    });
    await here.ok('start', table);
    await here.until(table, 'running', ({ phase, rows }) => phase === 'running' && rows === whole.rows);
    expect(await here.ok('status', table)).toMatch(/backfill\s+left, 2026-03-01T00:00:00/);
    const refused = await here.cli('backfill', table, ...RANGE, '--id', 'third', '--detach');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('BackfillOverlaps');
    expect(refused.stderr).toContain('--cancel --id left');

    await leftover.terminate('it is not wanted');
    expect((await here.cli('backfill', table, '--cancel', '--id', 'left')).stderr).toContain(
      'takes another one',
    );
    await here.ok('backfill', table, ...RANGE, '--id', 'third');
    expect(await totals(here, table)).toEqual(whole);
  });
});
