import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';

import type { LandingTable } from '../../../changelog/types.js';
import { cleanUp, land, landingTable, type Landed, type TestRecord } from './landing.js';

afterAll(cleanUp);

const MYSQL_TYPES = { id: 'bigint', name: 'varchar(20)', n: 'int', data: 'varbinary(8)' };
const SQL_TYPES = { id: -5, name: 12, n: 4, data: 2004 };

type Row = Record<string, string | null>;
interface Change {
  kind: 'INSERT' | 'UPDATE' | 'DELETE';
  id: number;
  name: string | null;
  n: string | null;
}

let clock = 0;

function message(type: string, rows: Row[], old: Row[] | null, more: object = {}): string {
  clock += 1;
  return JSON.stringify({
    ...{ id: 0, database: 'shop', table: 'orders', pkNames: ['id'], isDdl: false, type },
    ...{
      es: 1709251200000 + clock,
      ts: 1709251200100 + clock,
      sql: '',
      sqlType: SQL_TYPES,
      mysqlType: MYSQL_TYPES,
    },
    ...{ old, data: rows, _tidb: { commitTs: 448000000000000000 + clock * 1000 } },
    ...more,
  });
}

const row = ({ id, name, n }: Change): Row => ({ id: String(id), name, n, data: '\u00ff\u0000a' });

function plain(change: Change): string {
  const old = change.kind === 'UPDATE' ? [{ ...row(change), name: 'before' }] : null;
  return message(change.kind, [row(change)], old);
}

/** Records that the direct reading must leave to the other one. */
const others: Record<string, (change: Change) => string> = {
  'another key': (change) =>
    message('UPDATE', [row(change)], [{ ...row(change), id: String(change.id + 1000) }]),
  watermark: () =>
    JSON.stringify({
      id: 0,
      type: 'TIDB_WATERMARK',
      _tidb: { watermarkTs: 448000000000000000 + clock * 1000 },
    }),
  ddl: () => message('ALTER', [], null, { isDdl: true, sql: 'ALTER TABLE orders ADD COLUMN c int' }),
  'another table': (change) => message('INSERT', [row(change)], null, { table: 'users' }),
  'several rows': (change) => message('INSERT', [row(change), { ...row(change), id: '77' }], null),
  'a new column': (change) =>
    message('INSERT', [{ ...row(change), c: '5' }], null, {
      sqlType: { ...SQL_TYPES, c: 4 },
      mysqlType: { ...MYSQL_TYPES, c: 'int' },
    }),
  'another type': (change) =>
    message('INSERT', [{ ...row(change), data: 'x' }], null, {
      mysqlType: { ...MYSQL_TYPES, data: 'varbinary(16)' },
    }),
  'a value that does not fit': (change) => plain({ ...change, n: 'many' }),
  'no key': (change) => message('INSERT', [{ ...row(change), id: null }], null),
  'key columns only': (change) =>
    message('UPDATE', [row(change)], null, { _tidb: { commitTs: 448000000000000000, onlyHandleKey: true } }),
  'a value with the text that is looked for': (change) =>
    plain({ ...change, name: `"sqlType":${JSON.stringify(SQL_TYPES)}` }),
  'no rows': () => message('INSERT', [], null),
  'no change': () => message('QUERY', [], null),
  'an array': () => '[1]',
  'broken JSON': () => '{"id":0,"database":"shop"',
};

function orders(rawColumn?: string): LandingTable {
  const table = landingTable(
    [
      ['id', 'bigint', 'id'],
      ['name', 'string', 'name'],
      ['n', 'int', 'n'],
      ['data', 'binary', 'data'],
    ],
    {
      ...{ name: 'orders', mode: 'mirror', format: 'canal-json', key: ['id'], rawColumn },
      match: { database: 'shop', table: 'orders' },
      eventTime: { format: 'auto', zone: 'UTC', kafka: false },
    },
  );
  table.columns.forEach((column) => {
    column.sourceType = MYSQL_TYPES[column.name as keyof typeof MYSQL_TYPES];
  });
  return table;
}

/** A table that has no records, but makes the topic one of several tables: those are always routed. */
function nobody(rawColumn?: string): LandingTable {
  const table = orders(rawColumn);
  return { ...table, spec: { ...table.spec, name: 'nobody', match: { database: 'shop', table: 'nobody' } } };
}

async function outcome(landed: Landed): Promise<object> {
  // Which quarantine a record goes to depends on how many tables the topic has.
  const { files: _files, quarantineReasons: _owners, ...told } = landed.result;
  const rows = await landed.rows(
    'orders_changelog',
    '* EXCLUDE (data, ingest_batch), hex(data) AS data, cdc_before',
  );
  const quarantined = (await landed.quarantined()).map(({ kafka_offset, reason, record_value }) =>
    JSON.stringify([kafka_offset, reason, record_value]),
  );
  return { told, rows: rows.map((found) => JSON.stringify(found)).sort(), quarantined: quarantined.sort() };
}

const change = fc.record<Change>({
  kind: fc.constantFrom('INSERT', 'UPDATE', 'DELETE'),
  id: fc.integer({ min: 1, max: 900 }),
  name: fc.constantFrom(null, '', 'a', '课程', `it's "quoted" \\ and \u0001`),
  n: fc.constantFrom(null, '0', '-7', '2147483647'),
});

describe('changes of a single table', () => {
  it('land as they do when they are routed, whatever lies between the plain ones', async () => {
    const other = fc.tuple(fc.constantFrom(...Object.keys(others)), change);
    await fc.assert(
      fc.asyncProperty(
        fc.array(change, { minLength: 12, maxLength: 24 }),
        fc.array(fc.tuple(fc.nat(24), other), { maxLength: 6 }),
        // Without it, the columns' types are cut out of the spooled records.
        fc.constantFrom(undefined, 'raw'),
        async (changes, between, raw) => {
          const records = changes.map((each): TestRecord => ({ value: plain(each) }));
          for (const [at, [name, each]] of between) records.splice(at, 0, { value: others[name]!(each) });
          const direct = await land([orders(raw)], records);
          const routed = await land([orders(raw), nobody(raw)], records);
          expect(await outcome(direct)).toEqual(await outcome(routed));
        },
      ),
      { numRuns: 50 },
    );
  }, 120_000);

  it('are read once, and only the others a second time', async () => {
    const changes = Array.from({ length: 50 }, (_, i): Change => ({
      kind: 'INSERT',
      id: i,
      name: 'a',
      n: '1',
    }));
    const all = await land(
      [orders()],
      changes.map((each) => ({ value: plain(each) })),
    );
    expect(all.result.files.map(({ rows }) => rows)).toEqual([50]);
    const workDir = dirname(dirname(dirname(all.result.files[0]!.localPath)));
    expect(existsSync(join(workDir, 'routed'))).toBe(false);

    for (const [name, record] of Object.entries(others).filter(([key]) => !key.includes('JSON'))) {
      const records = changes.map((each) => ({ value: plain(each) }));
      records.splice(20, 0, { value: record(changes[0]!) });
      const landed = await land([orders()], records);
      const largest = Math.max(...landed.result.files.map(({ rows }) => rows));
      expect(largest, name).toBe(name.includes('looked for') ? 51 : 50);
    }
  });
});
