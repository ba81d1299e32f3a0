import { readdirSync } from 'node:fs';

import { afterAll, describe, expect, it } from 'vitest';

import { fixture, FIXTURE_ROOT } from './fixtures.js';
import { comparable, goldenChanges, goldenTables, landedChanges } from './golden.js';
import { cleanUp, land } from './landing.js';

afterAll(cleanUp);

describe('maxwell: golden cases', () => {
  const names = readdirSync(`${FIXTURE_ROOT}/maxwell`).map((file) => file.replace('.json', ''));
  it.each(names)('%s', async (name) => {
    const golden = fixture('maxwell', name);
    const tables = goldenTables(golden, 'maxwell');
    const landed = await land(tables, golden.records);
    expect(landed.result.quarantineReasons).toEqual({});
    const meant = goldenChanges(golden);
    const changes = await landedChanges(landed, tables);
    expect(changes.length).toBe(meant.length);
    // Without positions the Kafka offset is the order, and the golden cases are in source order: compare one by one.
    changes.forEach((change, i) => {
      const { row, entry } = meant[i]!;
      const { columns } = golden.table.find(({ table }) => table === entry.table)!;
      const skipped = new Set((entry['skip_columns'] ?? []) as string[]);
      for (const { name: column, type } of columns) {
        if (skipped.has(column)) continue;
        const label = `${name} #${i} ${column}`;
        expect([label, comparable(change.row[column.toLowerCase()]!, type)]).toEqual([
          label,
          row[column.toLowerCase()],
        ]);
      }
      expect([change.table, change.op]).toEqual([meant[i]!.table, meant[i]!.op]);
    });
  });
});

describe('records of another dialect', () => {
  // TiCDC's look alike: a topic whose format was taken for the wrong one must not be read to its end without a trace.
  it('are set aside, not taken for records without rows', async () => {
    const tables = goldenTables(fixture('maxwell', 'types_int'), 'maxwell');
    const { records } = fixture('ticdc-canal-json', 'types_int');
    const { result } = await land(tables, records);
    expect(result.withoutRows).toBe(records.filter(({ value }) => value === null).length);
    expect(result.quarantined).toBe(records.filter(({ value }) => value !== null).length);
  });
});
