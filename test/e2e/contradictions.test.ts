import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSession, settingsOf } from '../../client/session.js';
import { pauseSignal, reloadSignal, resumeSignal, stopSignal } from '../../workflows/messages.js';
import { totals } from './rows.js';
import { click, clickTable, createTopic, endpoints, install, produce, type Installation } from './support.js';

let here: Installation;
let connection: Connection;
let sent = 0;

beforeAll(async () => {
  here = await install('contradictions');
  connection = await Connection.connect({ address: endpoints.temporal.address });
  await createTopic(here.topic('click'), 2);
  await here.writeConfig(clickTable(here.table('click'), here.topic('click')));
  here.startWorker();
  await here.ok('start');
});
afterAll(async () => {
  await here.close();
  await connection.close();
});

type Word = 'pause' | 'resume' | 'reload' | 'stop';

/** All signals at once, as of several people; Temporal keeps the order in which it took them. */
async function say(...words: Word[]): Promise<void> {
  const handle = new Client({ connection }).workflow.getHandle(`table/${here.table('click')}`);
  const { runtime, specs } = await openSession(here.configFile);
  const spec = specs[0]!;
  for (const word of words) {
    if (word === 'pause') await handle.signal(pauseSignal);
    else if (word === 'resume') await handle.signal(resumeSignal);
    else if (word === 'stop') await handle.signal(stopSignal);
    else await handle.signal(reloadSignal, { spec, settings: settingsOf(runtime, spec) });
  }
}

const send = async (count: number): Promise<void> => {
  await produce(
    here.topic('click'),
    2,
    Array.from({ length: count }, (_, i) => click(sent + i)),
  );
  sent += count;
};

const phase = (wanted: string): Promise<unknown> =>
  here.until(here.table('click'), wanted, (seen) => seen.phase === wanted);

describe('signals that contradict each other and come at the same moment', () => {
  // Two people on call, or one with a script: what the last of them asked for must be what happens, and no row may suffer.
  it('end in what the last one says', async () => {
    const rows = (): Promise<unknown> =>
      here.until(here.table('click'), `${sent} rows`, (seen) => seen.rows === sent);
    await send(100);
    await rows();

    await say('pause', 'resume', 'pause', 'reload', 'pause');
    await phase('paused');
    await send(100);

    await say('pause', 'stop', 'pause', 'reload', 'resume');
    await rows();
    await phase('running');

    await say('resume', 'reload', 'stop', 'resume', 'pause');
    await phase('paused');
    await send(100);
    await say('stop', 'reload', 'resume');
    await rows();
    expect(await totals(here, here.table('click'))).toEqual({ rows: sent, distinct: sent });

    await say('pause', 'resume', 'reload', 'stop');
    await phase('stopped');
    const page = await here.ok('status', here.table('click'));
    expect(page).toMatch(/phase +stopped .*ago/);
    expect(page).toMatch(new RegExp(`rows +${sent}\\b`));
    expect(page).toContain(`tributary start ${here.table('click')}`);
    await send(100);
    await here.ok('start');
    await rows();
    expect(await totals(here, here.table('click'))).toEqual({ rows: sent, distinct: sent });
  });

  it('a table that is no longer in the config is named by start, and goes on until someone stops it', async () => {
    const gone = here.table('click');
    await here.writeConfig(clickTable(here.table('other'), here.topic('click')));
    const started = await here.cli('start');
    expect(started.code).toBe(0);
    expect(started.stderr).toContain('TableNotInConfig');
    expect(started.stderr).toContain(`tributary stop ${gone}`);
    expect((await here.status(gone)).phase).toBe('running');
    await here.ok('stop', gone);
    await here.until(here.table('other'), 'all rows', ({ rows }) => rows === sent);
    expect((await here.cli('start')).stderr).not.toContain('TableNotInConfig');
  });
});
