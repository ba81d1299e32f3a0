import { mkdir, rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Client, Connection as TemporalConnection } from '@temporalio/client';
import { MongoClient } from 'mongodb';
import { createConnection } from 'mysql2/promise';
import pc from 'picocolors';
import { loadConfig } from '../../config/load.js';
import { resolveRuntime } from '../../config/resolve-runtime.js';
import { readEndpoints } from '../../stack/endpoints.js';
import type { Catalog } from '../../warehouse/catalog.js';
import { openCatalog, openStorage } from '../../workers/open-context.js';
import { progressText } from '../../workflows/bootstrap-state.js';
import { statusQuery } from '../../workflows/messages.js';
import { tableWorkflowId } from '../../workflows/names.js';
import type { TableStatus } from '../../workflows/table-types.js';
import { askYourself, demoDir, HOW_TO_END } from '../closing.js';
import { earlierQueue, endEarlierRun } from '../earlier-run.js';
import { noise } from '../noise.js';
import { createTopic } from '../produce.js';
import { check, say, step } from '../screen.js';
import { end, runCli, spawnWorker } from '../worker-process.js';
import { differences, fileWarehouse, hiveWarehouse, snapshotTexts, tidbRows, type Rows } from './answers.js';
import { Business } from './business.js';
import { Carts } from './carts.js';
import { hiveDatabase, mirrorConfig, mirrorName, mirrorPlaces } from './config.js';
import { LogWriter } from './log-writer.js';
import { partitionClosedAt } from './minutes.js';
import { Shop } from './shop.js';
import { SHOP_TABLES } from './tables.js';

const ZONE = 'Asia/Shanghai';
const SEED = 20_260_101;
const CART_COLUMNS = ['doc_id', 'doc', 'user_id', 'total'].map((name) => ({ name, timestamp: false }));

export interface MirrorDemoOptions {
  /** Files and no catalog instead of HDFS and Hive. */
  lite: boolean;
  /** Boundaries that pass, each compared at the end. */
  boundaries: number;
  /** Orders before the log begins. */
  orders: number;
  /** Where config, logs and, without HDFS, the data go. */
  dir?: string;
}

/**
 * The mirror before your eyes: a shop trades in a real TiDB and its carts are in a server of MongoDB's protocol; what is there is read
 * once, changes come through a real Kafka, a worker is killed, boundaries pass, and each snapshot is compared with its source row by row.
 */
