import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HiveCatalog } from '../../warehouse/catalog-hive.js';
import { createTopic, endpoints, install, produceMessages, type Installation } from './support.js';

/** One shared topic of TiCDC; its tables change under the program's eyes, and each follows its own policy. */

let here: Installation;
let hive: HiveCatalog;
let topic: string;

beforeAll(async () => {
  here = await install('schema', { warehouse: 'hive' });
  hive = new HiveCatalog({ ...endpoints.hive, auth: 'nosasl', user: 'hive', database: here.name });
  topic = here.topic('shop');
  await createTopic(topic, 1);
});
afterAll(async () => {
  await here.close();
  await hive.execute(`DROP DATABASE IF EXISTS \`${here.name}\` CASCADE`);
  await hive.close();
});

type Row = Record<string, [type: string, value: string | null]>;
let commitTs = 448069946676871168n;

const DAY = Date.UTC(2026, 2, 1);
const envelope = (table: string, day: number, more: object): string =>
  JSON.stringify({
    id: 0,
    database: 'shop',
    table,
    es: DAY + day * 86_400_000,
    ts: DAY,
    isDdl: false,
    ...more,
  })
    // A TSO is beyond what a number of JavaScript holds.
    .replace(/}$/, `,"_tidb":{"commitTs":${String(commitTs++)}}}`);

const insert = (table: string, row: Row, day = 0): string => {
  const each = <T>(of: (field: [string, string | null]) => T) =>
    Object.fromEntries(Object.entries(row).map(([name, field]) => [name, of(field)]));
  return envelope(table, day, {
    ...{ type: 'INSERT', pkNames: ['id'], sql: '', old: null },
    ...{ sqlType: each(() => 12), mysqlType: each(([type]) => type), data: [each(([, value]) => value)] },
  });
};
const ddl = (table: string, sql: string): string =>
  envelope(table, 0, { type: 'ALTER', isDdl: true, sql, data: null, old: null });

const send = (...values: string[]): Promise<void> =>
  produceMessages(
    topic,
    values.map((value) => ({ partition: 0, key: null, value: Buffer.from(value) })),
  );

const before = (id: number): Row => ({
  id: ['bigint', String(id)],
  n: ['int', '2147483647'],
  amt: ['decimal(10,2)', '12345678.91'],
  was: ['int', '7'],
  old_name: ['varchar(10)', '旧'],
});
const after = (id: number): Row => ({
  id: ['int', String(id)],
  n: ['bigint', '9007199254740993'],
  amt: ['decimal(14,4)', '1234567890.1234'],
  new_name: ['varchar(10)', '新'],
  fresh: ['varchar(20)', ''],
});
const ALTERS = [
  'alter table T modify n bigint, modify amt decimal(14,4)',
  'alter table T modify id int',
  'alter table T drop column was',
  "alter table T rename column old_name to new_name, add column fresh varchar(20) default 'it''s'",
];

const mirror = (table: string, policy: string): string => `  - name: ${here.table(table)}
    mode: mirror
    from: { kafka: main, topic: ${topic}, format: canal-json, match: { database: shop, table: ${table} } }
    key: [id]
    schema_change: ${policy}
    snapshot: false
`;
const changelog = (table: string): string => `${here.table(table)}_changelog`;
const columnsOf = async (table: string): Promise<string[]> =>
  ((await hive.describe(changelog(table))) ?? [])
    .filter(({ name }) => !/^(cdc_|kafka_|ingest_|event_time)/.test(name))
    .map(({ name, type }) => `${name} ${type}`)
    .sort();
/** Rows by `id`. A decimal of an old file has the digits of that file's scale in vectorised queries: zeros behind the point are left out. */
const select = async (table: string, columns: string[]): Promise<Record<string, string | null>[]> => {
  const rows = await hive.query(
    `SELECT ${columns.map((name) => `CAST(${name} AS STRING) AS ${name}`).join(', ')} FROM ${changelog(table)} ORDER BY CAST(id AS INT)`,
  );
  return rows.map((row) => ('amt' in row ? { ...row, amt: row['amt']?.replace(/\.?0+$/, '') ?? null } : row));
};
const rows = (table: string, n: number) =>
  here.until(here.table(table), `${n} rows`, ({ rows: landed }) => landed === n, 180_000);

