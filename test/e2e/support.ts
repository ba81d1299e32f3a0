import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync, readFileSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { Kafka, logLevel } from 'kafkajs';
import { readEndpoints } from '../../stack/endpoints.js';
import { overview, type TableOverview } from '../../client/overview.js';
import { openSession } from '../../client/session.js';

/** The real program in processes of its own, against the real services: what these tests see is what a user sees. */

const ROOT = join(import.meta.dirname, '..', '..');
const CLI = join(ROOT, 'bin', 'tributary.mjs');
const RESULTS = join(ROOT, '.stack', 'e2e');

export const endpoints = readEndpoints();

export interface Installation {
  name: string;
  dir: string;
  configFile: string;
  topic: (suffix: string) => string;
  /** Workflow ids are names of the namespace, so tables of a test need names of their own. */
  table: (suffix: string) => string;
  writeConfig(tables: string, extra?: string): Promise<void>;
  cli(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }>;
  /** Like `cli`, and fails the test if the command fails. */
  ok(...args: string[]): Promise<string>;
  /** A command that goes on running; its outputs are pipes. */
  startCli(...args: string[]): ChildProcess;
  startWorker(): ChildProcess;
  status(table: string): Promise<TableOverview>;
  /** Waits until the overview of a table fits; the error shows the last one seen. */
  until(
    table: string,
    what: string,
    fits: (overview: TableOverview) => boolean | Promise<boolean>,
    timeoutMs?: number,
  ): Promise<TableOverview>;
  log(): string;
  close(): Promise<void>;
}

export interface InstallationOptions {
  /** Real HDFS and Hive, or files and no catalog. */
  warehouse?: 'hive' | 'files';
  ingest?: string;
}

let counter = 0;

/** An installation of its own: task queue, topics, storage root, database. */
export async function install(title: string, options: InstallationOptions = {}): Promise<Installation> {
  const name = `e2e_${title}_${process.pid.toString(36)}${Date.now().toString(36).slice(-4)}${(counter++).toString(36)}`;
  mkdirSync(RESULTS, { recursive: true });
  const dir = await mkdtemp(join(RESULTS, `${title}-`));
  const configFile = join(dir, 'tributary.yaml');
  const logFile = join(dir, 'worker.log');
  const workers: ChildProcess[] = [];
  const hive = options.warehouse === 'hive';

  const cli: Installation['cli'] = (...args) =>
    new Promise((resolve) => {
      execFile(
        process.execPath,
        [CLI, ...args, '-c', configFile],
        { maxBuffer: 1 << 26 },
        (error, stdout, stderr) => {
          resolve({ code: error ? (typeof error.code === 'number' ? error.code : 1) : 0, stdout, stderr });
        },
      );
    });
  const ok: Installation['ok'] = async (...args) => {
    const result = await cli(...args);
    if (result.code !== 0)
      throw new Error(`tributary ${args.join(' ')} failed:\n${result.stderr}${result.stdout}`);
    return result.stdout;
  };
  // A test asks for the state twice a second; a process for each question would take the cores from the workers.
  let connecting: Promise<Connection> | undefined;
  const connect = (): Promise<Connection> =>
    (connecting ??= Connection.connect({ address: endpoints.temporal.address }));
  const status: Installation['status'] = async (table) => {
    const { specs } = await openSession(configFile);
    const known = specs.map((spec) => ({
      name: spec.name,
      mode: spec.mode,
      source: `${spec.kafka}/${spec.topic}`,
    }));
    const all = await overview(new Client({ connection: await connect() }), known, name);
    const found = all.find((overview) => overview.table === table);
    if (!found) throw new Error(`status does not show ${table}`);
    return found;
  };

  return {
    name,
    dir,
    configFile,
    topic: (suffix) => `${name}.${suffix}`,
    table: (suffix) => `${name}_${suffix}`,
    writeConfig: (tables, extra = '') =>
      writeFile(
        configFile,
        `temporal: { address: '${endpoints.temporal.address}', task_queue: ${name} }
kafka:
  main: { brokers: ['${endpoints.kafka.brokers[0]!}'] }
warehouse:
  catalog: ${hive ? `{ kind: hive, host: ${endpoints.hive.host}, port: ${endpoints.hive.port}, auth: nosasl, database: ${name} }` : '{ kind: none }'}
  storage: ${hive ? `{ kind: webhdfs, url: '${endpoints.hdfs.webhdfsUrl}', user: hive, root: /e2e/${name}, fs_uri: '${endpoints.hdfs.fsUrl}' }` : '{ kind: file, root: ./data }'}
  timezone: Asia/Shanghai
ingest: ${options.ingest ?? '{ flush: { interval: 1s, max_records: 20000 }, parallelism: 2 }'}
${extra}
tables:
${tables}`,
      ),
    cli,
    ok,
    startCli: (...args) => spawn(process.execPath, [CLI, ...args, '-c', configFile]),
    startWorker: () => {
      const log = openSync(logFile, 'a');
      const worker = spawn(process.execPath, [CLI, 'worker', '-c', configFile], {
        stdio: ['ignore', log, log],
      });
      workers.push(worker);
      return worker;
    },
    status,
    until: async (table, what, fits, timeoutMs = 120_000) => {
      const deadline = Date.now() + timeoutMs;
      let last: TableOverview | undefined;
      while (Date.now() < deadline) {
        last = await status(table);
        if (await fits(last)) return last;
        if (workers.every(({ exitCode }) => exitCode !== null)) {
          throw new Error(`no worker is left:\n${readFileSync(logFile, 'utf8').slice(-2_000)}`);
        }
        await pause(500);
      }
      throw new Error(`${table} never got to: ${what}\nlast seen: ${JSON.stringify(last, null, 2)}`);
    },
    log: () => readFileSync(logFile, 'utf8'),
    close: async () => {
      await terminateAll(name);
      await Promise.all(workers.map((worker) => kill(worker, 'SIGKILL')));
      await (await connecting)?.close();
    },
  };
}

