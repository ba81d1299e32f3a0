import { readdirSync } from 'node:fs';

import { afterAll, describe, expect, it } from 'vitest';

import { fixture, FIXTURE_ROOT } from './fixtures.js';
import { comparable, goldenChanges, goldenTables, landedChanges } from './golden.js';
import { cleanUp, land } from './landing.js';

afterAll(cleanUp);

/** Tested beside other rows that are only a part (changes.test.ts). */
const skip = new Set(['large_row__handle_key_only']);

describe.each(['ticdc-canal-json', 'canal-json'])('%s: golden cases', (format) => {
  const names = readdirSync(`${FIXTURE_ROOT}/${format}`).map((file) => file.replace('.json', ''));
  it.each(names.filter((name) => !skip.has(name)))('%s', async (name) => {
    const golden = fixture(format, name);
    const tables = goldenTables(golden, 'canal-json');
    const landed = await land(tables, golden.records);
    expect(landed.result.quarantineReasons).toEqual({});
    const types = new Map(
      golden.table.map(({ table, columns }) => [
        table,
        new Map(columns.map((c) => [c.name.toLowerCase(), c.type])),
      ]),
    );
    const changes = await landedChanges(landed, tables);
    const meant = goldenChanges(golden);
    const key = (change: { table: string; op: string; row: object; order?: string | null }) =>
      JSON.stringify([change.table, change.op, change.row, change.order ?? null]);
    const seen = changes.map((change) => {
      const source = meant.find((m) => m.table === change.table)!.entry.table!;
      const columns = types.get(source)!;
      const row = Object.fromEntries(
        Object.entries(change.row).map(([c, v]) => [c, comparable(v, columns.get(c)!)]),
      );
      return { ...change, row, order: meant[0]?.order ? change.order : null };
    });
    expect(seen.map(key).sort()).toEqual(meant.map(key).sort());
    const ddl = golden.expected.filter((entry) => entry.op === 'ddl').map((entry) => entry['sql']);
    expect(landed.result.schemaEvents.map((event) => event.sql).sort()).toEqual([...ddl].sort());
  });
});

describe('canal-json: values that TiCDC compressed', () => {
  it('land beside plain ones; bytes that are neither are quarantined once', async () => {
    const golden = fixture('ticdc-canal-json', 'types_text__lz4');
    const { records } = golden;
    const tables = goldenTables(golden, 'canal-json', { rawColumn: 'raw' });
    const bad = { value: Buffer.from([0x04, 0x22, 0x4d, 0x18, 0xff, 0x00]) };
    const landed = await land(tables, [
      ...records,
      bad,
      { value: null },
      ...fixture('ticdc-canal-json', 'types_text').records,
    ]);
    const rows = await landed.rows(`${tables[0]!.spec.name}_changelog`, 'raw');
    expect(rows.length).toBe(2 * goldenChanges(golden).length);
    for (const { raw } of rows) expect(raw).toMatch(/^\{"id":0,/);
    expect(landed.result).toMatchObject({ quarantined: 1, withoutRows: 1 });
    expect(await landed.reasons()).toEqual([`${records.length}: invalid_utf8`]);
  });
});

describe('records of another dialect', () => {
  // Maxwell's look alike: a topic whose format was taken for the wrong one must not be read to its end without a trace.
  it('are set aside, not taken for records without rows', async () => {
    const golden = fixture('ticdc-canal-json', 'types_int');
    const maxwell = fixture('maxwell', 'types_int');
    const tables = goldenTables(golden, 'canal-json');
    const { result } = await land(tables, maxwell.records);
    const told = maxwell.records.filter(({ value }) => value !== null).length;
    expect(result.withoutRows).toBe(maxwell.records.length - told);
    expect(result.quarantined).toBe(told);
  });
});
