import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { emptied } from '../../../changelog/emptied.js';
import { mirrorTable } from '../../../changelog/mirror-table.js';
import type { LandingTable } from '../../../changelog/types.js';
import type { FormatName } from '../../../config/spec.js';
import { orderInstant } from '../../../warehouse/snapshot/boundary.js';
import type { Emptying } from '../../../warehouse/snapshot/emptying.js';
import { duckName } from '../../../warehouse/sql.js';
import type { SourceFile } from '../../../warehouse/snapshot/types.js';
import { fixture, FIXTURE_ROOT, type Fixture } from '../changelog/fixtures.js';
import { comparable, goldenTables, hiveName, shown } from '../changelog/golden.js';
import { cleanUp, land, type Landed } from '../changelog/landing.js';
import { TestEngine, utc } from './engine.js';

/** Fixtures that tell what their tables end as, with the order key that their records have. */
const FORMATS: [directory: string, format: FormatName][] = [
  ['drainer', 'drainer'],
  ['ticdc-open', 'open-protocol'],
  ['ticdc-canal-json', 'canal-json'],
];
const cases = FORMATS.flatMap(([directory, format]) =>
  readdirSync(`${FIXTURE_ROOT}/${directory}`)
    .filter((name) => name.endsWith('.json'))
    .map((name) => name.replace(/\.json$/, ''))
    .filter((name) => fixture(directory, name).final_rows !== undefined)
    .map((name) => ({ directory, format, name })),
);
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
  it.each(cases)('$directory/$name', async ({ directory, format, name }) => {
    const golden = fixture(directory, name);
    const order = name.endsWith('__noext') ? 'ms' : 'tso';
    const tables = goldenTables(golden, format);
    const landed = await land(tables, golden.records);
    expect(await landed.reasons()).toEqual([]);
    const final: Record<string, unknown> = {};
    for (const landing of tables) {
      const snapshot = await engine.snapshot({
        table: mirrorTable(landing),
        boundary: utc(order, BOUNDARY_MS),
        buckets: 2,
        changes: await changelogFiles(landed, landing),
        emptyings: emptyingsOf(landed, landing, order),
      });
      const columns = landing.columns.map(({ name, type }) => {
        const column = duckName(name);
        return type === 'binary'
          ? `CASE WHEN ${column} IS NOT NULL THEN 'hex:' || lower(hex(${column})) END AS ${column}`
          : `${column}::VARCHAR AS ${column}`;
      });
      final[landing.spec.name] = sorted(
        (await engine.rows<Row>(snapshot, columns.join(', '), '1')).map((row) => inNotation(row, landing)),
      );
    }
    for (const [source, rows] of Object.entries(golden.final_rows!)) {
      expect(final[hiveName(source)], source).toEqual(sorted(rows.map((row) => wanted(row, golden, source))));
    }
  });

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

function emptyingsOf(landed: Landed, { spec }: LandingTable, order: 'tso' | 'ms'): Emptying[] {
  return landed.result.schemaEvents.flatMap(({ kind, sql, cdcTs, sourceDatabase, sourceTable }) => {
    const statement = { kind, sql, database: sourceDatabase ?? null, table: sourceTable ?? null };
    if (cdcTs === null || emptied(spec, statement) === undefined) return [];
    const at = orderInstant(order, BigInt(cdcTs))!;
    return [{ ts: cdcTs, instantMs: at, atMs: at }];
  });
}
