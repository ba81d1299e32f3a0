import { afterAll, describe, expect, it } from 'vitest';

import { decide, shapeChanges } from '../../../changelog/schema-change.js';
import type { LandingTable } from '../../../changelog/types.js';
import { cleanUp, land } from './landing.js';
import { change, orders } from './orders.js';

afterAll(cleanUp);

/** A table whose columns came from its log. */
const learnt = (columns: [string, string][], over: object = {}): LandingTable =>
  orders({ columns: [], ...over }, columns);

const typed = (row: Record<string, string | null>, mysqlType: Record<string, string>) => ({
  value: change('INSERT', [row], { mysqlType }),
});

describe('what a split tells of changed columns', () => {
  const table = learnt([
    ['id', 'bigint'],
    ['n', 'int'],
  ]);

  it('a wider type is seen from the log before the first value needs it', async () => {
    const landed = await land([table], [typed({ id: '1', n: '7' }, { id: 'bigint', n: 'bigint' })]);
    expect(landed.result.retyped).toEqual({ orders: { n: 'bigint' } });
  });

  it('a narrower type is not: the column stays wide', async () => {
    const landed = await land([table], [typed({ id: '1', n: '7' }, { id: 'int', n: 'smallint' })]);
    expect(landed.result.retyped).toEqual({});
  });

  it('a declared column grows when a value needs it, and not before', async () => {
    const declared = orders({}, [
      ['id', 'bigint'],
      ['n', 'int'],
    ]);
    const types = { id: 'bigint', n: 'bigint' };
    expect((await land([declared], [typed({ id: '1', n: '7' }, types)])).result.retyped).toEqual({});
    const landed = await land([declared], [typed({ id: '1', n: '3000000000' }, types)]);
    expect(landed.result.retyped).toEqual({ orders: { n: 'bigint' } });
  });

  it('a declared number that the log has as text keeps its type: what does not fit is quarantined', async () => {
    const declared = orders({}, [
      ['id', 'bigint'],
      ['n', 'int'],
    ]);
    const landed = await land([declared], [typed({ id: '1', n: 'x' }, { id: 'bigint', n: 'varchar(9)' })]);
    expect(landed.result.retyped).toEqual({});
    expect(await landed.reasons()).toEqual(['0: value_does_not_fit']);
  });

  it('a type that was guessed from the first values is given up for text', async () => {
    const maxwell = learnt(
      [
        ['id', 'bigint'],
        ['n', 'bigint'],
      ],
      { format: 'maxwell' },
    );
    const value =
      '{"database":"shop","table":"orders","type":"insert","ts":1709251200,"data":{"id":1,"n":1.5}}';
    expect((await land([maxwell], [{ value }])).result.retyped).toEqual({ orders: { n: 'string' } });
  });

  it('the DDL of the log becomes rows of the schema log, with their place in Kafka', async () => {
    const ddl = change('ALTER', [], { isDdl: true, sql: "alter table orders add `a'b` int" });
    const landed = await land([table], [{ value: ddl }], { schemaLog: 'all' });
    expect(await landed.rows('topic_tidb_shop_schema')).toMatchObject([
      {
        ts: '448069946',
        source_database: 'shop',
        source_table: 'orders',
        ddl_kind: 'ALTER',
        ddl_text: "alter table orders add `a'b` int",
        table_name: 'orders',
        kafka_partition: 0,
        kafka_offset: '0',
      },
    ]);
    // A table that catches up alone reads the same records: the topic has told them once already.
    expect((await land([table], [{ value: ddl }])).result.files).toEqual([]);
  });

  // A mirror that joins a topic reads what the topic read before it, or began after: a TRUNCATE in there is nowhere else.
  it('a table that reads alone logs what empties it, and nothing of other tables', async () => {
    const ddl = (type: string, sql: string, table = 'orders') =>
      change(type, [], { isDdl: true, data: null, sql, table });
    const records = [
      ddl('TRUNCATE', 'TRUNCATE TABLE orders'),
      ddl('ALTER', 'ALTER TABLE orders ADD COLUMN c int'),
      ddl('ERASE', 'DROP TABLE other', 'other'),
    ].map((value) => ({ value }));
    const landed = await land([table], records, { schemaLog: 'own' });
    expect(await landed.rows('topic_tidb_shop_schema', 'ddl_text')).toEqual([
      { ddl_text: 'TRUNCATE TABLE orders' },
    ]);
    const log = { ...table, spec: { ...table.spec, mode: 'append' as const } };
    expect((await land([log], records, { schemaLog: 'own' })).result.files).toEqual([]);
  });

  it('decimals go to the file as wide as Hive needs them to grow later', async () => {
    const landed = await land([orders()], [{ value: change('INSERT', [{ id: '1', amt: '1.25' }]) }]);
    const [row] = await landed.rows('orders_changelog', 'typeof(amt) AS type, amt::VARCHAR AS amt');
    expect(row).toEqual({ type: 'DECIMAL(19,2)', amt: '1.25' });
  });
});

