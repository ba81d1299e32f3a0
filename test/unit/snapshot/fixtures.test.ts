import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { emptied, statementOf } from '../../../changelog/emptied.js';
import { mirrorTable } from '../../../changelog/mirror-table.js';
import type { LandingTable } from '../../../changelog/types.js';
import type { FormatName } from '../../../config/spec.js';
import { orderInstant } from '../../../warehouse/snapshot/boundary.js';
import type { Emptying } from '../../../warehouse/snapshot/emptying.js';
import { duckName } from '../../../warehouse/sql.js';
import type { OrderKind, SourceFile } from '../../../warehouse/snapshot/types.js';
import { fixture, FIXTURE_ROOT, type Fixture } from '../changelog/fixtures.js';
import { comparable, goldenTables, hiveName, landedChanges, shown } from '../changelog/golden.js';
import { cleanUp, land, type Landed } from '../changelog/landing.js';
import { TestEngine, utc } from './engine.js';

const casesOf = ([directory, format]: [directory: string, format: FormatName]) =>
  readdirSync(`${FIXTURE_ROOT}/${directory}`)
    .filter((name) => name.endsWith('.json'))
    .map((name) => ({ directory, format, name: name.replace(/\.json$/, '') }));
/** Fixtures that tell what their tables end as, and others that tell of the changes only. */
const ENDING: [string, FormatName][] = [
  ['drainer', 'drainer'],
  ['ticdc-open', 'open-protocol'],
  ['ticdc-canal-json', 'canal-json'],
];
const ends = ENDING.flatMap(casesOf).filter(
  ({ directory, name }) => fixture(directory, name).final_rows !== undefined,
);
const CHANGING: [string, FormatName][] = [
  ['canal-json', 'canal-json'],
  ['maxwell', 'maxwell'],
  ['debezium', 'debezium'],
];
const changes = CHANGING.flatMap(casesOf).filter(({ name }) => /^(key|ddl|multi|txn|snapshot)/.test(name));
const DEBEZIUM_TEXTS = { decimal: 'string', binary: 'hex' };
/** After all that the fixtures tell of. */
const BOUNDARY_MS = Date.UTC(2100, 0, 1);

describe('the mirror that real encoders make of a table', () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await TestEngine.open();
  });
  afterAll(async () => {
    await engine.close();
    await cleanUp();
  });

  // The bytes say what the source's tables were in the end; a mirror that shows anything else is wrong.
  it.each(ends)('$directory/$name', async ({ directory, format, name }) => {
    const golden = fixture(directory, name);
    const order = name.endsWith('__noext') ? 'ms' : 'tso';
    const tables = goldenTables(golden, format);
    const landed = await land(tables, golden.records);
    expect(await landed.reasons()).toEqual([]);
    for (const [source, rows] of Object.entries(golden.final_rows!)) {
      const landing = tables.find(({ spec }) => spec.name === hiveName(source))!;
      const shownRows = (await mirrorRows(landed, landing, order)).map((row) => inNotation(row, landing));
      expect(sorted(shownRows), source).toEqual(sorted(rows.map((row) => wanted(row, golden, source))));
    }
  });

  // Where the bytes do not say, the mirror is what its own changelog leads to, played one change after the other.
  it.each(changes)('$directory/$name', async ({ directory, format, name }) => {
    const golden = fixture(directory, name);
    const formatOptions: Record<string, string> = name.endsWith('__text_modes') ? DEBEZIUM_TEXTS : {};
    const tables = goldenTables(golden, format, { formatOptions });
    const landed = await land(tables, golden.records);
    const all = await landedChanges(landed, tables);
    for (const landing of tables.filter(({ spec }) => spec.key.length > 0)) {
      const emptyings = emptyingsOf(landed, landing, 'offset').map(({ ts }) => BigInt(ts));
      const played = new Map<string, Row>();
      for (const { table, op, row, order } of all) {
        if (table !== landing.spec.name || emptyings.some((ts) => BigInt(order) < ts)) continue;
        const key = JSON.stringify(landing.spec.key.map((column) => row[column]));
        if (op === 'd') played.delete(key);
        else played.set(key, row);
      }
      const rows = await mirrorRows(landed, landing, 'offset');
      expect(sorted(rows), landing.spec.name).toEqual(sorted([...played.values()]));
    }
  });

  async function mirrorRows(landed: Landed, landing: LandingTable, order: OrderKind): Promise<Row[]> {
    const snapshot = await engine.snapshot({
      table: mirrorTable(landing),
      boundary: utc(order, BOUNDARY_MS),
      buckets: 1,
      changes: await changelogFiles(landed, landing),
      emptyings: emptyingsOf(landed, landing, order),
    });
    const columns = landing.columns.map(({ name, type }) => {
      const column = duckName(name);
      return type === 'binary'
        ? `CASE WHEN ${column} IS NOT NULL THEN 'hex:' || lower(hex(${column})) END AS ${column}`
        : `${column}::VARCHAR AS ${column}`;
    });
    return engine.rows<Row>(snapshot, columns.join(', '), '1');
  }

  async function changelogFiles(landed: Landed, landing: LandingTable): Promise<SourceFile[]> {
    const files = landed.result.files.filter(({ table }) => table === `${landing.spec.name}_changelog`);
    return Promise.all(
      files.map(async ({ localPath, rows }, i) => {
        const path = `in/${landing.spec.name}-${i}-${Math.random()}.parquet`;
        await engine.storage.upload(localPath, path);
        return { path, rows };
      }),
    );
  }
});

type Row = Record<string, string | null>;

const sorted = (rows: Row[]): string[] => rows.map((row) => JSON.stringify(row)).sort();

function inNotation(row: Row, landing: LandingTable): Row {
  return Object.fromEntries(
    landing.columns.map(({ name, sourceType }) => [name, comparable(row[name] ?? null, sourceType!)]),
  );
}

function wanted(row: Row, golden: Fixture, source: string): Row {
  const { columns } = golden.table.find(({ table }) => table === source)!;
  return Object.fromEntries(
    columns.map(({ name, type }) => {
      const value = row[name] ?? null;
      return [name.toLowerCase(), shown(labelOf(golden, source, name, value) ?? value, type)];
    }),
  );
}

/** The members that a number of an ENUM or SET stands for, as the fixture's changes name them. */
function labelOf(golden: Fixture, source: string, column: string, value: string | null): string | undefined {
  for (const { table, after, ...entry } of golden.expected) {
    const labels = (entry['labels'] as Record<string, Row> | undefined)?.['after'];
    const label = labels?.[column] ?? undefined;
    if (table === source && after?.[column] === value && label !== undefined) return label;
  }
  return undefined;
}

function emptyingsOf(landed: Landed, { spec }: LandingTable, order: OrderKind): Emptying[] {
  return landed.result.schemaEvents.flatMap((event) => {
    const { cdcTs } = event;
    if (cdcTs === null || emptied(spec, statementOf(event)) === undefined) return [];
    const at = orderInstant(order, BigInt(cdcTs)) ?? 0;
    return [{ ts: cdcTs, instantMs: at, atMs: at }];
  });
}
