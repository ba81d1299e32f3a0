import { readdirSync } from 'node:fs';

import { afterAll, describe, expect, it } from 'vitest';

import { fixture, FIXTURE_ROOT } from './fixtures.js';
import { comparable, goldenChanges, goldenTables, landedChanges } from './golden.js';
import { cleanUp, land } from './landing.js';

afterAll(cleanUp);

const OPTIONS: Record<string, Record<string, string>> = {
  text_modes: { decimal: 'string', binary: 'hex' },
};

describe('debezium: golden cases', () => {
  const names = readdirSync(`${FIXTURE_ROOT}/debezium`).map((file) => file.replace('.json', ''));
  it.each(names)('%s', async (name) => {
    const golden = fixture('debezium', name);
    const mode = name.split('__')[1];
    const tables = goldenTables(golden, 'debezium', { formatOptions: OPTIONS[mode ?? ''] ?? {} });
    const landed = await land(tables, golden.records);
    expect(landed.result.quarantineReasons).toEqual({});
    const meant = goldenChanges(golden);
    const changes = await landedChanges(landed, tables);
    expect(changes.map(({ table, op }) => `${table} ${op}`)).toEqual(
      meant.map(({ table, op }) => `${table} ${op}`),
    );
    changes.forEach((change, i) => {
      const { row, entry } = meant[i]!;
      const { columns } = golden.table.find(({ table }) => table === entry.table)!;
      for (const { name: column, type } of columns) {
        const label = `${name} #${i} ${column}`;
        const seen = timeText(comparable(change.row[column.toLowerCase()]!, type), type);
        // A wrapped unsigned number is put right where the source type is known.
        const text = row[column.toLowerCase()] ?? null;
        const wrapped = /^bigint.*unsigned/.test(type) && text !== null && text.startsWith('-');
        const wanted = wrapped ? (BigInt(text) + (1n << 64n)).toString() : text;
        expect([label, seen]).toEqual([label, timeText(wanted, type)]);
      }
    });
  });
});

/** Some modes drop the zeros of a time's fraction. */
function timeText(value: string | null, type: string): string | null {
  return value !== null && /^time\b(?!stamp)/.test(type)
    ? value.replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, '')
    : value;
}
