import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { readEndpoints } from '../../stack/endpoints.js';
import { environmentLines, yamlSnippet } from '../../stack/env.js';
import { StackManager } from '../../stack/manager.js';
import { cacheDir, stackDir } from '../../stack/paths.js';
import { portsFor } from '../../stack/ports.js';
import { checkDisk, parseJavaMajor, toolMissing } from '../../stack/preflight.js';
import { run, runChecked } from '../../stack/proc/run.js';
import { seconds } from '../../stack/progress.js';
import { hadoopXml } from '../../stack/services/files.js';
import { CORE, selectUnits, withDependencies, withDependents } from '../../stack/services/index.js';
import { writeState } from '../../stack/state.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'stack-unit-'));
  vi.stubEnv('TRIBUTARY_STACK_PORT_OFFSET', '');
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true, force: true });
});

const names = (units: { name: string }[]) => units.map(({ name }) => name);

describe('names of services', () => {
  it('stand for units, with what they need and what needs them', () => {
    expect(names(selectUnits(CORE))).toEqual(['temporal', 'kafka', 'namenode', 'datanode', 'hive']);
    expect(names(withDependencies(selectUnits(['hive'])))).toEqual(['namenode', 'datanode', 'hive']);
    expect(names(withDependents(selectUnits(['hdfs'])))).toEqual(['namenode', 'datanode', 'hive']);
    expect(names(selectUnits(['datanode']))).toEqual(['datanode']);
  });

  it('that do not exist give an error with those that do', () => {
    expect(() => selectUnits(['kafak'])).toThrow(
      /no service "kafak". Known: temporal, kafka, hdfs, namenode/,
    );
  });
});

describe('endpoints', () => {
  it('are at the default ports before anything was started', () => {
    expect(readEndpoints(root)).toMatchObject({
      temporal: { address: '127.0.0.1:7233', uiUrl: 'http://127.0.0.1:8233' },
      kafka: { brokers: ['127.0.0.1:9092'] },
      hdfs: { webhdfsUrl: 'http://127.0.0.1:9870', fsUrl: 'hdfs://127.0.0.1:8020' },
      hive: { host: '127.0.0.1', port: 10000 },
      tidb: { host: '127.0.0.1', port: 4000, url: 'mysql://root@127.0.0.1:4000' },
      mongo: { url: 'mongodb://127.0.0.1:27017' },
    });
  });

  it('follow the ports that the stack was started with', () => {
    writeState(root, { version: 1, checkout: '/x', portOffset: 300, ports: portsFor(300), wanted: [] });
    const endpoints = readEndpoints(root);
    expect(endpoints.hive.port).toBe(10300);
    expect(environmentLines(endpoints)).toContain("export KAFKA_BROKERS='127.0.0.1:9392'");
    expect(parse(yamlSnippet(endpoints))).toMatchObject({
      temporal: { address: '127.0.0.1:7533' },
      kafka: { main: { brokers: ['127.0.0.1:9392'] } },
      warehouse: { storage: { url: 'http://127.0.0.1:10170' } },
    });
  });

  it('of a broken state file give an error that says what to do', () => {
    writeFileSync(join(root, 'state.json'), '{');
    expect(() => readEndpoints(root)).toThrow(/Delete it and run `npm run stack -- up` again/);
  });
});

describe('a stack with data', () => {
  it('keeps its ports', async () => {
    mkdirSync(join(root, 'data'));
    const manager = new StackManager({ root, cache: root });
    await expect(manager.up(['kafka'], { portOffset: 500 })).rejects.toMatchObject({
      code: 'StackPortsSettled',
    });
  });
});

describe('folders', () => {
  it('follow the environment', () => {
    expect(cacheDir({ TRIBUTARY_CACHE: '/a' })).toBe('/a');
    expect(cacheDir({ XDG_CACHE_HOME: '/b' })).toBe('/b/tributary');
    expect(cacheDir({})).toMatch(/\/\.cache\/tributary$/);
    expect(stackDir({ TRIBUTARY_STACK_DIR: '/c' })).toBe('/c');
    expect(stackDir({})).toMatch(/\/\.stack$/);
  });
});

describe('checks before the start', () => {
  it.each([
    ['openjdk version "17.0.15" 2025-04-15', 17],
    ['java version "1.8.0_401"', 8],
    ['openjdk version "25" 2025-09-16', 25],
    ['gibberish', undefined],
  ])('read %s', (text, major) => expect(parseJavaMajor(text)).toBe(major));

  it('say what to install', () => {
    expect(toolMissing('mvn').message).toMatch(/`mvn` was not found.*apt-get install maven/);
  });

  it('refuse a full disk, with its folder', async () => {
    await expect(checkDisk(root, Number.MAX_SAFE_INTEGER)).rejects.toMatchObject({
      code: 'StackDiskFull',
      attributes: { directory: root },
    });
    await checkDisk(root, 1);
  });
});

describe('running a program', () => {
  it('gives its output and code', async () => {
    const script = "process.stdin.pipe(process.stdout); console.error('to stderr'); process.exitCode = 4";
    expect(await run(process.execPath, ['-e', script], { input: '你好' })).toMatchObject({
      code: 4,
      stdout: '你好',
      stderr: 'to stderr\n',
    });
  });

  it('that fails shows first and last lines', async () => {
    const script = "console.log('usage'); for (let i = 0; i < 99; i++) console.log(i); process.exit(1)";
    const failing = runChecked('Trying', process.execPath, ['-e', script]);
    await expect(failing).rejects.toThrow(/Trying: .* ended with code 1/s);
    await expect(failing).rejects.toThrow(/usage\n.*\.\.\.\n.* 98$/s);
  });

  it('that is not there names it', async () => {
    await expect(run('mvn-that-is-not-there', [])).rejects.toMatchObject({ code: 'StackToolMissing' });
  });
});

describe('formats', () => {
  it('of Hadoop escape what XML needs', () => {
    expect(hadoopXml({ a: '<&>' })).toContain('<value>&lt;&amp;&gt;</value>');
  });

  it.each([
    [400, '0.4 s'],
    [99_900, '99.9 s'],
    [200_000, '3m 20s'],
    [18_120_000, '5h 02m'],
  ])('of %d ms', (ms, text) => expect(seconds(ms)).toBe(text));
});
