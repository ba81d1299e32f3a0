import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { boundariesBetween, partitionClosedBy } from '../../common/zone.js';
import type { HiveCatalog } from '../../warehouse/catalog-hive.js';
import type { BackfillResult } from '../../workflows/backfill-types.js';
import { snapshotSignal, statusQuery } from '../../workflows/messages.js';
import { canalRecord, type OrderChange } from './mirror-log.js';
import { tableAt, type Row } from './mirror-model.js';
import { patientHive } from './patient-hive.js';
import { createTopic, endpoints, install, kill, pause, produce, type Installation } from './support.js';

const ZONE = 'Asia/Shanghai';
const DAY = 86_400_000;
const PARTITIONS = 2;

let here: Installation;
let hive: HiveCatalog;
let connection: Connection;
let table: string;

beforeAll(async () => {
  here = await install('backfill_mirror', { warehouse: 'hive' });
  table = here.table('orders');
  connection = await Connection.connect({ address: endpoints.temporal.address });
  hive = patientHive(here);
});
afterAll(async () => {
  await hive.close();
  await connection.close();
  await here.close();
});

const yaml = (more: string): string => `  - name: ${table}
    mode: mirror
    from: { kafka: main, topic: ${here.topic('shop')}, format: canal-json, match: { database: shop, table: orders } }
    partition: [day]
    lateness: 1s
    columns: [{ name: id, type: bigint }, { name: status, type: string }${more}]
    snapshot: { every: day, engine: duckdb }
`;

/** A snapshot as Hive shows it; without the amounts where the table has no such column yet. */
async function snapshot(dt: string, amounts: boolean): Promise<Row[]> {
  const amount = amounts ? 'CAST(amount AS STRING)' : 'CAST(NULL AS STRING)';
  const rows = (await hive.query(
    `SELECT CAST(id AS STRING) AS id, status, ${amount} AS amount FROM ${table}_snapshot WHERE dt = '${dt}'`,
  )) as unknown as Row[];
  return rows
    .map(({ id, status, amount }) => ({ id, status, amount }))
    .sort((a, b) => Number(a.id) - Number(b.id));
}

const revision = async (dt: string): Promise<number> =>
  Number((await hive.partitionParameters(`${table}_snapshot`, { dt }))['tributary.revision']);

/** The changes as they were landed with amounts from an instant on only. */
const amountsSince = (changes: OrderChange[], ms: number): OrderChange[] =>
  changes.map((change) => (change.ms >= ms ? change : { ...change, row: { ...change.row, amount: null } }));

