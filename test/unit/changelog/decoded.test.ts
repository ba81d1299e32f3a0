import { readdirSync } from 'node:fs';

import { afterAll, describe, expect, it } from 'vitest';

import type { FormatName } from '../../../config/spec.js';
import { fixture, FIXTURE_ROOT } from './fixtures.js';
import { comparable, goldenChanges, goldenTables, landedChanges } from './golden.js';
import { cleanUp, land, landingTable } from './landing.js';

afterAll(cleanUp);

/** Cases that are about the decoder's own options, tested beside it. */
const skip = new Set(['large_row__handle_key_only', 'generated_columns']);

describe.each([
  ['drainer', 'drainer'],
  ['ticdc-open', 'open-protocol'],
] as [string, FormatName][])('%s: decoded changes land like textual ones', (directory, format) => {
  const names = readdirSync(`${FIXTURE_ROOT}/${directory}`).map((file) => file.replace('.json', ''));
  it.each(names.filter((name) => !skip.has(name)))('%s', async (name) => {
    const golden = fixture(directory, name);
    const tables = goldenTables(golden, format);
    const landed = await land(tables, golden.records);
    expect(landed.result.quarantineReasons).toEqual({});
    // Without old values open-protocol cannot tell an update from an insert.
    const meant = goldenChanges(golden).map((change) =>
      name.endsWith('no_old_value') && change.op === 'u' ? { ...change, op: 'i' } : change,
    );
    const key = (change: { table: string; op: string; row: object; order: string | null }) =>
      JSON.stringify([change.table, change.op, change.row, change.order]);
    const seen = (await landedChanges(landed, tables)).map((change) => {
      const { columns } = golden.table.find(({ table }) =>
        meant.some((m) => m.table === change.table && m.entry.table === table),
      )!;
      const types = new Map(columns.map((c) => [c.name.toLowerCase(), c.type]));
      return {
        ...change,
        row: Object.fromEntries(
          Object.entries(change.row).map(([c, v]) => [c, comparable(v, types.get(c)!)]),
        ),
      };
    });
    expect(seen.map(key).sort()).toEqual(meant.map(key).sort());
  });
});

describe('decoded changes', () => {
  it('a record that cannot be decoded is quarantined with the decoder own words and its bytes', async () => {
    const golden = fixture('drainer', 'null_vs_empty');
    const tables = goldenTables(golden, 'drainer');
    const landed = await land(tables, [
      { value: Buffer.from([0x08, 0x00, 0x10]), key: 'k' },
      ...golden.records,
    ]);
    const [bad] = await landed.rows(`${tables[0]!.spec.name}_quarantine`);
    expect(bad).toMatchObject({
      reason: 'record_undecodable',
      record_value: '\\x08\\x00\\x10',
      record_key: 'k',
    });
    expect(bad!['detail']).toContain('offset 0');
    expect(landed.result).toMatchObject({ quarantined: 1, records: golden.records.length + 1 });
  });

  it('MongoDB: doc_id, doc and declared paths; a partial update has its patch and no invented values', async () => {
    const golden = fixture(
      'mongoshake-json-ext',
      readdirSync(`${FIXTURE_ROOT}/mongoshake-json-ext`)[0]!.replace('.json', ''),
    );
    const [database, collection] = golden.table[0]!.table.split('.');
    const table = landingTable(
      [
        ['doc_id', 'string', 'doc_id'],
        ['doc', 'string', 'doc'],
        ['id_text', 'string', '$._id'],
      ],
      {
        name: 'items',
        mode: 'mirror',
        format: 'mongoshake',
        match: { database: database!, table: collection! },
        key: ['doc_id'],
        eventTime: { format: 'auto', zone: 'UTC', kafka: false },
      },
    );
    const landed = await land([table], golden.records);
    expect(landed.result.quarantineReasons).toEqual({});
    const rows = await landed.rows('items_changelog');
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) {
      expect(row['doc_id']).not.toBeNull();
      expect((row['doc'] !== null || row['cdc_op'] === 'd') !== (row['cdc_patch'] !== null)).toBe(true);
      if (row['doc'] !== null) expect(row['id_text']).toBe(row['doc_id']);
    }
  });
});
