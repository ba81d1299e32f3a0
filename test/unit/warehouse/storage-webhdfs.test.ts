import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebHdfsStorage, type WebHdfsOptions } from '../../../warehouse/storage-webhdfs.js';
import { FakeHdfs } from './fake-hdfs.js';

let fake: FakeHdfs;
let local: string;

beforeEach(async () => {
  fake = await FakeHdfs.start();
  local = await mkdtemp(join(tmpdir(), 'tributary-fake-'));
});
afterEach(async () => {
  await fake.stop();
  await rm(local, { recursive: true, force: true });
});

function open(over: Partial<WebHdfsOptions> = {}): WebHdfsStorage {
  return new WebHdfsStorage({ urls: [fake.url], user: 'hive', root: '/w', retryForMs: 2_000, ...over });
}

const ops = (): string[] => fake.requests.map(({ node, op }) => (node === 'data' ? `${op} data` : op));

describe('WebHDFS', () => {
  it('sends a file to the DataNode only, and under a name that readers do not see', async () => {
    await open().write('a/b', 'content');
    expect(ops()).toEqual(['CREATE', 'CREATE data', 'RENAME']);
    expect(fake.nameNodeBytes).toBe(0);
    expect(fake.requests[0]?.path).toMatch(/^\/w\/a\/\.tmp-/);
    expect(
      fake.requests.every(
        ({ node, parameters }) => node === 'data' || parameters.get('user.name') === 'hive',
      ),
    ).toBe(true);
    expect([...fake.files.keys()]).toEqual(['/w/a/b']);
  });

  it('asks the other NameNode when one is on standby, and stays with it', async () => {
    const other = await FakeHdfs.start();
    other.fault = () => ({
      exception: 'StandbyException',
      message: 'Operation category WRITE is not supported in state standby',
    });
    const storage = open({ urls: [other.url, fake.url] });
    await storage.write('a', 'x');
    await storage.write('b', 'y');
    expect(other.requests).toHaveLength(1);
    expect(fake.files.size).toBe(2);
    await other.stop();
  });

  it.each([
    ['SafeModeException', 'Cannot create file. Name node is in safe mode.'],
    ['RetriableException', 'org.apache.hadoop.hdfs.server.namenode.SafeModeException'],
    ['IOException', 'Failed to find datanode, suggest to check cluster health. excludeDatanodes=null'],
  ])('waits for %s to pass', async (exception, message) => {
    fake.fault = (_, n) => (n < 3 ? { exception, message } : undefined);
    await open().write('a', 'x');
    expect(fake.files.get('/w/a')?.toString()).toBe('x');
  });

  it.each([
    ['SafeModeException', 'Name node is in safe mode.', 'StorageUnavailable', true],
    ['AccessControlException', 'Permission denied: user=hive, access=WRITE', 'StorageDenied', false],
    ['DSQuotaExceededException', 'The DiskSpace quota of /w is exceeded', 'StorageFull', true],
    ['NSQuotaExceededException', 'The NameSpace quota of /w is exceeded', 'StorageFull', true],
    [
      'IOException',
      'File x could only be written to 0 of the 1 minReplication nodes. There are 3 datanode(s) running and no node(s) are excluded',
      'StorageFull',
      true,
    ],
    [
      'IOException',
      'File x could only be replicated to 0 nodes. There are 0 datanode(s) running',
      'StorageUnavailable',
      true,
    ],
    ['ParentNotDirectoryException', '/w/a is not a directory', 'StorageConflict', false],
    ['InvalidPathException', 'Invalid path name', 'StorageRefused', false],
  ])('tells %s (%s) as %s', async (exception, message, code, retryable) => {
    fake.fault = (_, n) =>
      n === 0 || exception === 'SafeModeException' || code === 'StorageUnavailable'
        ? { exception, message }
        : undefined;
    await expect(open({ retryForMs: 300 }).write('a', 'x')).rejects.toMatchObject({
      ...{ code, retryable },
      message: expect.stringContaining(message) as string,
    });
    expect(fake.files.size).toBe(0);
  });

  it('knows its own rename again when the answer to it was lost', async () => {
    const storage = open();
    let lost = 0;
    fake.fault = ({ op }) => (op === 'RENAME' && lost++ === 0 ? 'break afterwards' : undefined);
    expect(await storage.create('a', 'x')).toBe(true);
    lost = 0;
    expect(await storage.rename('a', 'b')).toBe(true);
    lost = 0;
    await storage.write('b', 'y');
    expect([...fake.files].map(([name, content]) => [name, content.toString()])).toEqual([['/w/b', 'y']]);
  });

  it('begins a broken upload anew under another name', async () => {
    let broken = 0;
    fake.fault = ({ op, node }) => (op === 'CREATE' && node === 'data' && broken++ < 2 ? 'break' : undefined);
    await open().write('a', 'x'.repeat(100_000));
    expect(fake.files.get('/w/a')?.length).toBe(100_000);
    const names = fake.requests
      .filter(({ op, node }) => op === 'CREATE' && node === 'name')
      .map(({ path }) => path);
    expect(new Set(names).size).toBe(3);
    expect([...fake.files.keys()]).toEqual(['/w/a']);
  });

  it('tells the NameNode to leave out a DataNode that does not answer', async () => {
    const redirect = 'http://127.0.0.1:9/webhdfs/v1/w/a?op=CREATE';
    fake.fault = ({ op, node }, n) =>
      op === 'CREATE' && node === 'name' && n === 0 ? { redirect } : undefined;
    await open().write('a', 'x');
    const again = fake.requests.find(({ parameters }) => parameters.has('excludedatanodes'));
    expect(again?.parameters.get('excludedatanodes')).toBe('127.0.0.1:9');
  });

  it('says that a DataNode has a name that is not known here', async () => {
    const redirect = 'http://datanode.invalid:9864/webhdfs/v1/w/a?op=CREATE';
    fake.fault = ({ op, node }) => (op === 'CREATE' && node === 'name' ? { redirect } : undefined);
    await expect(open({ retryForMs: 200 }).write('a', 'x')).rejects.toMatchObject({
      ...{ code: 'StorageUnavailable', retryable: true },
      message: expect.stringContaining('datanode.invalid') as string,
    });
  });

  it('begins a broken download anew, and never gives half a file', async () => {
    fake.files.set('/w/a', Buffer.from('whole'));
    let broken = 0;
    fake.fault = ({ op, node }) => (op === 'OPEN' && node === 'data' && broken++ < 2 ? 'half' : undefined);
    await open().download('a', join(local, 'a'));
    expect((await readFile(join(local, 'a'))).toString()).toBe('whole');
    broken = 0;
    expect((await open().read('a'))?.toString()).toBe('whole');
  });

  it('gives up silence in bounded time, and stops at once when it is told to', async () => {
    fake.fault = () => 'silence';
    const storage = open({ idleTimeoutMs: 100, retryForMs: 300 });
    await expect(storage.read('a')).rejects.toMatchObject({
      code: 'StorageUnavailable',
      message: /silent for 100 ms/,
    });
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error('stop')), 50);
    const started = Date.now();
    await expect(open().read('a', stop.signal)).rejects.toThrow('stop');
    fake.fault = () => ({ exception: 'SafeModeException' });
    const later = new AbortController();
    setTimeout(() => later.abort(new Error('stop')), 150);
    await expect(open().write('a', 'x', later.signal)).rejects.toThrow('stop');
    expect(Date.now() - started).toBeLessThan(1_500);
  });

  it('works with HttpFS, which knows less', async () => {
    fake.httpFs = true;
    const storage = open();
    expect(await storage.create('a', 'x')).toBe(true);
    expect(await storage.create('a', 'y')).toBe(false);
    expect((await storage.read('a'))?.toString()).toBe('x');
    expect((await storage.list('')).map((file) => file.path)).toEqual(['a']);
    expect(await storage.rename('a', 'b')).toBe(true);
    expect(await storage.rename('a', 'c')).toBe(false);
    await storage.write('b', 'z');
    expect((await storage.read('b'))?.toString()).toBe('z');
  });

  it('is not misled by something that is not WebHDFS', async () => {
    fake.fault = () => ({ redirect: 'http://127.0.0.1:9/login' });
    await expect(open({ retryForMs: 200 }).stat('a')).rejects.toMatchObject({ code: 'StorageRefused' });
  });
});
