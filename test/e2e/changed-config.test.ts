import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { click, clickTable, createTopic, install, produce, type Installation } from './support.js';

let here: Installation;
let table: string;

beforeAll(async () => {
  here = await install('changed');
  table = here.table('click');
  await createTopic(here.topic('click'), 1);
  await here.writeConfig(clickTable(table, here.topic('click')));
  here.startWorker();
  await here.ok('start');
  await produce(
    here.topic('click'),
    1,
    Array.from({ length: 20 }, (_, i) => click(i)),
  );
  await here.until(table, '20 rows', ({ rows }) => rows === 20);
});
afterAll(() => here.close());

const config = (columns: string, topic = here.topic('click'), more = ''): Promise<void> =>
  here.writeConfig(
    clickTable(table, topic, more).replace(/columns: .*/, `columns: [{ name: id, type: ${columns}]`),
  );

describe('a changed config', () => {
  // A type that is not applied in silence, and one that is refused an hour later, are found out by the readers of the table.
  it('says of each column what becomes of it, and changes nothing if one is refused', async () => {
    await config('array<bigint> }, { name: text, type: double }, { name: more, type: string }');
    for (const more of [['--dry-run'], []]) {
      const { code, stdout, stderr } = await here.cli('start', table, ...more);
      expect(code, stdout + stderr).toBe(1);
      expect(stdout).toMatch(/refused: it is bigint in Hive, whose files cannot be read as array<bigint>/);
      expect(stdout).toMatch(/not changed: it stays string in Hive/);
      expect(stdout).toMatch(/ADD COLUMNS string/);
      expect(stdout).toContain(`${table} goes on by the config that it has`);
    }
    const page = await here.ok('status', table);
    expect(page).toMatch(/phase +running/);
    expect(page).toMatch(/config +the file says something else \(columns\.id\.type/);

    await config('bigint }, { name: text, type: double }, { name: more, type: string }');
    const applied = await here.ok('start', table);
    expect(applied).toContain('reloaded');
    expect(applied).toMatch(/columns\.text\.type: "string" -> "double"\n +not changed: it stays string/);
    expect(await here.ok('status', table)).not.toContain('the file says something else');
  });

  it('that names a topic which is not there is said to do so when it is applied, too', async () => {
    await config('bigint }, { name: text, type: string }', `${here.topic('click')}s`);
    const { code, stderr } = await here.cli('start', table);
    expect(code).toBe(0);
    expect(stderr).toContain('TopicNotFound');
    expect(stderr).toContain(`did you mean ${here.topic('click')}?`);
    await config('bigint }, { name: text, type: string }');
    await here.ok('start', table);
    await here.until(table, 'running', ({ phase, fault }) => phase === 'running' && fault === null);
  });
});

describe('what a person who comes later finds on the pages', () => {
  it('is why and since when a table is paused, and what the last verification found', async () => {
    await here.ok('verify', table);
    const word = /last verification +equal with its log at .*; 20 records of the log/;
    let page = '';
    for (let look = 0; look < 20 && !word.test(page); look++) page = await here.ok('status', table);
    expect(page).toMatch(word);

    await here.ok('pause', table, '--reason', 'the warehouse moves');
    await here.until(table, 'paused', ({ phase }) => phase === 'paused');
    const words = /paused +since .* ago\): the warehouse moves/;
    expect(await here.ok('status', table)).toMatch(words);
    expect(await here.ok('status')).toMatch(words);
    await here.ok('resume', table);
    await here.until(table, 'running', ({ phase }) => phase === 'running');
    expect(await here.ok('status')).not.toMatch(words);
  });

  it('is that a table is stopped already, when it is stopped again; and which name was meant', async () => {
    await here.ok('stop', table);
    await here.until(table, 'stopped', ({ phase }) => phase === 'stopped');
    expect(await here.ok('stop', table)).toMatch(/stopped already \(.* ago\)/);
    const mistyped = await here.cli('pause', `${table}s`);
    expect(mistyped.code).toBe(1);
    expect(mistyped.stderr).toContain(`did you mean ${table}?`);
  });
});