export async function runMirrorDemo(options: MirrorDemoOptions): Promise<boolean> {
  const endpoints = readEndpoints();
  const dir = options.dir ?? demoDir('mirror');
  const run = new Date().toISOString().replace(/[-:T]/g, '').slice(2, 14);
  const places = mirrorPlaces(run);
  await mkdir(dir, { recursive: true });
  const configFile = resolve(dir, 'mirror.yaml');
  const earlier = await earlierQueue(configFile);
  await writeFile(configFile, mirrorConfig(endpoints, places, ZONE, options.lite));
  process.env['DEMO_TIDB_URL'] = endpoints.tidb.url;
  process.env['DEMO_MONGO_URL'] = endpoints.mongo.url;
  const temporal = await TemporalConnection.connect({ address: endpoints.temporal.address });
  const client = new Client({ connection: temporal });
  await endEarlierRun(client, earlier);
  await rm(resolve(dir, 'data'), { recursive: true, force: true });

  const sql = await createConnection({ uri: endpoints.tidb.url, charset: 'utf8mb4', dateStrings: true });
  const mongo = new MongoClient(endpoints.mongo.url);
  const runtime = resolveRuntime(await loadConfig(configFile));
  const catalog = openCatalog(runtime.catalog, openStorage(runtime.storage));
  const warehouse = options.lite ? await fileWarehouse(catalog) : hiveWarehouse(catalog, hiveDatabase(run));
  const names = [...SHOP_TABLES.map(({ name }) => name), 'carts'].map((name) => mirrorName(name, run));

  step(
    `A shop of ${options.orders.toLocaleString('en-US')} orders in TiDB, its carts in MongoDB, and three logs in Kafka`,
  );
  // The embedded TiDB of the stack reads the past only when it knows how far back that goes.
  await sql.query(
    `INSERT IGNORE INTO mysql.tidb VALUES ('tikv_gc_safe_point', '20240101-00:00:00 +0000', '')`,
  );
  await sql.query(`CREATE DATABASE ${places.database}`);
  await sql.query(`USE ${places.database}`);
  const shop = new Shop(sql, SEED);
  const carts = new Carts(mongo.db(places.database).collection('carts'), SEED);
  await shop.open(options.orders);
  await carts.open(Math.ceil(options.orders / 2));
  say(
    `${counted(shop.counts)}, ${Math.ceil(options.orders / 2).toLocaleString('en-US')} carts: all from before the logs`,
  );
  const { ticdc, drainer, shake } = places.topics;
  const partitions = { [ticdc]: 3, [drainer]: 1, [shake]: 2 };
  for (const [topic, count] of Object.entries(partitions))
    await createTopic(endpoints.kafka.brokers, topic, count);
  const log = await LogWriter.open(endpoints.kafka.brokers, partitions, noise(SEED + 1));
  const business = new Business(places, shop, carts, log);
  say(
    'orders and order_items: canal-json of TiCDC; payments: protobuf of Drainer; carts: oplog entries of MongoShake',
  );

  const workerLog = resolve(dir, 'mirror-worker.log');
  step('Trade begins, and two workers, and the mirrors with: tributary start');
  business.begin();
  const workers = [spawnWorker(configFile, workerLog), spawnWorker(configFile, workerLog)];
  try {
    await runCli(['start', '-c', configFile]);
    await bootstrapped(client, names, business);

    const firstMs = nextMinute(Date.now() + 15_000);
    const boundaries = Array.from({ length: options.boundaries }, (_, i) => firstMs + i * 60_000);
    step(`${options.boundaries} boundaries pass, one a minute, and trade goes on`);
    const cartsAt = new Map<number, Rows>();
    for (const [i, boundaryMs] of boundaries.entries()) {
      cartsAt.set(boundaryMs, cartRows(await business.passBoundary(boundaryMs)));
      say(`boundary ${clock(boundaryMs)}: ${business.summary()}`);
      if (i > 0) continue;
      await end(workers[0]!, 'SIGKILL');
      say(
        pc.red(
          `worker ${String(workers[0]!.pid)} killed with SIGKILL while this boundary's snapshots are due; another takes its place`,
        ),
      );
      workers[0] = spawnWorker(configFile, workerLog);
    }
    await business.end();

    step(
      options.lite
        ? 'What the files say, and the sources as of each boundary'
        : 'What Hive answers, and the sources as of each boundary',
    );
    const results: boolean[] = [];
    for (const boundaryMs of boundaries) {
      const partition = partitionClosedAt(boundaryMs, ZONE);
      await published(catalog, names, partition);
      for (const table of SHOP_TABLES) {
        const mirror = `${mirrorName(table.name, run)}_snapshot`;
        const source = await tidbRows(sql, table, boundaryMs);
        const rows = await warehouse.rows(mirror, snapshotTexts(table), table.key, partition);
        results.push(compare(boundaryMs, table.name, source, rows));
      }
      const rows = await warehouse.rows(
        `${mirrorName('carts', run)}_snapshot`,
        CART_COLUMNS,
        ['doc_id'],
        partition,
      );
      results.push(compare(boundaryMs, 'carts', cartsAt.get(boundaryMs)!, rows));
    }
    await runCli(['status', '-c', configFile]);
    const right = results.every(Boolean);
    const database = hiveDatabase(run);
    const query = `SELECT dt, hh, mi, count(*) AS n FROM ${database}.${names[0]!}_snapshot GROUP BY dt, hh, mi`;
    console.log(`
${right ? pc.green('Every snapshot equals its source as of its boundary.') : pc.red('A snapshot differs from its source: see the lines with ✗.')}

  config            ${configFile}
  Temporal Web UI   ${endpoints.temporal.uiUrl}/namespaces/default/workflows/table%2F${names[0]!}
${options.lite ? `  data              ${resolve(dir, 'data')} (Parquet)\n` : `  Hive              ${database}.${names[0]!}_snapshot, partitions dt, hh, mi\n`}${askYourself(endpoints.hive, database, options.lite ? undefined : query)}${HOW_TO_END}`);
    return right;
  } finally {
    await business.end();
    await Promise.all(workers.map((worker) => end(worker, 'SIGTERM')));
    await Promise.all([warehouse.close(), catalog.close(), sql.end(), mongo.close(), temporal.close()]);
  }
}

