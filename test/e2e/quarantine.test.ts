import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HiveCatalog } from '../../warehouse/catalog-hive.js';
import {
  click,
  createTopic,
  endpoints,
  install,
  kill,
  pause,
  pendingActivities,
  produce,
  type Installation,
} from './support.js';

const GOOD = 2_000;
const OTHER_CLOCK = 1_000;
const HOPELESS = 10;

let here: Installation;
let table: string;

const clicks = (timeFormat: string): string => `  - name: ${table}
    mode: append
    from: { kafka: main, topic: ${here.topic('click')}, format: json }
    time: { path: $.at, format: ${timeFormat} }
    partition: [day]
    lateness: 1s
    columns: [{ name: id, type: bigint }, { name: text, type: string }]
`;

/** Rows and distinct Kafka positions of a Hive table. */
async function inHive(name: string): Promise<{ n: number; d: number }> {
  const catalog = new HiveCatalog({ ...endpoints.hive, auth: 'nosasl', user: 'hive', database: here.name });
  try {
    const [row] = await catalog.query(
      `SELECT CAST(count(*) AS STRING) AS n, CAST(count(DISTINCT kafka_partition, kafka_offset) AS STRING) AS d FROM \`${here.name}\`.\`${name}\``,
    );
    return { n: Number(row!['n']), d: Number(row!['d']) };
  } finally {
    await catalog.close();
  }
}

const exactly = (n: number): { n: number; d: number } => ({ n, d: n });

const listed = async (): Promise<Record<string, number>> => {
  const rows = JSON.parse(await here.ok('quarantine', 'list', table, '--json')) as {
    reason: string;
    records: number;
  }[];
  const sums: Record<string, number> = {};
  for (const { reason, records } of rows) sums[reason] = (sums[reason] ?? 0) + records;
  return sums;
};

beforeAll(async () => {
  here = await install('quarantine', { warehouse: 'hive' });
  table = here.table('click');
  const topic = here.topic('click');
  await createTopic(topic, 2);
  const midnight = Date.UTC(2026, 1, 28, 16);
  await produce(topic, 2, [
    ...Array.from({ length: GOOD }, (_, i) =>
      JSON.stringify({ at: midnight + i * 1_000, id: i, text: 'ms' }),
    ),
    ...Array.from({ length: OTHER_CLOCK }, (_, i) => click(GOOD + i)),
    ...Array.from({ length: HOPELESS }, (_, i) =>
      JSON.stringify({ at: midnight, id: `number ${i}`, text: 'not a number' }),
    ),
  ]);
  await here.writeConfig(clicks('ms'));
});
afterAll(() => here.close());

describe('records in quarantine', () => {
  // A person who mends a config must get the records back once: a lost or a doubled click is a wrong report.
  it('land once by the mended config, though workers die under the replay; those that still fail stay', async () => {
    const ingest = `ingest/main/${here.topic('click')}`;
    let worker = here.startWorker();
    await here.ok('start');
    await here.until(
      table,
      'all landed or set aside',
      ({ rows, quarantined }) => rows === GOOD && quarantined === OTHER_CLOCK + HOPELESS,
    );
    expect(await inHive(table)).toEqual(exactly(GOOD));
    expect(await inHive(`${table}_quarantine`)).toEqual(exactly(OTHER_CLOCK + HOPELESS));
    expect(await listed()).toEqual({ bad_event_time: OTHER_CLOCK, value_does_not_fit: HOPELESS });

    const shown = await here.ok(
      'quarantine',
      'show',
      table,
      '--reason',
      'value_does_not_fit',
      '--limit',
      '3',
    );
    expect(shown).toContain('"number 9"');
    expect(shown).toContain(`${here.topic('click')}/`);
    expect(shown).toContain('column id');

    // By the old rules nothing fits, and nothing may change.
    const vain = JSON.parse(await here.ok('quarantine', 'replay', table, '--json')) as { landed: number };
    expect(vain.landed).toBe(0);

    await here.writeConfig(clicks('auto'));
    const early = await here.cli('quarantine', 'replay', table);
    expect(early.code).toBe(1);
    expect(early.stderr).toContain('ConfigNotStarted');
    await here.ok('start');
    const asked = here.ok('quarantine', 'replay', table, '--id', 'mended', '--no-wait');
    // One worker dies while it lands the records again, the next one while it commits them: both take less than a second.
    for (const moment of ['writeReplay', 'commitReplay']) {
      for (let polls = 0; !(await pendingActivities(ingest)).includes(moment); polls++) {
        expect(polls, `${moment} was never seen`).toBeLessThan(3_000);
        await pause(20);
      }
      await kill(worker, 'SIGKILL');
      worker = here.startWorker();
    }
    await asked;
    await here.until(table, 'the replay', ({ quarantined }) => quarantined === HOPELESS);
    expect(await inHive(table)).toEqual(exactly(GOOD + OTHER_CLOCK));
    expect(await inHive(`${table}_quarantine`)).toEqual(exactly(HOPELESS));
    expect(await listed()).toEqual({ value_does_not_fit: HOPELESS });

    // The same request once more is answered with its first outcome; a new one finds nothing to land.
    const again = JSON.parse(
      await here.ok('quarantine', 'replay', table, '--id', 'mended', '--json'),
    ) as Record<string, unknown>;
    expect(again).toMatchObject({ status: 'done', landed: OTHER_CLOCK });
    const next = JSON.parse(await here.ok('quarantine', 'replay', table, '--json')) as Record<
      string,
      unknown
    >;
    expect(next).toMatchObject({
      status: 'done',
      tried: HOPELESS,
      landed: 0,
      reasons: { value_does_not_fit: HOPELESS },
    });
    expect(await inHive(table)).toEqual(exactly(GOOD + OTHER_CLOCK));

    // What comes afterwards lands as ever, in the partition that the replay has filled.
    await produce(here.topic('click'), 2, [click(9_000)]);
    await here.until(table, 'one more', ({ rows }) => rows === GOOD + OTHER_CLOCK + 1);
    expect(await inHive(table)).toEqual(exactly(GOOD + OTHER_CLOCK + 1));
  });
});