describe('backfill of a mirror', () => {
  // A column that the business asks for later must be in the snapshots of past days too, and none of them may be wrong on the way.
  it('makes the snapshots from its first day on anew, in order, while rows land and workers die', async () => {
    const startMs = boundariesBetween(Date.now() - 5 * DAY, Date.now(), ZONE, 'day')[0]!;
    const days = boundariesBetween(startMs, Date.now(), ZONE, 'day').map((ms) => ({
      ms,
      dt: partitionClosedBy(ms, ZONE, 'day').dt,
    }));
    const last = days.at(-1)!;
    const changes: OrderChange[] = [];
    const put = (id: number, ms: number, status: string, type: OrderChange['type'] = 'INSERT'): void => {
      const row = { id: `${id}`, status, amount: `${ms % 1_000}.2500` };
      changes.push({ type, ms, row, ...(type === 'UPDATE' && { old: { ...row, status: 'new' } }) });
    };
    for (let id = 1; id <= 300; id++) put(id, startMs + 60_000 + id, 'new');
    for (let id = 1; id <= 300; id += 3) put(id, startMs + DAY + id, 'paid', 'UPDATE');
    for (let id = 2; id <= 300; id += 6) put(id, startMs + DAY + 1_000 + id, 'new', 'DELETE');
    for (let id = 301; id <= 350; id++) put(id, startMs + 2 * DAY + id, 'new');
    await createTopic(here.topic('shop'), PARTITIONS);
    await produce(
      here.topic('shop'),
      PARTITIONS,
      changes.map((change) => canalRecord('shop', 'orders', change)),
    );

    await here.writeConfig(yaml(''));
    const worker = here.startWorker();
    await here.ok('start');
    const published = (dt: string) =>
      here.until(table, `the snapshot of ${dt}`, ({ lastSnapshot }) => lastSnapshot === `dt=${dt}`);
    await published(last.dt);
    const none = amountsSince(changes, Infinity);
    for (const { ms, dt } of days) expect(await snapshot(dt, false), dt).toEqual(tableAt(none, ms));

    await here.writeConfig(yaml(', { name: amount, type: "decimal(20,4)" }'));
    await here.ok('start');
    for (
      let waited = 0;
      !(await hive.describe(`${table}_changelog`))?.some(({ name }) => name === 'amount');
    ) {
      expect((waited += 1)).toBeLessThan(60);
      await pause(1_000);
    }

    // From the second day on: the first one's snapshot has nothing to do with it.
    const second = days[1]!;
    const range = (from: string) => ['--from', from, '--to', new Date(last.ms).toISOString()];
    const reached = async (dt: string, wanted: number): Promise<void> => {
      for (let waited = 0; (await revision(dt)) < wanted; waited += 1) {
        if (waited > 120)
          throw new Error(`${dt} never made anew: ${JSON.stringify(await here.status(table))}`);
        await pause(1_000);
      }
    };
    const partly = JSON.parse(
      await here.ok('backfill', table, ...range(second.dt), '--json'),
    ) as BackfillResult;
    expect(partly.outcome).toBe('done');
    await reached(last.dt, 2);
    const since = amountsSince(changes, days[0]!.ms);
    for (const { ms, dt } of days.slice(1)) {
      expect(await snapshot(dt, true), dt).toEqual(tableAt(since, ms));
      expect(await revision(dt), dt).toBe(2);
    }
    expect(await revision(days[0]!.dt)).toBe(1);

    // The whole of it, on both sides of a dead worker, while a late change of the third day lands.
    await here.ok('backfill', table, ...range(days[0]!.dt), '--id', 'whole', '--detach');
    put(4, startMs + 2 * DAY + 5_000, 'late', 'UPDATE');
    await produce(here.topic('shop'), PARTITIONS, [canalRecord('shop', 'orders', changes.at(-1)!)]);
    await pause(1_500);
    await kill(worker, 'SIGKILL');
    here.startWorker();
    const whole = JSON.parse(
      await here.ok('backfill', table, ...range(days[0]!.dt), '--id', 'whole', '--json'),
    ) as BackfillResult;
    expect(whole.outcome).toBe('done');
    await here.until(table, 'the late change', ({ rows }) => rows === changes.length);
    for (let waited = 0; ; waited += 1) {
      const seen = await snapshot(last.dt, true);
      if (JSON.stringify(seen) === JSON.stringify(tableAt(changes, last.ms))) break;
      if (waited > 120) expect(seen).toEqual(tableAt(changes, last.ms));
      await pause(1_000);
    }
    for (const { ms, dt } of days) expect(await snapshot(dt, true), dt).toEqual(tableAt(changes, ms));
    expect(await revision(days[0]!.dt)).toBe(2);
    expect(await revision(second.dt)).toBe(3);
    expect(await revision(last.dt)).toBeGreaterThanOrEqual(3);

    // A change of an early day that comes while a later one is being made anew: both, and what is between them, must follow.
    const remade = days.map(({ dt }) => revision(dt));
    const before = await Promise.all(remade);
    const handle = new Client({ connection }).workflow.getHandle(`table/${table}`);
    await handle.signal(snapshotSignal, { fromMs: days.at(-3)!.ms });
    while ((await handle.query(statusQuery)).snapshots?.running?.ms !== days.at(-2)!.ms) await pause(20);
    await handle.signal(snapshotSignal, { fromMs: startMs });
    for (const [i, { ms, dt }] of days.entries()) {
      await reached(dt, before[i]! + 1);
      expect(await snapshot(dt, true), dt).toEqual(tableAt(changes, ms));
    }
  });
});
