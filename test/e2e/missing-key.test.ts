import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TableStatus } from '../../workflows/table-types.js';
import { changeByHand } from './by-hand.js';
import { readRows } from './rows.js';
import { createTopic, install, pause, produce, type Installation } from './support.js';

let here: Installation;

beforeAll(async () => {
  here = await install('missing_key');
});
afterAll(() => here.close());

const mirror = (name: string, topic: string, more = ''): string => `  - name: ${name}
    mode: mirror
    from: { kafka: main, topic: ${topic}, format: canal-json, match: { database: shop, table: orders } }
    snapshot: { every: minute }
    lateness: 1s
${more}`;

const record = (id: string | null, code: string, pkNames: string[] | null): string => {
  const now = Date.now();
  const tso = (BigInt(now) << 18n).toString();
  return JSON.stringify({
    ...{ id: 0, database: 'shop', table: 'orders', pkNames, isDdl: false, type: 'INSERT', es: now, ts: now },
    ...{ sql: '', sqlType: { id: -5, code: 12 }, mysqlType: { id: 'bigint', code: 'varchar(20)' } },
    ...{ old: null, data: [{ id, code }], _tidb: { commitTs: '@' } },
  }).replace('"@"', tso);
};

const statusOf = async (table: string): Promise<TableStatus> =>
  JSON.parse(await here.ok('status', table, '--json')) as TableStatus;

async function until(table: string, fits: (status: TableStatus) => boolean): Promise<TableStatus> {
  const deadline = Date.now() + 240_000;
  let last: TableStatus | undefined;
  while (Date.now() < deadline) {
    last = await statusOf(table).catch(() => undefined);
    if (last && fits(last)) return last;
    await pause(1_000);
  }
  throw new Error(`${table} never got there\n${JSON.stringify(last, null, 1)}\n${here.log().slice(-3_000)}`);
}

/** Rows of the newest snapshot. */
async function newest(table: string): Promise<string[]> {
  const { snapshots } = await statusOf(table);
  const rows = await readRows<Record<string, string>>(
    here,
    `${table}_snapshot`,
    'id::VARCHAR AS id, code, dt, hh, mi ORDER BY code',
  );
  return rows
    .filter(({ dt, hh, mi }) => `dt=${dt!}/hh=${hh!}/mi=${mi!}` === snapshots!.last!.name)
    .map(({ id, code }) => `${id ?? 'null'} ${code!}`);
}

describe('a mirror with a row that has no key', () => {
  // Rows land without a key where the log names none, and did by versions that did not look. What the error advises must be a way out.
  it('says so, and its snapshots go on after what the error advises', async () => {
    const topic = here.topic('shop');
    await createTopic(topic, 1);
    await produce(topic, 1, [record('1', 'a', ['id']), record(null, 'b', null), record(null, 'x', ['id'])]);
    const [corrected, declared] = [here.table('corrected'), here.table('declared')];
    await here.writeConfig(mirror(corrected, topic) + mirror(declared, topic));
    here.startWorker();
    await here.ok('start');
    for (const table of [corrected, declared]) {
      const { snapshots } = await until(table, (s) => s.snapshots?.fault?.code === 'SnapshotKeyNull');
      expect(snapshots!.fault!.message).toContain(`FROM ${table}_changelog WHERE \`id\` IS NULL`);
    }

    const [row] = await readRows(here, `${corrected}_changelog`, `dt, id IS NULL AS x ORDER BY x DESC`);
    const harmless = `UPDATE t SET id = -1, cdc_op = 'd' WHERE id IS NULL`;
    await changeByHand(here, `${corrected}_changelog`, `dt=${row!['dt']!}`, harmless, '000000_0.parquet');
    await here.ok('start', corrected);
    await here.writeConfig(mirror(corrected, topic) + mirror(declared, topic, '    key: [code]\n'));
    await here.ok('start', declared);
    for (const table of [corrected, declared]) await until(table, (s) => Boolean(s.snapshots?.last));
    expect(await newest(corrected)).toEqual(['1 a']);
    expect(await newest(declared)).toEqual(['1 a', 'null b']);
  });
});