/** Ends a process by a signal and waits for its end. */
export async function kill(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await ended;
}

/** A port that nobody listened on a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function terminateAll(taskQueue: string): Promise<void> {
  const connection = await Connection.connect({ address: endpoints.temporal.address });
  const client = new Client({ connection });
  for await (const { workflowId } of client.workflow.list({
    query: `TaskQueue = '${taskQueue}' AND ExecutionStatus = 'Running'`,
  })) {
    await client.workflow
      .getHandle(workflowId)
      .terminate('the test is over')
      .catch(() => undefined);
  }
  await connection.close();
}

/** Ends a workflow as a person does in the Web UI. */
export async function terminate(workflowId: string): Promise<void> {
  const connection = await Connection.connect({ address: endpoints.temporal.address });
  await new Client({ connection }).workflow.getHandle(workflowId).terminate('by hand');
  await connection.close();
}

/** Types of the activities that a workflow waits for now. */
export async function pendingActivities(workflowId: string): Promise<string[]> {
  const connection = await Connection.connect({ address: endpoints.temporal.address });
  try {
    const { raw } = await new Client({ connection }).workflow.getHandle(workflowId).describe();
    return (raw.pendingActivities ?? []).map(({ activityType }) => activityType?.name ?? '');
  } finally {
    await connection.close();
  }
}

const kafka = new Kafka({ brokers: endpoints.kafka.brokers, logLevel: logLevel.NOTHING });

export async function withAdmin<T>(body: (admin: ReturnType<typeof kafka.admin>) => Promise<T>): Promise<T> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    return await body(admin);
  } finally {
    await admin.disconnect();
  }
}

export const createTopic = (topic: string, numPartitions: number): Promise<void> =>
  withAdmin(async (admin) => {
    await admin.createTopics({
      topics: [{ topic, numPartitions, replicationFactor: 1 }],
      waitForLeaders: true,
    });
  });

/** Sends values round robin over the partitions. */
export async function produce(topic: string, partitions: number, values: (string | Buffer)[]): Promise<void> {
  const producer = kafka.producer();
  await producer.connect();
  try {
    for (let i = 0; i < values.length; i += 2_000) {
      const messages = values
        .slice(i, i + 2_000)
        .map((value, j) => ({ value, partition: (i + j) % partitions }));
      await producer.send({ topic, messages });
    }
  } finally {
    await producer.disconnect();
  }
}

/** Sends messages as they are, each to its partition, in order. */
export async function produceMessages(
  topic: string,
  messages: { partition: number; key: Buffer | null; value: Buffer | null }[],
): Promise<void> {
  const producer = kafka.producer({ maxInFlightRequests: 1 });
  await producer.connect();
  try {
    for (const { partition, key, value } of messages) {
      await producer.send({ topic, messages: [{ partition, key, value }] });
    }
  } finally {
    await producer.disconnect();
  }
}

/** A click of the given second of 2026-03-01 in Shanghai. */
export const click = (id: number, second = id % 86_400): string =>
  JSON.stringify({
    at: new Date(Date.UTC(2026, 1, 28, 16) + second * 1000).toISOString(),
    id,
    text: `第${id}条`,
  });

export const clickTable = (name: string, topic: string, more = ''): string => `  - name: ${name}
    mode: append
    from: { kafka: main, topic: ${topic}, format: json }
    time: { path: $.at }
    partition: [day, hour]
    lateness: 1s
    columns: [{ name: id, type: bigint }, { name: text, type: string }]
${more}`;