/** Waits until every mirror has its base, and shows how far each is. */
async function bootstrapped(client: Client, names: string[], business: Business): Promise<void> {
  step('What was there before the logs is read once, as of one instant, while trade goes on');
  const shown = new Map<string, string>();
  const open = new Set(names);
  while (open.size > 0) {
    for (const name of open) {
      const handle = client.workflow.getHandle(tableWorkflowId(name));
      const status = await handle.query<TableStatus>(statusQuery.name).catch(() => undefined);
      if (!status) continue;
      const { base, bootstrap, fault } = status;
      if (base) open.delete(name);
      const text = base
        ? `${base.rows.toLocaleString('en-US')} rows as of ${new Date(base.boundaryMs).toISOString()}`
        : fault
          ? pc.red(`${fault.code}: ${fault.message}`)
          : bootstrap && progressText(bootstrap);
      if (text && shown.get(name) !== text) say(`${name}: ${text}`);
      if (text) shown.set(name, text);
    }
    await pause(1_000);
  }
  say(`meanwhile ${business.summary()}`);
}

/** Waits until every mirror has the snapshot of a boundary. */
async function published(
  catalog: Catalog,
  names: string[],
  partition: Record<string, string>,
): Promise<void> {
  for (const name of names) {
    for (;;) {
      const location = await catalog.partitionLocation(`${name}_snapshot`, partition).catch(() => undefined);
      if (location !== undefined) break;
      await pause(1_000);
    }
  }
}

function compare(boundaryMs: number, table: string, source: Rows, mirror: Rows): boolean {
  const wrong = differences(source, mirror);
  const counts = `${source.size.toLocaleString('en-US').padStart(7)} rows in the source, ${mirror.size.toLocaleString('en-US').padStart(7)} in the mirror`;
  const equal = wrong.length === 0;
  const holds = check(
    equal,
    `${clock(boundaryMs)}  ${table.padEnd(12)} ${counts}, ${equal ? 'all equal' : `${wrong.length} differ`}`,
  );
  for (const line of wrong.slice(0, 5)) say(pc.red(`  ${line}`));
  return holds;
}

/** Documents with the columns that the config declares over them. */
function cartRows(documents: Map<string, string>): Rows {
  const rows: Rows = new Map();
  for (const [id, doc] of documents) {
    const { user, total } = JSON.parse(doc) as { user: { id: Integer }; total: Integer };
    const whole = ({ $numberLong, $numberInt }: Integer): string => ($numberLong ?? $numberInt)!;
    rows.set(id, JSON.stringify([id, doc, whole(user.id), whole(total)]));
  }
  return rows;
}

interface Integer {
  $numberLong?: string;
  $numberInt?: string;
}

const nextMinute = (ms: number): number => Math.ceil(ms / 60_000) * 60_000;
const clock = (ms: number): string => new Date(ms).toLocaleTimeString('en-GB', { timeZone: ZONE });
const counted = (counts: Record<string, number>): string =>
  Object.entries(counts)
    .map(([name, count]) => `${count.toLocaleString('en-US')} ${name}`)
    .join(', ');
const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));
