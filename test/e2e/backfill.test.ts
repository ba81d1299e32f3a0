import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HiveCatalog } from '../../warehouse/catalog-hive.js';
import type { BackfillOutline, BackfillResult } from '../../workflows/backfill-types.js';
import { patientHive } from './patient-hive.js';
import { createTopic, install, kill, pause, produce, withAdmin, type Installation } from './support.js';

const PARTITIONS = 2;
const DAYS = 10;
const DAY_MS = 86_400_000;
/** Midnight of 2026-03-01 in Shanghai. */
const FIRST = Date.UTC(2026, 1, 28, 16);

const event = (id: number, day: number): string =>
  JSON.stringify({
    at: new Date(FIRST + day * DAY_MS + (id % 86_000) * 1_000).toISOString(),
    id,
    note: `n${id}`,
  });

const tableYaml = (name: string, topic: string, more: string): string => `  - name: ${name}
    mode: append
    from: { kafka: main, topic: ${topic}, format: json }
    time: { path: $.at }
    partition: [day]
    lateness: 1s
    columns: [{ name: id, type: bigint }${more}]
`;

interface DayRow {
  dt: string;
  n: string;
  d: string;
  s: string;
  notes: string;
}

function hive(here: Installation): HiveCatalog {
  return patientHive(here);
}

/** What Hive says of each day: rows, distinct Kafka positions, a sum, and rows with the column that came later. */
async function days(here: Installation, table: string, note: boolean): Promise<DayRow[]> {
  const catalog = hive(here);
  try {
    return (await catalog.query(
      `SELECT dt, CAST(count(*) AS STRING) AS n, CAST(count(DISTINCT kafka_partition, kafka_offset) AS STRING) AS d, ` +
        `CAST(sum(id) AS STRING) AS s, CAST(count(${note ? 'note' : 'CAST(NULL AS STRING)'}) AS STRING) AS notes ` +
        `FROM \`${here.name}\`.\`${table}\` GROUP BY dt ORDER BY dt`,
    )) as unknown as DayRow[];
  } finally {
    await catalog.close();
  }
}

/** `start` of a changed config is applied by the table in its own time. */
async function hasColumn(here: Installation, table: string, column: string): Promise<void> {
  const catalog = hive(here);
  try {
    for (;;) {
      if ((await catalog.describe(table))?.some(({ name }) => name === column)) return;
      await pause(500);
    }
  } finally {
    await catalog.close();
  }
}

const withoutNotes = (rows: DayRow[]): Omit<DayRow, 'notes'>[] => rows.map(({ notes: _, ...row }) => row);

