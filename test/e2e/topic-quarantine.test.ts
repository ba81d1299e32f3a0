import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { topicQuarantineTable } from '../../changelog/quarantine.js';
import { readRows, totals } from './rows.js';
import {
  createTopic,
  install,
  kill,
  pause,
  pendingActivities,
  produce,
  type Installation,
} from './support.js';

const COUNT = 500;
let here: Installation;

beforeAll(async () => {
  here = await install('topic_quarantine');
  await createTopic(here.topic('shop'), 2);
});
afterAll(() => here.close());

const config = (format: string, tables = ['a', 'b']): Promise<void> =>
  here.writeConfig(
    tables
      .map(
        (table) => `  - name: ${here.table(table)}
    mode: mirror
    from: { kafka: main, topic: ${here.topic('shop')}, format: ${format}, match: { database: shop, table: ${table} } }
    columns: [{ name: id, type: bigint }]
    key: [id]
    lateness: 1s
    snapshot: { every: day }
`,
      )
      .join(''),
  );

const maxwell = (table: string, id: unknown): string =>
  JSON.stringify({ database: 'shop', table, type: 'insert', ts: 1709251200, data: { id } });

describe('the quarantine of a topic that several tables share', () => {
  // A wrong format or a decoder's fault sets aside what nobody can claim; once it is mended every record must land where it
  // belongs, once, though workers die, and though another table has read the same records alone meanwhile.
  it('lands again for the tables that read it together, exactly once', async () => {
    const topic = here.topic('shop');
    const quarantine = topicQuarantineTable(topic);
    const ingest = `ingest/main/${topic}`;
    const of = (table: string) => Array.from({ length: COUNT }, (_, i) => maxwell(table, i));
    await config('debezium');
    let worker = here.startWorker();
    await here.ok('start');
    for (const table of ['a', 'b']) {
      await here.until(here.table(table), 'running', ({ phase }) => phase === 'running');
    }
    await produce(topic, 2, [...of('a'), ...of('b'), '{"database": "shop", ', maxwell('a', 'no number')]);
    const listed = async (name: string): Promise<number> =>
      (JSON.parse(await here.ok('quarantine', 'list', name, '--json')) as { records: number }[]).reduce(
        (sum, { records }) => sum + records,
        0,
      );
    const setAside = async (records: number): Promise<void> => {
      for (let waited = 0; (await listed(quarantine)) < records; waited += 1) {
        expect(waited).toBeLessThan(60);
        await pause(1_000);
      }
    };
    await setAside(2 * COUNT + 2);
    // By the old rules nothing changes.
    expect(JSON.parse(await here.ok('quarantine', 'replay', quarantine, '--json'))).toMatchObject({
      landed: 0,
    });

    // One more table reads everything alone, by the right rules.
    await config('maxwell', ['a', 'b', 'c']);
    const early = await here.cli('quarantine', 'replay', quarantine);
    expect(early.stderr).toContain('ConfigNotStarted');
    await produce(topic, 2, [maxwell('c', 1)]);
    // Read by the old rules of the two, before they hear of the new ones.
    await setAside(2 * COUNT + 3);
    await here.ok('start');
    await here.until(here.table('c'), 'its row', ({ rows }) => rows === 1);
    await here.ok('quarantine', 'replay', quarantine, '--id', 'mended', '--no-wait');
    for (const moment of ['writeReplay', 'commitReplay']) {
      for (let tries = 0; tries < 20 && !(await pendingActivities(ingest)).includes(moment); tries++)
        await pause(100);
      await kill(worker, 'SIGKILL');
      worker = here.startWorker();
    }
    for (const table of ['a', 'b']) {
      await here.until(here.table(table), 'its rows', ({ rows }) => rows === COUNT);
    }
    const result = JSON.parse(
      await here.ok('quarantine', 'replay', quarantine, '--id', 'mended', '--json'),
    ) as Record<string, unknown>;
    expect(result).toMatchObject({
      ...{ status: 'done', tried: 2 * COUNT + 3, landed: 2 * COUNT, moved: 1 },
      // What c has landed alone is nothing for the two.
      reasons: { invalid_json: 1, no_rows: 1 },
    });
    for (const table of ['a', 'b']) {
      const changelog = `${here.table(table)}_changelog`;
      expect(await totals(here, changelog)).toEqual({ rows: COUNT, distinct: COUNT });
      const [sum] = await readRows<{ s: string }>(here, changelog, 'sum(id)::VARCHAR AS s');
      expect(sum!.s).toBe(String((COUNT * (COUNT - 1)) / 2));
    }
    expect((await totals(here, `${here.table('c')}_changelog`)).rows).toBe(1);
    expect(await listed(quarantine)).toBe(2);
    expect(await listed(here.table('a'))).toBe(1);
    expect((await here.status(here.table('a'))).quarantined).toBe(1);

    const again = JSON.parse(await here.ok('quarantine', 'replay', quarantine, '--json')) as Record<
      string,
      unknown
    >;
    expect(again).toMatchObject({ tried: 2, landed: 0, reasons: { invalid_json: 1, no_rows: 1 } });
    // Neither the log nor the rows that came by the replay are in doubt afterwards.
    expect((await here.cli('verify', here.table('b'), '--log')).code).toBe(0);
  });
});
