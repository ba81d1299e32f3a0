import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  click,
  clickTable,
  createTopic,
  endpoints,
  install,
  pause,
  produce,
  terminate,
  type Installation,
} from './support.js';

const DAY = 86_400_000;

let here: Installation;
let connection: Connection;

beforeAll(async () => {
  here = await install('leftovers');
  connection = await Connection.connect({ address: endpoints.temporal.address });
});
afterAll(async () => {
  await connection.close();
  await here.close();
});

const runOf = async (workflowId: string): Promise<string> =>
  (await new Client({ connection }).workflow.getHandle(workflowId).describe()).runId;

/** A directory of the warehouse as a run left it so many days ago. */
async function left(path: string, days: number): Promise<string> {
  const directory = join(here.dir, 'data', path);
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'rows.parquet'), 'rows');
  const then = new Date(Date.now() - days * DAY);
  await utimes(directory, then, then);
  return directory;
}

// Terminated workflows and lost histories happen for years; what they had staged would fill the disk, and taking what a running
// batch has staged would stop its table.
it('what terminated and lost runs left in storage goes, and nothing of a run that lives', async () => {
  const topic = here.topic('click');
  const table = here.table('click');
  const ingest = `ingest/main/${topic}`;
  await createTopic(topic, 1);
  await produce(topic, 1, [click(1)]);
  await here.writeConfig(clickTable(table, topic));
  here.startWorker();
  await here.ok('start');
  await here.until(table, 'one row', ({ rows }) => rows === 1);

  const gone = [
    await left(`_staging/${await runOf(ingest)}`, 2),
    await left(`_staging/${randomUUID()}`, 8),
    await left(`_tributary/backfill/${table}/lost`, 2),
  ];
  const kept = [
    await left(`_staging/${await runOf(`table/${table}`)}`, 30),
    await left(`_staging/${randomUUID()}`, 2),
    await left(`_tributary/backfill/${table}/young`, 0),
  ];
  await terminate(ingest);
  // Its successor sweeps as soon as it begins.
  await here.ok('start');
  for (let waited = 0; gone.some((path) => existsSync(path)); waited += 1) {
    expect(waited, `still there: ${gone.filter((path) => existsSync(path)).join(', ')}`).toBeLessThan(60);
    await pause(1_000);
  }
  expect(kept.filter((path) => !existsSync(path))).toEqual([]);
  await produce(topic, 1, [click(2)]);
  await here.until(table, 'another row', ({ rows }) => rows === 2);
});
