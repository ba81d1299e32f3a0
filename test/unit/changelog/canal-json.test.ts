import { readdirSync } from 'node:fs';

import { afterAll, describe, expect, it } from 'vitest';

import { fixture, FIXTURE_ROOT } from './fixtures.js';
import { comparable, goldenChanges, goldenTables, landedChanges } from './golden.js';
import { cleanUp, land } from './landing.js';

afterAll(cleanUp);

const skip = new Set(['types_bin__snappy', 'types_text__lz4', 'large_row__handle_key_only']);

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
