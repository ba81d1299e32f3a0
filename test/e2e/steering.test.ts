import type { ChildProcess } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { totals } from './rows.js';
import { click, clickTable, createTopic, install, pause, produce, type Installation } from './support.js';

let here: Installation;
let worker: ChildProcess;

beforeAll(async () => {
  here = await install('steering');
});
afterAll(() => here.close());

/** Clicks whose time is a number: the table reads them once its config says so. */
const otherClock = (from: number, count: number): string[] =>
  Array.from({ length: count }, (_, i) =>
    JSON.stringify({ at: Date.UTC(2026, 1, 28, 16) + i * 1_000, id: from + i, text: 'ms' }),
  );
const clicks = (from: number, count: number): string[] =>
  Array.from({ length: count }, (_, i) => click(from + i));

describe('a table whose quarantine grows beyond what its config allows', () => {
  // A source that changes its format at night must not fill a table with half of its days; and nobody else may wait for it.
  it('is held and says why; it goes on after its config was mended, and after a person accepts what is there', async () => {
    const topic = here.topic('click');
    const strict = here.table('strict');
    const easy = here.table('easy');
    const config = (format: string): Promise<void> =>
      here.writeConfig(
        clickTable(strict, topic, '    quarantine: { max_records: 20, max_share: 0.5 }\n').replace(
          'path: $.at',
          `path: $.at, format: ${format}`,
        ) + clickTable(easy, topic),
      );
    await createTopic(topic, 2);
    await config('iso');
    worker = here.startWorker();
    await here.ok('start');
    await produce(topic, 2, clicks(0, 100));
    await here.until(strict, '100 rows', ({ rows }) => rows === 100);

    // More than twenty, though a small part of what comes.
    await produce(topic, 2, [...clicks(100, 100), ...otherClock(10_000, 30)]);
    const held = await here.until(strict, 'held', ({ fault }) => fault?.code === 'QuarantineLimit');
    expect(held.phase).toBe('waiting');
    const page = await here.ok('status', strict);
    expect(page).toContain('QuarantineLimit');
    expect(page).toContain('30 records (allowed: 20)');
    expect(page).toContain(`tributary resume ${strict}`);
    await produce(topic, 2, clicks(200, 50));
    await here.until(easy, 'all of them', ({ rows }) => rows === 280);
    expect((await here.status(strict)).rows).toBe(200);

    // Someone starts the whole file, for another table's sake: the hold is not theirs to take.
    const whole = JSON.parse(await here.ok('start', '--json')) as { table: string; outcome: string }[];
    expect(whole.find((each) => each.table === strict)).toMatchObject({ outcome: 'held' });
    expect((await here.status(strict)).fault?.code).toBe('QuarantineLimit');

    await config('auto');
    await here.ok('start', strict);
    await here.until(strict, 'what came meanwhile', ({ rows, fault }) => rows === 250 && fault === null);
    await here.ok('quarantine', 'replay', strict);
    await here.until(strict, 'the mended ones', ({ rows, quarantined }) => rows === 280 && quarantined === 0);

    // Few, but most of what comes; a replay lands nothing of them, and a person lets the table go on.
    await produce(topic, 2, ['{"at": "never", "id": 1}', '{"at": "never", "id": 2}', click(300)]);
    await here.until(strict, 'held', ({ fault }) => fault?.code === 'QuarantineLimit');
    expect(await here.ok('status', strict)).toContain('66.7 % of the last batch (allowed: 50.0 %)');
    await produce(topic, 2, clicks(301, 9));
    const vain = JSON.parse(await here.ok('quarantine', 'replay', strict, '--json')) as { landed: number };
    expect(vain.landed).toBe(0);
    await here.ok('resume', strict);
    await here.until(strict, 'the rest', ({ rows, phase }) => rows === 290 && phase === 'running');
    expect(await totals(here, strict)).toEqual({ rows: 290, distinct: 290 });
  });

  it('a mistyped table is one document for a program, and does not keep the others from being told', async () => {
    const { code, stdout } = await here.cli('resume', 'nope', here.table('easy'), '--json');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject([
      { table: 'nope', error: 'TableUnknown' },
      { table: here.table('easy'), outcome: 'resuming' },
    ]);
  });

  it('status shows what became of its last backfill', async () => {
    const table = here.table('strict');
    await here.ok('backfill', table, '--from', '2026-03-01', '--to', '2026-03-02', '--id', 'once');
    expect(await here.ok('status', table)).toMatch(/last backfill\s+once, .*: done, \d+ partitions? rebuilt/);
  });
});

