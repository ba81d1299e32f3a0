import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadFixture } from '../fixtures/load.js';
import { readRows } from './rows.js';
import { createTopic, install, produceMessages, type Installation } from './support.js';

let here: Installation;

beforeAll(async () => {
  here = await install('changelog');
});
afterAll(() => here.close());

const mirror = (name: string, topic: string, format: string, match: string): string => `  - name: ${name}
    mode: mirror
    from: { kafka: main, topic: ${topic}, format: ${format}, match: ${match} }
    snapshot: false
`;

describe('the bytes of a real encoder, through Kafka and the program, into a changelog', () => {
  it('canal-json of TiCDC: a table without declared columns learns them from the log', async () => {
    const { messages, expected } = loadFixture('ticdc-canal-json', 'multi_table');
    const topic = here.topic('canal');
    const tables = [
      ...new Set(expected.flatMap(({ op, table }) => ('iud'.includes(op) && table !== null ? [table] : []))),
    ];
    await createTopic(topic, 1 + Math.max(...messages.map(({ partition }) => partition)));
    await produceMessages(topic, messages);
    const named = tables.map((table) => ({
      source: table,
      name: here.table(table.replace(/\W/g, '_').toLowerCase()),
    }));
    await here.writeConfig(
      named
        .map(({ source, name }) => {
          const [database, table] = source.split('.');
          return mirror(name, topic, 'canal-json', `{ database: ${database!}, table: ${table!} }`);
        })
        .join(''),
    );
    here.startWorker();
    await here.ok('start');
    for (const { source, name } of named) {
      const changes = expected.filter(({ op, table }) => table === source && 'iud'.includes(op));
      await here.until(name, `${changes.length} changes`, ({ rows }) => rows === changes.length);
      const rows = await readRows<{ op: string; ts: string }>(
        here,
        `${name}_changelog`,
        'cdc_op AS op, cdc_ts::VARCHAR AS ts',
      );
      const wanted = changes.map(({ op, order }) => `${op} ${order!}`).sort();
      expect(rows.map(({ op, ts }) => `${op} ${ts}`).sort()).toEqual(wanted);
    }
  });

  it('Drainer: binlog protobuf with exact 64-bit order', async () => {
    const { messages, expected } = loadFixture('drainer', 'tso_precision');
    const topic = here.topic('drainer');
    const changes = expected.filter(({ op }) => 'iud'.includes(op));
    const [database, table] = changes[0]!.table!.split('.');
    await createTopic(topic, 1 + Math.max(...messages.map(({ partition }) => partition)));
    await produceMessages(topic, messages);
    const name = here.table('drainer');
    await here.writeConfig(mirror(name, topic, 'drainer', `{ database: ${database!}, table: ${table!} }`));
    await here.ok('start');
    await here.until(name, 'all changes', ({ rows }) => rows === changes.length);
    const rows = await readRows<{ ts: string }>(here, `${name}_changelog`, 'cdc_ts::VARCHAR AS ts');
    expect(rows.map(({ ts }) => ts).sort()).toEqual(changes.map(({ order }) => order).sort());
  });

  it('MongoShake: whole documents and partial updates', async () => {
    const { messages, expected } = loadFixture('mongoshake-json-ext', 'update_set_unset');
    const topic = here.topic('shake');
    const changes = expected.filter(({ op }) => 'iud'.includes(op));
    const [database, ...collection] = changes[0]!.table!.split('.');
    await createTopic(topic, 1 + Math.max(...messages.map(({ partition }) => partition)));
    await produceMessages(topic, messages);
    const name = here.table('shake');
    await here.writeConfig(
      mirror(name, topic, 'mongoshake', `{ database: ${database!}, collection: ${collection.join('.')} }`),
    );
    await here.ok('start');
    await here.until(name, 'all changes', ({ rows }) => rows === changes.length);
    const rows = await readRows<{ op: string; doc: string | null; patch: string | null }>(
      here,
      `${name}_changelog`,
      'cdc_op AS op, doc, cdc_patch AS patch',
    );
    expect(rows.filter(({ op }) => op === 'i').every(({ doc }) => doc !== null)).toBe(true);
    expect(rows.filter(({ op }) => op === 'u').some(({ patch }) => patch !== null)).toBe(true);
  });
});
