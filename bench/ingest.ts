import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { loadConfig } from '../config/load.js';
import { resolveRuntime } from '../config/resolve-runtime.js';
import { nothingProduced, createTopic, produce } from '../demo/produce.js';
import type { ClickRecord } from '../demo/clicks.js';
import { end, runCli, spawnWorker } from '../demo/worker-process.js';
import { readEndpoints } from '../stack/endpoints.js';
import { openCatalog, openStorage } from '../workers/open-context.js';
import { topicQuery } from '../workflows/messages.js';
import { ingestWorkflowId, tableWorkflowId } from '../workflows/names.js';

const PARTITIONS = 4;
const DIR = resolve('.bench');
/** Jiffies a second of /proc/PID/stat on Linux. */
const CLOCK_TICKS = 100;

const argument = (name: string, fallback: number): number =>
  Number(process.argv.find((arg) => arg.startsWith(`--${name}=`))?.split('=')[1] ?? fallback);

/** Records of 328 bytes with 13 columns' worth of members, two of them nested. */
function* records(count: number): Generator<ClickRecord> {
  const base = Date.UTC(2026, 0, 1);
  for (let i = 0; i < count; i++) {
    const event = {
      '@timestamp': new Date(base + (i * 4 * 3_600_000) / count).toISOString(),
      id: i,
      uid: 1_000_000 + (i % 500_000),
      action: ['play', 'pause', 'submit', 'like'][i % 4],
      score: ((i % 10_000) / 100).toFixed(2),
      vip: i % 5 === 0,
      props: { lesson: `课程${i % 100}`, city: '上海' },
      device: 'android',
      version: '12.4.1',
      page: '/lesson/detail',
      session: `s${i.toString(36)}`,
      pad: '',
    };
    event.pad = 'x'.repeat(Math.max(0, 328 - Buffer.byteLength(JSON.stringify(event))));
    yield { value: Buffer.from(JSON.stringify(event)), expected: { partition: 'any' } };
  }
}

async function cpuSeconds(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS;
}

/**
 * Cold, from plan to visible in Hive, with the CPU seconds of the one worker that does it. With `--kills=N` workers die at
 * random on the way, and what counts is that Hive's answer is the same. `--records=`, `--batch=`.
 */
async function main(): Promise<void> {
  const count = argument('records', 1_000_000);
  const endpoints = readEndpoints();
  const run = Date.now().toString(36);
  const topic = `bench.ingest.${run}`;
  const table = `bench_${run}`;
  await rm(DIR, { recursive: true, force: true });
  await mkdir(DIR, { recursive: true });
  const configFile = resolve(DIR, 'tributary.yaml');
  await writeFile(
    configFile,
    `temporal: { address: '${endpoints.temporal.address}', task_queue: bench-${run} }
kafka:
  main: { brokers: ['${endpoints.kafka.brokers[0]!}'] }
warehouse:
  catalog: { kind: hive, host: ${endpoints.hive.host}, port: ${endpoints.hive.port}, auth: nosasl, database: bench }
  storage: { kind: webhdfs, url: '${endpoints.hdfs.webhdfsUrl}', user: hive, root: /bench/${run}, fs_uri: '${endpoints.hdfs.fsUrl}' }
  timezone: Asia/Shanghai
ingest: { flush: { interval: 1s, max_records: ${argument('batch', 2_000_000)} } }
tables:
  - name: ${table}
    mode: append
    from: { kafka: main, topic: ${topic}, format: json }
    time: { path: '$."@timestamp"' }
    partition: [day, hour]
    columns:
      - { name: id, type: bigint }
      - { name: uid, type: bigint }
      - { name: action, type: string }
      - { name: score, type: 'decimal(6,2)' }
      - { name: vip, type: boolean }
      - { name: lesson, type: string, path: $.props.lesson }
      - { name: city, type: string, path: $.props.city }
      - { name: device, type: string }
      - { name: version, type: string }
      - { name: page, type: string }
      - { name: session, type: string }
      - { name: pad, type: string }
`,
  );
  await createTopic(endpoints.kafka.brokers, topic, PARTITIONS);
  await produce(
    endpoints.kafka.brokers,
    topic,
    PARTITIONS,
    records(count),
    nothingProduced(),
    () => undefined,
  );
  console.log(`${count} records of 328 bytes in ${PARTITIONS} partitions`);

  const connection = await Connection.connect({ address: endpoints.temporal.address });
  const client = new Client({ connection });
  const kills = argument('kills', 0);
  let worker = spawnWorker(configFile, resolve(DIR, 'worker.log'));
  const handle = client.workflow.getHandle(ingestWorkflowId('main', topic));
  try {
    // The worker is up once it answers; its own start is not part of an ingestion.
    await new Promise((done) => setTimeout(done, 6_000));
    const idle = await cpuSeconds(worker.pid!);
    const begun = Date.now();
    await runCli(['start', '-c', configFile]);
    let killed = 0;
    let nextKill = Date.now() + 3_000;
    for (;;) {
      await new Promise((done) => setTimeout(done, 100));
      if (killed < kills && Date.now() > nextKill) {
        await end(worker, 'SIGKILL');
        worker = spawnWorker(configFile, resolve(DIR, 'worker.log'));
        killed += 1;
        nextKill = Date.now() + 3_000 + Math.random() * 7_000;
      }
      const status = await handle.query(topicQuery).catch(() => undefined);
      const landed = Object.values(status?.positions ?? {}).reduce((sum, offset) => sum + offset, 0);
      if (landed >= count) break;
    }
    const seconds = (Date.now() - begun) / 1000;
    const cpu = (await cpuSeconds(worker.pid!)) - idle;
    if (kills > 0) console.log(`${killed} workers killed with SIGKILL on the way`);
    const runtime = resolveRuntime(await loadConfig(configFile));
    const catalog = openCatalog(runtime.catalog, openStorage(runtime.storage));
    const [row] = await catalog.query(
      `SELECT CAST(count(*) AS STRING) AS n, CAST(count(DISTINCT kafka_partition, kafka_offset) AS STRING) AS d FROM \`bench\`.\`${table}\``,
    );
    await catalog.close();
    console.log(`Hive answers ${row!['n'] ?? ''} rows, ${row!['d'] ?? ''} distinct positions`);
    console.log(`ingest: ${seconds.toFixed(1)} s from start to committed`);
    // A worker that was killed took its account with it.
    if (kills === 0) {
      const share = ((cpu * 1e6) / count).toFixed(2);
      console.log(`        worker ${cpu.toFixed(2)} CPU-seconds, ${share} a million records`);
    }
    if (row!['n'] !== String(count) || row!['d'] !== String(count)) process.exitCode = 1;
  } finally {
    for (const id of [tableWorkflowId(table), handle.workflowId]) {
      await client.workflow
        .getHandle(id)
        .terminate('the benchmark is over')
        .catch(() => undefined);
    }
    await end(worker, 'SIGTERM');
    await connection.close();
  }
}

await main();