describe('start while the table is being stopped', () => {
  // "unchanged" about a table that ends a second later would leave it unread until somebody wonders where its rows are.
  it('starts it again, whichever of the two words the table hears first', async () => {
    const table = here.table('easy');
    let rows = (await here.status(table)).rows!;
    for (let round = 0; round < 3; round++) {
      // The worker hears the stop and the question of `start` at about the same moment.
      worker.kill('SIGSTOP');
      await here.ok('stop', table);
      const starting = here.cli('start', table, '--json');
      await pause(1_500 + round * 700);
      worker.kill('SIGCONT');
      const { code, stdout, stderr } = await starting;
      expect(code, stderr).toBe(0);
      const [{ outcome }] = JSON.parse(stdout) as [{ outcome: string }];
      expect(['started', 'was being stopped, goes on']).toContain(outcome);
      await produce(here.topic('click'), 2, clicks(1_000 + round * 10, 10));
      rows += 10;
      const seen = await here.until(table, `${rows} rows`, (now) => now.rows === rows);
      expect(seen.phase).toBe('running');
    }
  });
});

describe('a table that is steered while no worker is there', () => {
  // Someone who pauses a table before a maintenance must not take "pausing" for done when nobody heard it.
  it('has the request handed in, is told that nobody carries it out, and does so once a worker comes', async () => {
    const alone = await install('unheard');
    try {
      const table = alone.table('click');
      await createTopic(alone.topic('click'), 1);
      await alone.writeConfig(clickTable(table, alone.topic('click')));
      await alone.ok('start');
      const paused = await alone.cli('pause', table);
      expect(paused.code).toBe(0);
      expect(paused.stdout).toContain('handed in');
      expect(paused.stderr).toMatch(/WorkerMissing.*tributary worker/);
      const json = JSON.parse(await alone.ok('pause', table, '--json')) as unknown;
      expect(json).toEqual([{ table, outcome: 'pausing', workerMissing: true }]);
      const page = await alone.cli('status', table);
      expect(page.code).toBe(1);
      expect(page.stdout).toMatch(/phase +preparing[^]*WorkerMissing/);

      // The first table cannot be asked what it runs by; a new one behind it in the file is started all the same.
      const second = alone.table('views');
      await alone.writeConfig(
        clickTable(table, alone.topic('click')) + clickTable(second, alone.topic('click')),
      );
      const both = await alone.cli('start');
      expect(both.code).toBe(1);
      expect(both.stdout).toMatch(new RegExp(`${table} +not asked[^]*${second} +started`));
      expect(both.stderr).toContain('WorkerMissing');
      expect(both.stderr).toMatch(
        /a changed config is not kept for later\. Once a worker runs: tributary start/,
      );
      alone.startWorker();
      await alone.until(table, 'paused', ({ phase }) => phase === 'paused');

      // The worker has read its connections when it started; a dry run tells that, and that a topic is not there.
      await alone.writeConfig(clickTable(table, alone.topic('clik')));
      const config = await readFile(alone.configFile, 'utf8');
      await writeFile(alone.configFile, config.replace('main: { ', 'main: { client_id: moved, '));
      const dry = await alone.cli('start', '--dry-run');
      expect(dry.code).toBe(1);
      expect(dry.stderr).toMatch(/WorkersOutdated.*kafka/);
      expect(dry.stderr).toMatch(/TopicNotFound.*from\.topic.*kafka\.main\.brokers/);
    } finally {
      await alone.close();
    }
  });
});
