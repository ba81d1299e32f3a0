import { afterAll, beforeAll, expect, it } from 'vitest';
import { boundariesBetween, partitionClosedBy, partitionPath } from '../../common/zone.js';
import { loadFixture } from '../fixtures/load.js';
import { readRows } from './rows.js';
import { createTopic, install, produceMessages, type Installation } from './support.js';

const ZONE = 'Asia/Shanghai';
const HOUR = 3_600_000;

let here: Installation;

beforeAll(async () => {
  here = await install('documents');
});
afterAll(() => here.close());

// A mirror whose partial updates are lost, or applied twice, shows documents that never existed.
it('partial updates of MongoShake are folded onto the document of the hour before', async () => {
  const { messages, expected } = loadFixture('mongoshake-json-ext', 'update_set_unset');
  const states = expected.map(({ state_after }) => state_after);
  const boundaries = boundariesBetween(Date.now() - 24 * HOUR, Date.now(), ZONE, 'hour').slice(
    -states.length,
  );
  // The same bytes, but an hour between two changes.
  const spread = messages.map((message, i) => {
    const seconds = boundaries[i]! / 1000 - 60;
    const text = message.value!.toString('utf8').replaceAll(/"t":1709251200\b/g, `"t":${seconds}`);
    return { ...message, value: Buffer.from(text) };
  });
  const topic = here.topic('shake');
  const name = here.table('item');
  await createTopic(topic, 1);
  // All of them twice, the second time in reverse.
  await produceMessages(topic, [...spread, ...[...spread].reverse()]);
  await here.writeConfig(`  - name: ${name}
    mode: mirror
    from: { kafka: main, topic: ${topic}, format: mongoshake, match: { database: shop, collection: item } }
    lateness: 1s
    columns: [{ name: c, type: int, path: $.b.c }, { name: deep, type: bigint, path: $.new.deep }]
    snapshot: { every: hour }
`);
  here.startWorker();
  await here.ok('start');
  const named = boundaries.map((ms) => partitionPath(partitionClosedBy(ms, ZONE, 'hour')));
  await here.until(name, 'the last snapshot', ({ lastSnapshot }) => lastSnapshot === named.at(-1), 200_000);
  const rows = await readRows<{ doc: string; c: number | null; deep: string | null; at: string }>(
    here,
    `${name}_snapshot`,
    `doc, c, deep, 'dt=' || dt || '/hh=' || hh AS at`,
  );
  const found = new Map(rows.map((row) => [row.at, row]));
  expect(rows.length).toBe(named.length);
  expect(named.map((at) => JSON.parse(found.get(at)!.doc) as unknown)).toEqual(states);
  expect(named.map((at) => found.get(at)!.c)).toEqual([2, 20, 20, 20, null, null]);
  expect(named.map((at) => found.get(at)!.deep)).toEqual([null, null, null, '1', '1', '1']);
});
