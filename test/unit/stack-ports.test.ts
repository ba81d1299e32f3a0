import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { checkPorts, describeHolder } from '../../stack/port-check.js';
import { DEFAULT_PORTS, parsePortOffset, portsFor, suggestOffset } from '../../stack/ports.js';
import { holderOf, isPortFree } from '../../stack/proc/holders.js';
import { OWNER_VARIABLE } from '../../stack/proc/identity.js';
import { unitNamed } from '../../stack/services/index.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function listen(host = '127.0.0.1'): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  cleanups.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

describe('port offsets', () => {
  it('move every port by the same number', () => {
    expect(portsFor(100)).toEqual(
      Object.fromEntries(Object.entries(DEFAULT_PORTS).map(([name, port]) => [name, port + 100])),
    );
  });

  it.each(['', '-1', '1.5', 'x', '99999'])('refuse %j', (text) => {
    expect(() => parsePortOffset(text)).toThrow(/whole number from 0 to/);
  });

  it('are suggested so that all wanted ports are free', async () => {
    const taken = new Set([DEFAULT_PORTS.kafka + 100, DEFAULT_PORTS.hive + 200]);
    const suggestion = await suggestOffset(0, ['kafka', 'hive'], (port) => Promise.resolve(!taken.has(port)));
    expect(suggestion).toBe(300);
  });
});

describe('a taken port', () => {
  it.each(['127.0.0.1', '0.0.0.0', '::'])('is seen when its holder listens on %s', async (host) => {
    const port = await listen(host);
    expect(await isPortFree(port)).toBe(false);
    expect(holderOf(port)?.pid).toBe(process.pid);
  });

  it('gives an error with port, service, holder and the way out', async () => {
    const port = await listen();
    const ports = { ...portsFor(0), mongo: port };
    const check = checkPorts([unitNamed('mongo')], ports, 0, '/somewhere/.stack');
    await expect(check).rejects.toMatchObject({ code: 'StackPortTaken', attributes: { ports: [port] } });
    await expect(check).rejects.toThrow(`port ${port} (mongo, mongo) is held by pid ${process.pid}`);
    await expect(check).rejects.toThrow(/--port-offset \d+/);
  });

  it('names the other checkout if a stack of it holds the port', async () => {
    const program =
      "const s=require('net').createServer().listen(0,'127.0.0.1',()=>console.log(s.address().port))";
    const child = spawn(process.execPath, ['-e', program], {
      env: { ...process.env, [OWNER_VARIABLE]: '/other/checkout/.stack:kafka' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    cleanups.push(() => child.kill('SIGKILL'));
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const holder = holderOf(Number(line.toString()));
    expect(holder?.pid).toBe(child.pid);
    expect(describeHolder(holder, '/this/checkout/.stack')).toMatch(
      /kafka of another Tributary stack: \/other\/checkout /,
    );
    expect(describeHolder(holder, '/other/checkout/.stack')).toMatch(/kafka of this very stack/);
  });
});
