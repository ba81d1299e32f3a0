import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { boundariesBetween, partitionClosedBy } from '../../common/zone.js';
import type { HiveCatalog } from '../../warehouse/catalog-hive.js';
import { canalRecord, type OrderChange } from './mirror-log.js';
import { tableAt, type Row } from './mirror-model.js';
import { patientHive } from './patient-hive.js';
import { createTopic, install, kill, pause, produce, type Installation } from './support.js';

const ZONE = 'Asia/Shanghai';
const DAY = 86_400_000;
const PARTITIONS = 3;

let here: Installation;
let hive: HiveCatalog;

beforeAll(async () => {
  here = await install('snapshots', { warehouse: 'hive' });
  hive = patientHive(here);
});
afterAll(async () => {
  await hive.close();
  await here.close();
});

const table = (name: string, topic: string, snapshot: string): string => `  - name: ${name}
    mode: mirror
    from: { kafka: main, topic: ${topic}, format: canal-json, match: { database: shop, table: orders } }
    partition: [day]
    lateness: 1s
    snapshot: ${snapshot}
`;

/** A history of four days, the third of them idle, the table truncated on the fourth; times are instants since its first midnight. */
function history(startMs: number): OrderChange[] {
  const row = (id: number, status: string | null, amount = `${id}.5000`): Row => ({
    id: `${id}`,
    status,
    amount,
  });
  const changes: OrderChange[] = [];
  for (let id = 1; id <= 300; id++) {
    changes.push({ type: 'INSERT', ms: startMs + id * 60_000, row: row(id, 'new') });
  }
  for (let id = 1; id <= 300; id += 3) {
    changes.push({
      type: 'UPDATE',
      ms: startMs + DAY + id * 1000,
      row: row(id, 'paid'),
      old: row(id, 'new'),
    });
  }
  for (let id = 2; id <= 300; id += 6) {
    changes.push({ type: 'DELETE', ms: startMs + DAY + id * 2000, row: row(id, 'new') });
  }
  // A key that changes leaves no row behind under the old one.
  changes.push({
    type: 'UPDATE',
    ms: startMs + DAY + 999_000,
    row: row(9_001, 'moved'),
    old: row(300, 'new'),
  });
  // No log tells of the rows that this removes.
  changes.push({ type: 'TRUNCATE', ms: startMs + 3 * DAY + 1_000, row: row(0, null) });
  changes.push({
    type: 'UPDATE',
    ms: startMs + 3 * DAY + 5_000,
    row: row(3, null, '1234567890123456.7891'),
    old: row(3, 'new'),
  });
  changes.push({ type: 'INSERT', ms: startMs + 3 * DAY + 6_000, row: row(2, 'again') });
  return changes;
}

async function inHive(name: string, dt: string): Promise<Row[]> {
  const rows = await hive.query(
    `SELECT CAST(id AS STRING) AS id, status, CAST(amount AS STRING) AS amount FROM ${name}_snapshot WHERE dt = '${dt}' ORDER BY id`,
  );
  return (rows as unknown as Row[])
    .map(({ id, status, amount }) => ({ id, status, amount }))
    .sort((a, b) => Number(a.id) - Number(b.id));
}

const revisionOf = async (name: string, dt: string): Promise<string | undefined> =>
  (await hive.partitionParameters(`${name}_snapshot`, { dt }))['tributary.revision'];

describe('snapshots of a mirror', () => {
  // What the business reads every morning: each table as it was at midnight, by either engine, whoever died on the way.
  it('show the table at every midnight, in order, with killed workers, and again after a late change', async () => {
    const topic = here.topic('shop');
    const names = { duckdb: here.table('orders'), hive: here.table('orders_h') };
    const startMs = boundariesBetween(Date.now() - 6 * DAY, Date.now(), ZONE, 'day')[0]!;
    const changes = history(startMs);
    const boundaries = boundariesBetween(startMs, Date.now(), ZONE, 'day');
    const days = boundaries.map((ms) => ({ ms, dt: partitionClosedBy(ms, ZONE, 'day').dt }));
    await createTopic(topic, PARTITIONS);
    const records = changes.map((change) => canalRecord('shop', 'orders', change));
    // Neither the order in the log nor a repetition may matter.
    await produce(topic, PARTITIONS, [...records].reverse().concat(records.slice(0, 50)));
    await here.writeConfig(
      table(names.duckdb, topic, '{ every: day, engine: duckdb }') +
        table(names.hive, topic, '{ every: day, engine: hive }'),
    );
    let worker = here.startWorker();
    await here.ok('start');
    for (let i = 0; i < 3; i++) {
      await pause(6_000);
      await kill(worker, 'SIGKILL');
      worker = here.startWorker();
    }
    const last = days.at(-1)!;
    for (const name of Object.values(names)) {
      await here.until(
        name,
        `the snapshot of ${last.dt}`,
        ({ lastSnapshot }) => lastSnapshot === `dt=${last.dt}`,
        400_000,
      );
      for (const { ms, dt } of days)
        expect(await inHive(name, dt), `${name} ${dt}`).toEqual(tableAt(changes, ms));
      expect(await revisionOf(name, last.dt)).toBe('1');
    }

    const late: OrderChange = {
      type: 'UPDATE',
      ms: startMs + 2 * DAY + 1_000,
      row: { id: '4', status: 'late', amount: '0.0001' },
      old: { id: '4', status: 'paid', amount: '4.5000' },
    };
    await produce(topic, PARTITIONS, [canalRecord('shop', 'orders', late)]);
    const name = names.duckdb;
    for (let waited = 0; (await revisionOf(name, last.dt)) !== '2'; waited += 1_000) {
      if (waited > 120_000) throw new Error(`never made anew: ${JSON.stringify(await here.status(name))}`);
      await pause(1_000);
    }
    for (const { ms, dt } of days) {
      expect(await inHive(name, dt), `${name} ${dt}`).toEqual(tableAt([...changes, late], ms));
      expect(await revisionOf(name, dt)).toBe(ms > late.ms ? '2' : '1');
    }
  });
});
