import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { dfsadmin } from '../../../stack/hdfs-tools.js';
import { StackManager } from '../../../stack/manager.js';
import { WebHdfsStorage, type WebHdfsOptions } from '../../../warehouse/storage-webhdfs.js';

/** An HDFS of its own, because these faults would disturb everyone else's. */
let stack: StackManager;

beforeAll(async () => {
  // The suite's stack may have been moved by the environment; this one has ports of its own.
  vi.stubEnv('TRIBUTARY_STACK_PORT_OFFSET', '');
  stack = new StackManager({ root: await mkdtemp(join(tmpdir(), 'tributary-hdfs-')) });
  await stack.up(['hdfs'], { portOffset: 21_000 + (process.pid % 200) * 20 });
});
afterAll(async () => {
  await stack.down([], { wipe: true });
  await rm(stack.root, { recursive: true, force: true });
});

function open(over: Partial<WebHdfsOptions> = {}): WebHdfsStorage {
  return new WebHdfsStorage({ urls: [stack.endpoints.hdfs.webhdfsUrl], user: 'hive', root: '/w', ...over });
}

describe('an HDFS in trouble', () => {
  it('in safe mode: readers read, writers wait, and say so when they give up', async () => {
    const storage = open();
    await storage.write('before', 'x');
    await dfsadmin(['-safemode', 'enter'], stack.root);
    expect((await storage.read('before'))?.toString()).toBe('x');
    await expect(open({ retryForMs: 500 }).write('during', 'y')).rejects.toMatchObject({
      ...{ code: 'StorageUnavailable', retryable: true },
      message: expect.stringMatching(/safe mode/i) as string,
    });
    await expect(open({ retryForMs: 500 }).rename('before', 'after')).rejects.toMatchObject({
      code: 'StorageUnavailable',
    });
    const patient = open({ retryForMs: 60_000 }).write('during', 'y');
    await dfsadmin(['-safemode', 'leave'], stack.root);
    await patient;
    expect((await storage.list('')).map((file) => file.path)).toEqual(['before', 'during']);
  });

  it('whose DataNode is killed: writers and readers wait for it', async () => {
    const storage = open({ retryForMs: 90_000 });
    await stack.kill('datanode');
    await expect(open({ retryForMs: 500 }).write('no datanode', 'x')).rejects.toMatchObject({
      retryable: true,
    });
    const write = storage.write('killed', 'z'.repeat(10_000));
    const read = storage.read('during');
    await sleep(500);
    await stack.start('datanode');
    await write;
    expect((await read)?.toString()).toBe('y');
    expect((await storage.read('killed'))?.length).toBe(10_000);
  });

  it('whose NameNode is killed in the middle of many renames: each file is in one place', async () => {
    const storage = open({ retryForMs: 90_000 });
    const names = Array.from({ length: 40 }, (_, i) => String(i).padStart(2, '0'));
    await Promise.all(names.map((name) => storage.write(`from/${name}`, name)));
    const renames = names.map((name) => storage.rename(`from/${name}`, `to/${name}`));
    await stack.kill('namenode');
    await stack.start('namenode');
    expect(await Promise.all(renames)).toEqual(names.map(() => true));
    expect((await storage.list('to')).map((file) => file.path)).toEqual(names.map((name) => `to/${name}`));
    expect(await storage.list('from')).toEqual([]);
  });
});
