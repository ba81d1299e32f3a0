import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TableOverview } from '../../client/overview.js';
import { clickTable, freePort, install, kill, type Installation } from './support.js';

/** A table whose Kafka does not answer: what operators see during an outage. */
let here: Installation;
let dark: string;

beforeAll(async () => {
  here = await install('no_kafka');
  dark = here.table('dark');
  await here.writeConfig(clickTable(dark, here.topic('dark')).replace('kafka: main', 'kafka: down'));
  const text = await readFile(here.configFile, 'utf8');
  const broker = `127.0.0.1:${await freePort()}`;
  await writeFile(here.configFile, text.replace('kafka:\n', `kafka:\n  down: { brokers: ['${broker}'] }\n`));
  here.startWorker();
  await here.ok('start');
});
afterAll(() => here.close());

describe('while Kafka does not answer', () => {
  // Connecting took longer than the time after which Temporal gives a silent worker up: people looked at their workers.
  it('status says that Kafka does not, not that the worker is silent, and goes on saying so whatever is asked of the table', async () => {
    const codes = new Set<string>();
    const note = ({ fault, stuck }: TableOverview): string[] => {
      const seen = [...(fault ? [fault] : []), ...stuck].map(({ code }) => code);
      for (const code of seen) codes.add(code);
      return seen;
    };
    await here.until(dark, 'retried', (now) => note(now).includes('KafkaUnavailable'), 240_000);
    const known = await here.until(dark, 'its own fault', (now) => note(now) && now.fault !== null, 240_000);
    expect(known).toMatchObject({ phase: 'waiting', lagRecords: null });
    expect(known.lagUnknown?.code).toBe('KafkaUnavailable');
    // The attempts begin anew; the fault stays.
    await here.ok('start', dark);
    await here.until(dark, 'the fault', ({ fault }) => fault?.code === 'KafkaUnavailable');
    expect([...codes]).toEqual(['KafkaUnavailable']);
    expect(await here.ok('status')).toContain('unknown');
  });

  // A command that says nothing for hours looks like one that hangs.
  it('a command that waits for it says so, and status shows what of a verification is retried', async () => {
    const verifying = here.startCli('verify', dark, '--log', '--id', 'one');
    const planning = here.startCli('backfill', dark, '--from', '2026-03-01', '--to', '2026-03-02', '--plan');
    const heard = [verifying, planning].map((command) => {
      const said = { text: '' };
      command.stderr!.on('data', (data: Buffer) => (said.text += data.toString()));
      return said;
    });
    const stuck = ({ stuck }: TableOverview) =>
      stuck.find(({ workflowId }) => workflowId === `verify/${dark}/one`);
    const seen = await here.until(
      dark,
      'both are told',
      (now) =>
        stuck(now) !== undefined && heard.every(({ text }) => text.includes('it waits: KafkaUnavailable')),
      240_000,
    );
    expect(stuck(seen)).toMatchObject({ activity: 'planVerifyLog', code: 'KafkaUnavailable' });
    expect(stuck(seen)!.sinceMs).toBeGreaterThan(0);
    expect(heard[0]!.text).toContain('The request is kept; you may leave this command');
    expect(heard[1]!.text).toContain('You may leave this command (Ctrl-C) and ask again');
    expect(await here.ok('status')).toContain(`planVerifyLog of verify/${dark}/one, attempt`);
    await Promise.all([verifying, planning].map((command) => kill(command, 'SIGKILL')));
  });
});