describe('backfill of ten days', () => {
  let here: Installation;
  let topic: string;
  let table: string;
  const perDay = 400;
  const range = ['--from', '2026-03-01', '--to', '2026-03-11'];

  beforeAll(async () => {
    here = await install('backfill', {
      warehouse: 'hive',
      ingest: '{ flush: { interval: 1s, max_records: 1500 }, parallelism: 2 }',
    });
    topic = here.topic('click');
    table = here.table('click');
    await createTopic(topic, PARTITIONS);
    await produce(
      topic,
      PARTITIONS,
      Array.from({ length: DAYS * perDay }, (_, i) => event(i, Math.floor(i / perDay))),
    );
    await here.writeConfig(tableYaml(table, topic, ''));
    here.startWorker();
    await here.ok('start');
    await here.until(table, 'ten days', ({ rows, lagRecords }) => rows === DAYS * perDay && lagRecords === 0);
  });
  afterAll(() => here.close());

  it('says what it would do, and does nothing: a person must see the cost of it first', async () => {
    const before = await days(here, table, false);
    const plan = JSON.parse(
      await here.ok('backfill', table, ...range, '--plan', '--json'),
    ) as BackfillOutline;
    expect(plan).toMatchObject({
      partitions: DAYS,
      taken: DAYS,
      rows: DAYS * perDay,
      refusedCount: 0,
      plan: null,
    });
    expect(plan.offsets).toBe(DAYS * perDay);
    expect(await here.ok('backfill', table, ...range, '--plan')).toContain('dt=2026-03-10');
    expect(await days(here, table, false)).toEqual(before);
  });

  it('fills a column that came later into old days, exactly, while workers die and rows land', async () => {
    await here.writeConfig(tableYaml(table, topic, ', { name: note, type: string }'));
    await here.ok('start');
    await hasColumn(here, table, 'note');
    const before = await days(here, table, true);
    expect(before.every(({ n, d, notes }) => n === String(perDay) && d === n && notes === '0')).toBe(true);

    await here.ok('backfill', table, ...range, '--id', 'notes', '--detach');
    const refused = await here.cli(
      'backfill',
      table,
      '--from',
      '2026-03-05',
      '--to',
      '2026-03-06',
      '--id',
      'other',
    );
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('BackfillOverlaps');

    // Late rows of the same days, on both sides of a paused table and of dead workers.
    let total = DAYS * perDay;
    let worker = here.startWorker();
    for (let round = 0; round < 3; round++) {
      await produce(
        topic,
        PARTITIONS,
        Array.from({ length: 100 }, (_, i) => event(100_000 + total + i, i % DAYS)),
      );
      total += 100;
      if (round === 1) await here.ok('pause', table);
      await pause(2_000);
      await kill(worker, 'SIGKILL');
      worker = here.startWorker();
      const during = await days(here, table, true);
      for (const day of during) {
        expect(day.d).toBe(day.n);
        expect(Number(day.n)).toBeGreaterThanOrEqual(perDay);
      }
    }
    await here.ok('resume', table);
    const again = await here.cli('backfill', table, ...range, '--id', 'notes', '--json');
    expect(again.code).toBe(0);
    const result = JSON.parse(again.stdout) as BackfillResult;
    expect(result).toMatchObject({ outcome: 'done', rebuilt: DAYS, fresh: result.replaced });
    expect(result.replaced).toBeGreaterThanOrEqual(DAYS * perDay);
    await here.until(table, 'the late rows', ({ rows, lagRecords }) => rows === total && lagRecords === 0);
    const after = await days(here, table, true);
    expect(after.map(({ n }) => Number(n)).reduce((a, b) => a + b)).toBe(total);
    expect(after.every(({ n, d, notes }) => d === n && notes === n)).toBe(true);
  });

  it('repeated, gives the same rows, and cancelled, leaves each day old or new', async () => {
    const before = withoutNotes(await days(here, table, true));
    // What only looks must not cancel.
    const looked = await here.cli('backfill', table, '--cancel', '--id', 'halfway', '--plan');
    expect(looked.code).toBe(1);
    expect(looked.stderr).toContain('nothing was cancelled');
    await here.ok('backfill', table, ...range, '--id', 'halfway', '--detach');
    const cancelled = JSON.parse(
      await here.ok('backfill', table, '--cancel', '--id', 'halfway', '--json'),
    ) as BackfillResult;
    expect(['cancelled', 'done']).toContain(cancelled.outcome);
    const again = await here.cli('backfill', table, ...range, '--id', 'halfway');
    if (cancelled.outcome === 'cancelled') {
      expect(again.code).toBe(1);
      expect(again.stderr).toContain('To do it now take another id');
    } else expect(again.stderr).toContain('a request of this id was done at');
    const other = await here.cli('backfill', table, ...range, '--accept-missing', '--id', 'halfway');
    expect(other.stderr).toContain('with other arguments');
    expect(withoutNotes(await days(here, table, true))).toEqual(before);
    const whole = JSON.parse(await here.ok('backfill', table, ...range, '--json')) as BackfillResult;
    expect(whole).toMatchObject({ outcome: 'done', rebuilt: DAYS });
    expect(withoutNotes(await days(here, table, true))).toEqual(before);
  });

  it('keeps rows that Kafka has deleted, and rebuilds nothing of such a day unasked', async () => {
    const before = await days(here, table, true);
    await withAdmin(async (admin) => {
      // kafkajs deletes records only of topics whose metadata it has loaded already.
      await admin.fetchTopicOffsets(topic);
      const offset = String((1.5 * perDay) / PARTITIONS);
      await admin.deleteTopicRecords({
        topic,
        partitions: [0, 1].map((partition) => ({ partition, offset })),
      });
    });
    const two = ['--from', '2026-03-01', '--to', '2026-03-03'];
    const refused = await here.cli('backfill', table, ...two, '--json');
    expect(refused.code).toBe(1);
    const outcome = JSON.parse(refused.stdout) as BackfillResult;
    expect(outcome).toMatchObject({ outcome: 'partial', rebuilt: 0, refusedCount: 2 });
    expect(outcome.refused[1]!.reason).toContain('Kafka has deleted offsets');
    const accepted = await here.cli('backfill', table, ...two, '--accept-missing', '--json');
    const result = JSON.parse(accepted.stdout) as BackfillResult;
    expect(result.outcome).toBe('done');
    expect(result.kept).toBeGreaterThan(0);
    expect(result.fresh).toBeGreaterThan(0);
    expect(await days(here, table, true)).toEqual(before);
  });
});
