import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRows, totals } from './rows.js';
import { patientHive } from './patient-hive.js';
import {
  click,
  clickTable,
  createTopic,
  install,
  kill,
  pause,
  produce,
  terminate,
  type Installation,
} from './support.js';

const PARTITIONS = 4;

describe('workers that die at random', () => {
  const count = 120_000;
  let here: Installation;

  beforeAll(async () => {
    here = await install('kills', {
      warehouse: 'hive',
      ingest: '{ flush: { interval: 1s, max_records: 10000 }, parallelism: 2 }',
    });
    const topic = here.topic('click');
    await createTopic(topic, PARTITIONS);
    await produce(
      topic,
      PARTITIONS,
      Array.from({ length: count }, (_, i) => click(i)),
    );
    await here.writeConfig(clickTable(here.table('click'), topic));
  });
  afterAll(() => here.close());

  it('leave every record in Hive once: a lost or doubled click would be a wrong report to the business', async () => {
    const catalog = patientHive(here);
    let worker = here.startWorker();
    await here.ok('start');
    for (let i = 0; i < 6; i++) {
      await pause(1_500 + ((i * 7_919) % 3_000));
      await kill(worker, 'SIGKILL');
      worker = here.startWorker();
    }
    await here.until(
      here.table('click'),
      'all rows',
      ({ rows, lagRecords }) => rows === count && lagRecords === 0,
      300_000,
    );
    const [row] = await catalog.query(
      `SELECT CAST(count(*) AS STRING) AS n, CAST(count(DISTINCT kafka_partition, kafka_offset) AS STRING) AS d FROM \`${here.name}\`.${here.table('click')}`,
    );
    expect(row).toEqual({ n: String(count), d: String(count) });
    const offsets = await catalog.query(
      `SELECT CAST(min(kafka_offset) AS STRING) AS lo, CAST(max(kafka_offset) AS STRING) AS hi FROM \`${here.name}\`.${here.table('click')} GROUP BY kafka_partition`,
    );
    expect(offsets).toEqual(
      Array.from({ length: PARTITIONS }, () => ({ lo: '0', hi: String(count / PARTITIONS - 1) })),
    );
    await catalog.close();
  });
});

describe('tables that share a topic', () => {
  let here: Installation;
  const at = (table: string): Promise<{ rows: number; distinct: number }> => totals(here, table);

  beforeAll(async () => {
    here = await install('shared');
    await createTopic(here.topic('click'), 2);
    here.startWorker();
  });
  afterAll(() => here.close());

  it('get everything once, also when one comes later, pauses, stops and starts again', async () => {
    const topic = here.topic('click');
    await produce(
      topic,
      2,
      Array.from({ length: 5_000 }, (_, i) => click(i)),
    );
    await here.writeConfig(clickTable(here.table('a'), topic));
    await here.ok('start');
    await here.until(here.table('a'), '5000 rows', ({ rows }) => rows === 5_000);

    await here.writeConfig(clickTable(here.table('a'), topic) + clickTable(here.table('b'), topic));
    await here.ok('start');
    await here.until(here.table('b'), 'what came before it', ({ rows }) => rows === 5_000);

    await here.ok('pause', here.table('b'));
    await here.until(here.table('b'), 'paused', ({ phase }) => phase === 'paused');
    await produce(
      topic,
      2,
      Array.from({ length: 3_000 }, (_, i) => click(5_000 + i)),
    );
    await here.until(here.table('a'), '8000 rows', ({ rows }) => rows === 8_000);
    expect(await at(here.table('b'))).toEqual({ rows: 5_000, distinct: 5_000 });

    await here.ok('stop', here.table('a'));
    await here.ok('resume', here.table('b'));
    await here.until(here.table('b'), '8000 rows', ({ rows }) => rows === 8_000);
    await produce(
      topic,
      2,
      Array.from({ length: 1_000 }, (_, i) => click(8_000 + i)),
    );
    await here.until(here.table('b'), '9000 rows', ({ rows }) => rows === 9_000);
    await here.ok('start', here.table('a'));
    await here.until(here.table('a'), '9000 rows', ({ rows }) => rows === 9_000);

    expect(await at(here.table('a'))).toEqual({ rows: 9_000, distinct: 9_000 });
    expect(await at(here.table('b'))).toEqual({ rows: 9_000, distinct: 9_000 });
  });
});

describe('a topic whose workflow was terminated by hand', () => {
  let here: Installation;

  beforeAll(async () => {
    here = await install('lost');
    await createTopic(here.topic('click'), 2);
    await here.writeConfig(clickTable(here.table('click'), here.topic('click')));
    here.startWorker();
  });
  afterAll(() => here.close());

  it('goes on from what storage holds: history is not the only copy of the positions', async () => {
    const topic = here.topic('click');
    await produce(
      topic,
      2,
      Array.from({ length: 2_000 }, (_, i) => click(i)),
    );
    await here.ok('start');
    await here.until(here.table('click'), '2000 rows', ({ rows }) => rows === 2_000);
    await terminate(`ingest/main/${topic}`);
    await produce(
      topic,
      2,
      Array.from({ length: 1_000 }, (_, i) => click(2_000 + i)),
    );
    expect(await here.ok('start')).toContain('joined its topic again');
    await here.until(
      here.table('click'),
      'the new rows',
      ({ lagRecords, rows }) => lagRecords === 0 && rows === 3_000,
    );
    expect(await totals(here, here.table('click'))).toEqual({ rows: 3_000, distinct: 3_000 });
  });
});

describe('a partition', () => {
  let here: Installation;

  beforeAll(async () => {
    here = await install('complete', {
      ingest: '{ flush: { interval: 1s, max_records: 500 }, parallelism: 1 }',
    });
    await createTopic(here.topic('click'), 2);
    await here.writeConfig(
      clickTable(here.table('click'), here.topic('click'), '    compaction: { min_files: 2 }\n'),
    );
    here.startWorker();
  });
  afterAll(() => here.close());

  it('completes with its rows in fewer files, and a late row makes a revision that readers can see', async () => {
    const topic = here.topic('click');
    await produce(
      topic,
      2,
      Array.from({ length: 3_000 }, (_, i) => click(i, i % 3_600)),
    );
    await here.ok('start');
    const done = await here.until(
      here.table('click'),
      'the hour is complete',
      ({ lastComplete }) => lastComplete === 'dt=2026-03-01/hh=00',
    );
    expect(done.rows).toBe(3_000);
    const revision = async (): Promise<string | undefined> => {
      const { NoneCatalog } = await import('../../warehouse/catalog-none.js');
      const { FileStorage } = await import('../../warehouse/storage-file.js');
      const catalog = new NoneCatalog(new FileStorage(`${here.dir}/data`));
      return (await catalog.partitionParameters(here.table('click'), { dt: '2026-03-01', hh: '00' }))[
        'tributary.revision'
      ];
    };
    expect(await revision()).toBe('1');
    const files = await readRows<{ f: string }>(
      here,
      here.table('click'),
      'count(DISTINCT ingest_batch)::VARCHAR AS f',
    );
    expect(Number(files[0]!.f)).toBeGreaterThan(1);

    await produce(topic, 2, [click(9_999, 5)]);
    await here.until(here.table('click'), 'the late row', ({ rows }) => rows === 3_001);
    expect(await revision()).toBe('2');
    expect(await totals(here, here.table('click'))).toEqual({ rows: 3_001, distinct: 3_001 });
  });
});