describe('what becomes of the table', () => {
  const table = (policy: string, over: object = {}): LandingTable => ({
    ...learnt(
      [
        ['id', 'bigint'],
        ['n', 'int'],
      ],
      { schemaChange: policy },
    ),
    ...over,
  });
  const seen = { added: { Fresh: 'string' }, retyped: { n: 'bigint' } };
  const columns = (decision: ReturnType<typeof decide>) =>
    'next' in decision ? decision.next.columns.map(({ name, type }) => `${name} ${type}`) : decision.refused;

  it('evolve adds and widens', () => {
    expect(columns(decide(table('evolve'), seen))).toEqual(['id bigint', 'n bigint', 'fresh string']);
  });

  it('ignore widens and leaves new columns out', () => {
    expect(columns(decide(table('ignore'), seen))).toEqual(['id bigint', 'n bigint']);
  });

  it('ignore and fail learn their first columns, when the config declares none', () => {
    for (const policy of ['ignore', 'fail']) {
      const empty = learnt([], { schemaChange: policy });
      expect(columns(decide(empty, { added: { id: 'bigint' }, retyped: {} }))).toEqual(['id bigint']);
    }
  });

  it('fail takes what the log has when the table starts, and refuses every change after that', () => {
    const shape = { id: 'bigint', n: 'int' };
    const started = decide(table('fail'), { added: {}, retyped: {}, shape });
    expect(started).toMatchObject({ next: { logShape: shape } });
    const running = table('fail', { logShape: shape });
    const narrowed = decide(running, { added: {}, retyped: {}, shape: { id: 'bigint', n: 'smallint' } });
    expect(narrowed).toMatchObject({ refused: expect.stringMatching(/n was int and is smallint/) as string });
    const dropped = decide(running, { added: {}, retyped: {}, shape: { id: 'bigint' } });
    expect(dropped).toMatchObject({ refused: expect.stringMatching(/column n is gone/) as string });
    const grown = decide(running, { ...seen, shape: { ...shape, Fresh: 'string' } });
    expect(grown).toMatchObject({
      refused: expect.stringMatching(/column Fresh \(string\) is new/) as string,
    });
  });

  it('a type that Hive would misread is refused under every policy', () => {
    const dated = learnt([['d', 'date']]);
    expect(decide(dated, { added: {}, retyped: { d: 'string' } })).toMatchObject({
      refused: expect.stringMatching(/Column d of table orders is date.*string/) as string,
    });
  });

  it('a renamed column is one that is gone and one that is new', () => {
    expect(shapeChanges({ a: 'int' }, { b: 'int' })).toEqual(['column a is gone', 'column b (int) is new']);
  });

  it('a log that does not say types is compared by names', () => {
    expect(shapeChanges({ a: 'int' }, { a: '' })).toEqual([]);
  });
});