describe('a source that changes its tables', () => {
  it('each table follows its policy; old files and new ones are right side by side', async () => {
    const tables = { evolves: 'evolve', ignores: 'ignore', fails: 'fail' };
    const config = Object.entries(tables).map(([table, policy]) => mirror(table, policy));
    await here.writeConfig(config.join(''));
    for (const table of Object.keys(tables)) await send(insert(table, before(1)));
    here.startWorker();
    await here.ok('start');
    for (const table of Object.keys(tables)) await rows(table, 1);
    const learnt = ['amt decimal(10,2)', 'id bigint', 'n int', 'old_name string', 'was int'];
    expect(await columnsOf('evolves')).toEqual(learnt);

    for (const table of Object.keys(tables)) {
      await send(...ALTERS.map((sql) => ddl(table, sql.replace('T', table))), insert(table, after(2)));
      await send(insert(table, after(3), 1));
    }
    await rows('evolves', 3);
    await rows('ignores', 3);
    const grown = ['amt decimal(14,4)', 'id bigint', 'n bigint', 'old_name string', 'was int'];
    expect(await columnsOf('evolves')).toEqual(['fresh string', 'new_name string', ...grown].sort());
    expect(await columnsOf('ignores')).toEqual(grown);
    const old = { id: '1', n: '2147483647', amt: '12345678.91', was: '7', old_name: '旧' };
    const young = (id: string) => ({
      ...{ id, n: '9007199254740993', amt: '1234567890.1234', was: null, old_name: null },
    });
    const added = (row: object, name: string | null, fresh: string | null) => ({
      ...row,
      new_name: name,
      fresh,
    });
    expect(await select('evolves', ['id', 'n', 'amt', 'was', 'old_name', 'new_name', 'fresh'])).toEqual([
      added(old, null, null),
      added(young('2'), '新', ''),
      added(young('3'), '新', ''),
    ]);
    expect(await select('ignores', ['id', 'n', 'amt', 'was', 'old_name'])).toEqual([
      old,
      young('2'),
      young('3'),
    ]);

    const held = await here.until(here.table('fails'), 'waits', ({ fault }) => fault !== null);
    expect(held.fault).toMatchObject({ code: 'SchemaChanged' });
    expect(held.fault!.message).toMatch(/column was is gone/);
    expect(held.fault!.message).toMatch(/n was int and is bigint/);
    expect(held.rows).toBe(1);
    await here.ok('start', here.table('fails'));
    await rows('fails', 3);
    expect(await select('fails', ['id', 'n', 'new_name'])).toEqual([
      { id: '1', n: '2147483647', new_name: null },
      { id: '2', n: '9007199254740993', new_name: '新' },
      { id: '3', n: '9007199254740993', new_name: '新' },
    ]);

    // Every statement once, although the table that waited has read some of them again.
    const log = await hive.query(
      `SELECT source_database AS db, source_table AS tbl, ddl_kind, ddl_text, CAST(ts AS STRING) AS ts, CAST(kafka_offset AS STRING) AS o, table_name ` +
        `FROM topic_${topic.toLowerCase().replace(/[^a-z0-9_]+/g, '_')}_schema ORDER BY CAST(kafka_offset AS INT)`,
    );
    expect(log.map((row) => row['ddl_text'])).toEqual(
      Object.keys(tables).flatMap((table) => ALTERS.map((sql) => sql.replace('T', table))),
    );
    expect(log[0]).toMatchObject({
      db: 'shop',
      tbl: 'evolves',
      ddl_kind: 'ALTER',
      o: '3',
      table_name: here.table('evolves'),
    });
  });

  it('a table whose Hive table refuses waits alone, and catches up when it is mended', async () => {
    await here.writeConfig(mirror('broken', 'evolve') + mirror('sound', 'evolve'));
    await send(insert('broken', before(1)), insert('sound', before(1)));
    await here.ok('start');
    await rows('broken', 1);
    await rows('sound', 1);
    // Someone puts a view in the place of the table.
    await hive.execute(`DROP TABLE ${changelog('broken')}`);
    await hive.execute(`CREATE VIEW ${changelog('broken')} AS SELECT 1 AS id`);
    await send(insert('broken', before(2), 2), insert('sound', before(2), 2));
    await rows('sound', 2);
    const held = await here.until(here.table('broken'), 'waits', ({ fault }) => fault !== null);
    expect(held.fault!.code).toMatch(/^Catalog/);
    await send(insert('broken', before(3), 3), insert('sound', before(3), 3));
    await rows('sound', 3);
    await hive.execute(`DROP VIEW ${changelog('broken')}`);
    await here.ok('start', here.table('broken'));
    await rows('broken', 3);
    const landed = await select('broken', ['id', 'amt']);
    // The partition of the first row went with the table that was dropped.
    expect(landed).toEqual([2, 3].map((id) => ({ id: String(id), amt: '12345678.91' })));
    const seen = await here.status(here.table('broken'));
    expect(seen.fault).toBeNull();
  });
});
