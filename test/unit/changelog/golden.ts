import { sourceTypeToHive } from '../../../changelog/types-map.js';
import type { LandingTable } from '../../../changelog/types.js';
import type { FormatName, TableSpec } from '../../../config/spec.js';
import type { Fixture, FixtureExpectation } from './fixtures.js';
import { landingTable, type Landed } from './landing.js';

/** A change as tests compare it: values as text in one notation. */
export interface GoldenChange {
  table: string;
  op: string;
  row: Record<string, string | null>;
}

/** Hive table name for a source table. */
export function hiveName(source: string): string {
  return source.toLowerCase().replace(/[^a-z0-9]+/g, '_');
}

/** Mirror tables for every source table of a golden case, typed as docs/types.md says. */
export function goldenTables(
  golden: Fixture,
  format: FormatName,
  overrides: Partial<TableSpec> = {},
): LandingTable[] {
  return golden.table.map(({ table, columns, key }) => {
    const [database, ...rest] = table.split('.');
    const landing = landingTable(
      columns.map(({ name, type }) => [name.toLowerCase(), sourceTypeToHive(type), name]),
      {
        name: hiveName(table),
        mode: 'mirror',
        format,
        key: key.map((name) => name.toLowerCase()),
        match: { database: escapePattern(database!), table: escapePattern(rest.join('.')) },
        eventTime: { format: 'auto', zone: 'UTC', kafka: false },
        ...overrides,
      },
    );
    landing.columns.forEach((column, i) => {
      column.sourceType = columns[i]!.type;
    });
    return landing;
  });
}

function escapePattern(name: string): string {
  return name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** Landed changes of the tables, in the order a merge would take them: by (cdc_ts, cdc_seq), then Kafka position. */
export async function landedChanges(
  landed: Landed,
  tables: LandingTable[],
): Promise<(GoldenChange & { order: string })[]> {
  const all: (GoldenChange & { order: string; seq: string })[] = [];
  for (const { spec, columns } of tables) {
    const list = columns.map(({ name, type }) => {
      const column = `"${name.replaceAll('"', '""')}"`;
      return `${type === 'binary' ? `'hex:' || lower(hex(${column}))` : `${column}::VARCHAR`} AS ${column}`;
    });
    const rows = await landed.rows(
      `${spec.name}_changelog`,
      `cdc_op, cdc_ts::VARCHAR AS cdc_ts, cdc_seq::VARCHAR AS cdc_seq, kafka_partition, kafka_offset, {${columns.map(({ name }, i) => `'${name.replaceAll("'", "''")}': ${list[i]!.replace(/ AS "(?:[^"]|"")*"$/, '')}`).join(', ')}} AS r`,
    );
    for (const row of rows) {
      all.push({
        table: spec.name,
        op: row['cdc_op'] as string,
        order: row['cdc_ts'] as string,
        seq: row['cdc_seq'] as string,
        row: row['r'] as Record<string, string | null>,
      });
    }
  }
  const compare = (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0);
  all.sort((a, b) => compare(BigInt(a.order), BigInt(b.order)) || compare(BigInt(a.seq), BigInt(b.seq)));
  return all.map(({ seq: _seq, ...change }) => change);
}

/** What the golden case says the changes are, with values as the typed columns show them. */
export function goldenChanges(
  golden: Fixture,
): (GoldenChange & { order: string | null; entry: FixtureExpectation })[] {
  return golden.expected
    .filter((entry) => ['i', 'u', 'd', 'r'].includes(entry.op))
    .flatMap((entry) => {
      const source = golden.table.find(({ table }) => table === entry.table)!;
      const named = (entry['labels'] ?? {}) as Record<string, Record<string, string> | undefined>;
      const image = (op: string, values: Record<string, unknown>, labels = named['after'] ?? {}) => ({
        table: hiveName(entry.table!),
        op,
        row: Object.fromEntries(
          source.columns.map(({ name, type }) => [
            name.toLowerCase(),
            shown((labels[name] ?? values[name] ?? null) as string | null, type),
          ]),
        ),
        order: entry.order ?? null,
        entry,
      });
      const { before, after, op } = entry;
      if (
        op === 'u' &&
        before &&
        source.key.some((name) => name in before && before[name] !== after![name])
      ) {
        return [image('d', { ...after, ...before }), image('i', after!)];
      }
      if (op === 'd') return [image('d', before!, named['before'])];
      return [image(op === 'r' ? 'i' : op, after!)];
    });
}

/** The text that DuckDB shows for a value of the Hive type that the source type becomes. */
export function shown(value: string | null, sourceType: string): string | null {
  if (value === null) return null;
  const hive = sourceTypeToHive(sourceType);
  if (hive === 'date' || hive === 'timestamp') {
    if (/^0000-|^\d{4}-00-|^\d{4}-\d\d-00/.test(value)) return null;
    return value.replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, '');
  }
  if (hive === 'float') return String(Math.fround(Number(value)));
  if (hive === 'double') return String(Number(value));
  const decimal = /^decimal\(\d+,(\d+)\)$/.exec(hive);
  if (decimal) return fixedScale(value, Number(decimal[1]));
  if (hive === 'string' && /^decimal/.test(sourceType)) return trimZeros(value);
  if (hive === 'int' || hive === 'bigint' || hive === 'smallint' || hive === 'tinyint')
    return String(BigInt(value));
  return value;
}

/** Brings a landed text to the notation of `shown`. */
export function comparable(value: string | null, sourceType: string): string | null {
  if (value === null) return null;
  const hive = sourceTypeToHive(sourceType);
  if (hive === 'float') return String(Math.fround(Number(value)));
  if (hive === 'double') return String(Number(value));
  if (hive === 'string' && /^decimal/.test(sourceType)) return trimZeros(value);
  return value;
}

function trimZeros(text: string): string {
  const value = /e/i.test(text) ? Number(text).toFixed(40) : text;
  return value.includes('.') ? value.replace(/0+$/, '').replace(/\.$/, '') : value;
}

function fixedScale(value: string, scale: number): string {
  const [whole, fraction = ''] = value.split('.');
  return scale === 0 ? whole! : `${whole!}.${fraction.padEnd(scale, '0').slice(0, scale)}`;
}
