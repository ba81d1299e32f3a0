import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { endpointsOf } from '../../stack/endpoints.js';
import { launch, ownerMark } from '../../stack/launcher.js';
import { stackPaths } from '../../stack/paths.js';
import { portsFor } from '../../stack/ports.js';
import { liveProcesses, readRecord, stopDaemon } from '../../stack/proc/daemon.js';
import { identify, isAlive } from '../../stack/proc/identity.js';
import type { Unit, UnitContext } from '../../stack/services/unit.js';
import { unitStatus } from '../../stack/status.js';

let root: string;
let lines: string[];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'stack-life-'));
  lines = [];
});
afterEach(async () => {
  await stopDaemon(stackPaths(root).pidFile('mongo'), ownerMark(root, 'mongo'), 0);
  rmSync(root, { recursive: true, force: true });
});

const PORT = 29_417;
const SERVE = `require('net').createServer().listen(${PORT}, '127.0.0.1')`;

/** A unit whose process is a Node program. */
function unit(script: string, changes: Partial<Unit> = {}): Unit {
  return {
    name: 'mongo',
    service: 'mongo',
    after: [],
    ports: ['mongo'],
    fetch: () => Promise.resolve(process.execPath),
    prepare: () => Promise.resolve(),
    command: () => ({ file: process.execPath, args: ['-e', script] }),
    probe: ({ ports }) =>
      new Promise((resolve, reject) => {
        const socket = createConnection(ports.mongo, '127.0.0.1', () => resolve(void socket.destroy()));
        socket.once('error', reject);
      }),
    readyTimeoutMs: 10_000,
    stopGraceMs: 5_000,
    ...changes,
  };
}

function context(): UnitContext {
  const ports = { ...portsFor(0), mongo: PORT };
  const report = (name: string, text: string) => void lines.push(`${name} ${text}`);
  return { program: '', paths: stackPaths(root), ports, endpoints: endpointsOf(ports), cache: root, report };
}

const run = (one: Unit) => launch(one, context(), 0);
const pidFile = () => stackPaths(root).pidFile('mongo');

describe('starting', () => {
  it('waits for an answer, and says so when it is up already', async () => {
    const server = unit(`setTimeout(() => ${SERVE}, 300)`);
    await run(server);
    const pid = readRecord(pidFile())?.pid;
    await run(server);
    expect(readRecord(pidFile())?.pid).toBe(pid);
    expect(lines).toContain(`mongo is already up (pid ${pid ?? 0})`);
    expect(await unitStatus(server, context(), true)).toMatchObject({ state: 'up', pid, port: PORT });
  });

  it('gives exit code and last lines of a process that dies, and only those of this run', async () => {
    await expect(run(unit(`console.error('old'); process.exit(2)`))).rejects.toThrow(/exit code 2/);
    const failing = run(
      unit(`console.log('opening data'); console.error('disk is on fire'); process.exit(3)`),
    );
    await expect(failing).rejects.toMatchObject({ code: 'StackServiceDied', attributes: { exitCode: 3 } });
    const again = run(unit(`console.error('disk is on fire'); process.exit(3)`)).catch(
      (error: Error) => error.message,
    );
    expect(await again).toMatch(/disk is on fire/);
    expect(await again).not.toMatch(/old/);
  });

  it('gives up on a process that never answers, with its log', async () => {
    const silentUnit = unit(`console.log('thinking'); setInterval(() => {}, 1000)`, { readyTimeoutMs: 700 });
    await expect(run(silentUnit)).rejects.toMatchObject({ code: 'StackServiceLate', retryable: true });
    expect((await unitStatus(silentUnit, context(), true)).state).toBe('unready');
  });

  it('names a missing program and what to install', async () => {
    const missing = unit('', { command: () => ({ file: '/nowhere/mariadbd', args: [] }) });
    await expect(run(missing)).rejects.toThrow(/`mariadbd` was not found\. MariaDB is an optional service/);
  });

  it('recovers from the pid file of a process that is gone, and never touches who has its pid now', async () => {
    mkdirSync(dirname(pidFile()), { recursive: true });
    writeFileSync(
      pidFile(),
      JSON.stringify({ pid: process.pid, born: 'before the reboot', startedAt: '', command: '' }),
    );
    expect((await unitStatus(unit(SERVE), context(), true)).state).toBe('down');
    await run(unit(SERVE));
    expect(lines[0]).toContain(`its process ${process.pid} of before is gone`);
    expect(identify(process.pid)).toBeDefined();
  });

  it('ends the processes of a run whose pid file was lost', async () => {
    await run(unit(SERVE));
    const lost = readRecord(pidFile());
    rmSync(pidFile());
    await run(unit(SERVE));
    expect(lines).toContain('mongo ending left-over processes of an earlier run');
    expect(lost && isAlive(lost)).toBe(false);
  });
});

describe('stopping', () => {
  it('leaves none of the processes that a unit started, even outside its group', async () => {
    const child = `require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true, stdio: 'ignore' }).unref();`;
    await run(unit(`${child} ${SERVE}`));
    expect(liveProcesses(pidFile(), ownerMark(root, 'mongo'))).toHaveLength(2);
    expect(await stopDaemon(pidFile(), ownerMark(root, 'mongo'), 5_000)).toBe(true);
    expect(liveProcesses(pidFile(), ownerMark(root, 'mongo'))).toHaveLength(0);
    expect(await stopDaemon(pidFile(), ownerMark(root, 'mongo'), 5_000)).toBe(false);
  });

  it('kills what ignores SIGTERM at the deadline', async () => {
    await run(unit(`process.on('SIGTERM', () => console.log('no')); ${SERVE}`));
    const start = Date.now();
    await stopDaemon(pidFile(), ownerMark(root, 'mongo'), 300);
    expect(Date.now() - start).toBeGreaterThan(290);
    expect(readFileSync(stackPaths(root).log('mongo'), 'utf8')).toContain('no');
    expect(liveProcesses(pidFile(), ownerMark(root, 'mongo'))).toHaveLength(0);
  });
});
