import { mkdir, rm, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { resolve } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import pc from 'picocolors';
import { loadConfig } from '../config/load.js';
import { resolveRuntime } from '../config/resolve-runtime.js';
import { readEndpoints, type Endpoints } from '../stack/endpoints.js';
import type { Catalog } from '../warehouse/catalog.js';
import { openCatalog, openStorage } from '../workers/open-context.js';
import { topicQuery } from '../workflows/messages.js';
import { ingestWorkflowId } from '../workflows/names.js';
import { askFiles, askHive, type Answers } from './answers.js';
import { clicks, type ClickOptions } from './clicks.js';
import { askYourself, demoDir, HOW_TO_END } from './closing.js';
import { demoConfig } from './config.js';
import { earlierQueue, endEarlierRun, queueOfTable } from './earlier-run.js';
import { createTopic, nothingProduced, produce, type Produced } from './produce.js';
import { check, Progress, say, step } from './screen.js';
import { end, runCli, spawnWorker } from './worker-process.js';

const ZONE = 'Asia/Shanghai';
const PARTITIONS = 4;
const HOUR = 3_600_000;
const DIR = demoDir('click');
const TABLE = 'stat_click';

/**
 * The main job before your eyes: a stat log in a real Kafka lands in Hive through durable workflows, a worker is killed
 * on the way, and what Hive answers is compared with what was produced.
 */
export async function runDemo(options: { lite: boolean; events: number }): Promise<boolean> {
  const endpoints = readEndpoints();
  // Each run has a topic, a database and a queue of its own, so that a second one begins from nothing.
  const run = new Date().toISOString().replace(/[-:T]/g, '').slice(2, 14);
  const topic = `demo.click.${run}`;
  await mkdir(DIR, { recursive: true });
  const configFile = resolve(DIR, 'tributary.yaml');
  const earlier = await earlierQueue(configFile);
  await writeFile(
    configFile,
    demoConfig({ endpoints, run, topic, table: TABLE, zone: ZONE, lite: options.lite }),
  );

  const connection = await Connection.connect({ address: endpoints.temporal.address });
  const client = new Client({ connection });
  await endEarlierRun(client, earlier);
  await endEarlierRun(client, await queueOfTable(client, TABLE));
  await rm(resolve(DIR, 'data'), { recursive: true, force: true });

  step(
    `A stat log of ${options.events.toLocaleString('en-US')} events over six hours, in ${PARTITIONS} Kafka partitions`,
  );
  await createTopic(endpoints.kafka.brokers, topic, PARTITIONS);
  const now = Date.now();
  const log: ClickOptions = {
    count: options.events,
    fromMs: Math.floor(now / HOUR) * HOUR - 7 * HOUR,
    toMs: Math.floor(now / HOUR) * HOUR - HOUR,
    zone: ZONE,
    seed: 20_260_101,
  };
  const produced = nothingProduced();
  const sending = new Progress('produced', options.events);
  await produce(endpoints.kafka.brokers, topic, PARTITIONS, clicks(log), produced, (n) => sending.show(n));
  say(
    `one in a thousand is broken (${[...produced.reasons.values()].reduce((a, b) => a + b, 0)} in all), one in a hundred is late; topic ${topic}`,
  );

  step('Two workers start, and the table with: tributary start');
  const workerLog = resolve(DIR, 'worker.log');
  const workers = [spawnWorker(configFile, workerLog), spawnWorker(configFile, workerLog)];
  try {
    await runCli(['start', '-c', configFile]);

    step('Ingesting; one worker gets SIGKILL in the middle');
    const landing = new Progress('committed', options.events);
    let killed = false;
    await landed(client, topic, options.events, async (records) => {
      landing.show(records);
      if (killed || records < options.events / 4) return;
      killed = true;
      landing.break();
      say(
        pc.red(
          `worker ${String(workers[0]!.pid)} killed with SIGKILL at ${records.toLocaleString('en-US')} records; another takes its place`,
        ),
      );
      await end(workers[0]!, 'SIGKILL');
      workers[0] = spawnWorker(configFile, workerLog);
    });
    const runtime = resolveRuntime(await loadConfig(configFile));
    const catalog = openCatalog(runtime.catalog, openStorage(runtime.storage));
    await completed(catalog, [...produced.partitions.keys()]);

    step('Late rows come after their hour was complete: a new revision of it, visibly');
    const lateLog = { ...log, count: 500, toMs: log.fromMs + HOUR, seed: 7 };
    await produce(endpoints.kafka.brokers, topic, PARTITIONS, clicks(lateLog), produced, () => undefined);
    await landed(client, topic, produced.records, () => Promise.resolve());
    say(`${lateLog.count} late events landed`);

    step(options.lite ? 'What the files say' : 'What Hive answers');
    const answers = options.lite
      ? await askFiles(catalog, TABLE)
      : await askHive(catalog, `demo_${run}`, TABLE);
    await catalog.close();
    const right = report(produced, answers);
    await runCli(['status', '-c', configFile]);
    closing(configFile, endpoints, options.lite ? undefined : `demo_${run}`, right);
    return right;
  } finally {
    await Promise.all(workers.map((worker) => end(worker, 'SIGTERM')));
    await connection.close();
  }
}

/** Waits until the topic's workflow has committed `records`. */
async function landed(
  client: Client,
  topic: string,
  records: number,
  onProgress: (records: number) => Promise<void>,
): Promise<void> {
  const handle = client.workflow.getHandle(ingestWorkflowId('main', topic));
  for (;;) {
    await pause(400);
    const status = await handle.query(topicQuery).catch(() => undefined);
    if (!status) continue;
    const committed = Object.values(status.positions).reduce((sum, offset) => sum + offset, 0);
    await onProgress(committed);
    if (committed >= records) return;
  }
}

/** Waits until every hour says that it is complete. */
async function completed(catalog: Catalog, hours: string[]): Promise<void> {
  for (const hour of hours) {
    const [dt, hh] = hour.split('/') as [string, string];
    for (;;) {
      const parameters = await catalog.partitionParameters(TABLE, { dt, hh });
      if (parameters['tributary.complete'] === 'true') break;
      await pause(500);
    }
  }
  say(`${hours.length} hours are complete: small files rewritten, _SUCCESS written, parameters set`);
}

function report(produced: Produced, answers: Answers): boolean {
  const results: boolean[] = [];
  console.log(pc.dim('       HOUR           PRODUCED     ANSWERED  REVISION'));
  for (const [name, rows] of [...produced.partitions].sort()) {
    const answer = answers.partitions.get(name);
    const mark = answer?.complete ? `complete, revision ${answer.revision}` : 'open';
    const columns = [
      name,
      rows.toLocaleString('en-US').padStart(9),
      (answer?.rows ?? 0).toLocaleString('en-US').padStart(12),
    ];
    results.push(check(answer?.rows === rows, `${columns.join(' ')}  ${mark}`));
  }
  const good = [...produced.partitions.values()].reduce((sum, n) => sum + n, 0);
  results.push(
    check(
      answers.rows === good,
      `${answers.rows.toLocaleString('en-US')} rows of ${good.toLocaleString('en-US')} good records`,
    ),
  );
  results.push(check(answers.distinct === answers.rows, `${answers.rows - answers.distinct} duplicates`));
  for (const [reason, count] of [...produced.reasons].sort()) {
    results.push(
      check(
        answers.reasons.get(reason) === count,
        `${answers.reasons.get(reason) ?? 0} of ${count} broken records in quarantine as ${reason}`,
      ),
    );
  }
  for (const { partition, first, last, count } of answers.offsets.sort((a, b) => a.partition - b.partition)) {
    results.push(
      check(last - first + 1 === count, `partition ${partition}: offsets ${first} to ${last} without a hole`),
    );
  }
  return results.every(Boolean);
}

function closing(
  configFile: string,
  { temporal, hive }: Endpoints,
  database: string | undefined,
  right: boolean,
): void {
  const hiveTable = database && `${database}.${TABLE}`;
  const query = hiveTable && `SELECT dt, hh, count(*) AS n FROM ${hiveTable} GROUP BY dt, hh ORDER BY dt, hh`;
  console.log(`
${right ? pc.green('Everything that was produced is there, once.') : pc.red('Something is missing or there twice: see the lines with ✗.')} (${cpus().length} cores)

  Temporal Web UI   ${temporal.uiUrl}/namespaces/default/workflows/table%2F${TABLE}
  config            ${configFile}
${hiveTable === undefined ? `  data              ${resolve(DIR, 'data')} (Parquet)\n` : `  Hive table        ${hiveTable}\n`}${askYourself(hive, database ?? '', query)}
What to try next:
  node bin/tributary.mjs worker -c ${configFile}        a worker, in another terminal
  node bin/tributary.mjs status -c ${configFile} --watch
  node bin/tributary.mjs pause ${TABLE} -c ${configFile}
  node bin/tributary.mjs discover -c ${configFile}      looks at the topics and proposes tables
${HOW_TO_END}`);
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
