import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readEndpoints } from '../../../stack/endpoints.js';
import type { HiveCatalog } from '../../../warehouse/catalog-hive.js';
import { hive } from './services.js';
import { TcpProxy } from './tcp-proxy.js';

const { host, port } = readEndpoints().hive;
const proxy = new TcpProxy(host, port);
const UNAVAILABLE = { code: 'CatalogUnavailable', retryable: true };
const SLOW = "SELECT reflect('java.lang.Thread', 'sleep', 5000L) AS x";
let catalog: HiveCatalog;

beforeAll(async () => {
  catalog = hive({
    port: await proxy.start(),
    host: '127.0.0.1',
    database: 'default',
    callTimeoutMs: 20_000,
  });
});
afterAll(async () => {
  await catalog.close();
  await proxy.stop();
});

async function works(): Promise<void> {
  expect(await catalog.query("SELECT 'on' AS x")).toEqual([{ x: 'on' }]);
}

describe('Hive behind a bad network', () => {
  it('runs a statement again on a new connection when the kept one died while idle', async () => {
    await works();
    proxy.cut();
    await works();
    await works();
    proxy.cut();
    await sleep(100);
    await works();
  });

  it('says within bounds that it is away, and is back when it is back', async () => {
    await proxy.stop();
    await expect(catalog.listPartitions('t')).rejects.toMatchObject({
      ...UNAVAILABLE,
      message: expect.stringMatching(/127\.0\.0\.1:\d+/) as string,
    });
    await proxy.start();
    await works();
  });

  it('does not wait for an answer that will not come', async () => {
    const impatient = hive({
      host: '127.0.0.1',
      port: await freshPort(),
      database: 'default',
      callTimeoutMs: 700,
    });
    await impatient.query('SELECT 1 AS x').catch(() => undefined);
    proxy.silent = true;
    const started = Date.now();
    await expect(impatient.query('SELECT 1 AS x')).rejects.toMatchObject(UNAVAILABLE);
    expect(Date.now() - started).toBeLessThan(10_000);
    proxy.silent = false;
    await impatient.close();
    await works();
  });

  it('notices a cut in the middle of a statement', async () => {
    await works();
    const running = catalog.execute(SLOW);
    const failed = expect(running).rejects.toMatchObject(UNAVAILABLE);
    await sleep(1_000);
    proxy.cut();
    await failed;
    await works();
  });

  it('uses no more sessions at once than it may', async () => {
    await catalog.close();
    const two = hive({ host: '127.0.0.1', port: await freshPort(), database: 'default', sessions: 2 });
    const before = proxy.connections;
    await Promise.all(Array.from({ length: 6 }, () => two.query('SELECT 1 AS x')));
    expect(proxy.connections - before).toBeLessThanOrEqual(2);
    const stop = new AbortController();
    const waiting = [two.query(SLOW), two.query(SLOW), two.query('SELECT 1 AS x', stop.signal)];
    stop.abort(new Error('enough'));
    await expect(waiting[2]).rejects.toThrow('enough');
    expect((await Promise.allSettled(waiting)).map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
    ]);
    await two.close();
  });
});

/** The proxy's port: all catalogs here go through it. */
async function freshPort(): Promise<number> {
  await proxy.stop();
  return proxy.start();
}
