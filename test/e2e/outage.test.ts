import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dfsadmin } from '../../stack/hdfs-tools.js';
import { StackManager } from '../../stack/manager.js';
import { HiveCatalog } from '../../warehouse/catalog-hive.js';
import {
  click,
  clickTable,
  createTopic,
  endpoints,
  install,
  pause,
  produce,
  type Installation,
} from './support.js';

/** These tests stop services: they run on the test stack only, and put everything back. */
const stack = new StackManager();
let here: Installation;
let topic: string;
let sent = 0;

const send = async (count: number): Promise<void> => {
  await produce(
    topic,
    2,
    Array.from({ length: count }, (_, i) => click(sent + i)),
  );
  sent += count;
};

const inHive = async (): Promise<Record<string, string | null>> => {
  const catalog = new HiveCatalog({ ...endpoints.hive, auth: 'nosasl', user: 'hive', database: here.name });
  const [row] = await catalog.query(
    `SELECT CAST(count(*) AS STRING) AS n, CAST(count(DISTINCT kafka_partition, kafka_offset) AS STRING) AS d FROM \`${here.name}\`.\`${here.table('click')}\``,
  );
  await catalog.close();
  return row!;
};

beforeAll(async () => {
  here = await install('outage', { warehouse: 'hive' });
  topic = here.topic('click');
  await createTopic(topic, 2);
  await here.writeConfig(clickTable(here.table('click'), topic));
  here.startWorker();
  await send(2_000);
  await here.ok('start');
  await here.until(here.table('click'), 'rows', ({ rows }) => rows === sent);
});
afterAll(async () => {
  await here.close();
  await dfsadmin(['-safemode', 'leave']);
  await stack.up(['hive']);
});

describe('an outage', () => {
  it('of Hive: status says what is being retried, nothing is lost, and it goes on by itself', async () => {
    await stack.kill('hive');
    await send(2_000);
    const seen = await here.until(here.table('click'), 'the retries show', ({ stuck }) => stuck.length > 0);
    expect(seen.stuck[0]).toMatchObject({ code: 'CatalogUnavailable' });
    await pause(10_000);
    await stack.start('hive');
    await here.until(here.table('click'), 'all rows', ({ rows }) => rows === sent, 240_000);
    expect(await inHive()).toEqual({ n: String(sent), d: String(sent) });
  });

  it('of HDFS in safe mode: the same', async () => {
    await dfsadmin(['-safemode', 'enter']);
    await send(2_000);
    await pause(15_000);
    expect((await here.status(here.table('click'))).rows).toBe(sent - 2_000);
    await dfsadmin(['-safemode', 'leave']);
    await here.until(here.table('click'), 'all rows', ({ rows }) => rows === sent, 240_000);
    expect(await inHive()).toEqual({ n: String(sent), d: String(sent) });
  });

  it('of space in HDFS: status says that it is full, and it goes on by itself once there is room', async () => {
    const root = `/e2e/${here.name}`;
    // Files take a whole block of the quota until they are closed, so this leaves no room for any.
    await dfsadmin(['-setSpaceQuota', '1', root]);
    try {
      await send(2_000);
      const seen = await here.until(here.table('click'), 'the retries show', ({ stuck }) => stuck.length > 0);
      expect(seen.stuck[0]).toMatchObject({ code: 'StorageFull' });
      expect(seen.rows).toBe(sent - 2_000);
    } finally {
      await dfsadmin(['-clrSpaceQuota', root]);
    }
    await here.until(here.table('click'), 'all rows', ({ rows }) => rows === sent, 240_000);
    expect(await inHive()).toEqual({ n: String(sent), d: String(sent) });
  });

  it('of Kafka: the same', async () => {
    await stack.kill('kafka');
    await pause(5_000);
    await stack.start('kafka');
    await send(2_000);
    await here.until(here.table('click'), 'all rows', ({ rows }) => rows === sent, 240_000);
    expect(await inHive()).toEqual({ n: String(sent), d: String(sent) });
  });
});
