import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadFixture } from '../fixtures/load.js';
import { readRows } from './rows.js';
import { createTopic, install, produceMessages, type Installation } from './support.js';

let here: Installation;

beforeAll(async () => {
  here = await install('documents');
});
afterAll(() => here.close());

// A mirror whose partial updates are lost, or applied twice, shows documents that never existed.
it('partial updates of MongoShake are folded onto the document that an earlier snapshot stored', async () => {
  const { messages, expected } = loadFixture('mongoshake-json-ext', 'update_set_unset');
  const changes = expected.filter(({ op }) => 'iud'.includes(op)) as unknown as { state_after: unknown }[];
  const half = 3;
  const topic = here.topic('shake');
  const name = here.table('item');
  await createTopic(topic, 1);
  await here.writeConfig(`  - name: ${name}
    mode: mirror
    from: { kafka: main, topic: ${topic}, format: mongoshake, match: { database: shop, collection: item } }
    lateness: 1s
    columns: [{ name: c, type: int, path: $.b.c }, { name: deep, type: bigint, path: $.new.deep }]
    snapshot: { every: minute, keep: 3, late: next }
`);
  here.startWorker();
  const nextSnapshot = async (
    rows: number,
  ): Promise<{ doc: string; c: string | null; deep: string | null }> => {
    await here.until(name, `${rows} changes`, (seen) => seen.rows === rows);
    // One of a boundary before this instant may have fixed its inputs before the changes landed.
    const landedMs = Date.now();
    await here.until(
      name,
      'the next snapshot',
      ({ lastSnapshotMs }) => (lastSnapshotMs ?? 0) > landedMs,
      200_000,
    );
    const found = await readRows<{ doc: string; c: string | null; deep: string | null; at: string }>(
      here,
      `${name}_snapshot`,
      `doc, c, deep, dt || hh || mi AS at`,
    );
    return found.sort((a, b) => (a.at < b.at ? 1 : -1))[0]!;
  };

  await produceMessages(topic, messages.slice(0, half));
  await here.ok('start');
  const first = await nextSnapshot(half);
  expect(JSON.parse(first.doc)).toEqual(changes[half - 1]!.state_after);
  expect(first).toMatchObject({ c: 20, deep: null });
  // The rest finds the document in the snapshot, and the first half comes a second time.
  await produceMessages(topic, messages);
  const second = await nextSnapshot(half + messages.length);
  expect(JSON.parse(second.doc)).toEqual(changes.at(-1)!.state_after);
  expect(second).toMatchObject({ c: null, deep: '1' });
});
