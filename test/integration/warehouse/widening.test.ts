import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { duckType, writtenSql } from '../../../changelog/fit.js';
import { parseHiveType } from '../../../config/hive-type.js';
import { Duck, HIVE_PARQUET_METADATA, lit } from '../../../warehouse/duckdb.js';
import { widened } from '../../../warehouse/widening.js';
import { dropDatabase, hdfs, hive, removeRoot } from './services.js';

const catalog = hive();
const storage = hdfs();

afterAll(async () => {
  await dropDatabase(catalog);
  await catalog.close();
  await removeRoot();
});

/** Type of the old files, a value, the type that the column grows to, and what Hive must show. */
const GROWTH: [old: string, value: string, wider: string, shown: string][] = [
  ['tinyint', '-7', 'smallint', '-7'],
  ['tinyint', '-7', 'bigint', '-7'],
  ['smallint', '-700', 'int', '-700'],
  ['int', '-2147483648', 'bigint', '-2147483648'],
  ['int', '-70000', 'double', '-70000.0'],
  ['int', '-70000', 'decimal(20,0)', '-70000'],
  ['bigint', '9223372036854775807', 'decimal(20,0)', '9223372036854775807'],
  ['bigint', '-9223372036854775808', 'decimal(21,2)', '-9223372036854775808.00'],
  ['bigint', '9007199254740993', 'string', '9007199254740993'],
  ['float', '1.5', 'double', '1.5'],
  ['double', '0.1', 'string', '0.1'],
  ['varchar(5)', "'中文'", 'varchar(20)', '中文'],
  ['varchar(5)', "'a b '", 'string', 'a b '],
  ['decimal(4,2)', '-12.34', 'decimal(9,2)', '-12.34'],
  ['decimal(4,2)', '-12.34', 'decimal(12,2)', '-12.34'],
  ['decimal(10,2)', '-12.34', 'decimal(18,2)', '-12.34'],
  ['decimal(10,2)', '-12345678.91', 'decimal(38,2)', '-12345678.91'],
  ['decimal(10,2)', '-12.34', 'decimal(12,4)', '-12.3400'],
  ['decimal(10,2)', '-12345678.91', 'decimal(20,10)', '-12345678.9100000000'],
  ['decimal(18,0)', '999999999999999999', 'decimal(28,10)', '999999999999999999.0000000000'],
  ['decimal(20,0)', '18446744073709551615', 'decimal(30,5)', '18446744073709551615.00000'],
  ['decimal(10,2)', '-12.34', 'string', '-12.34'],
];

const DECIMALS = GROWTH.flatMap(([, , wider], i) => (wider.startsWith('decimal') ? [i] : []));

/** Vectorised, Hive shows a decimal with the digits of its file's scale: the value is the same. */
function normal(type: string, value: string | null | undefined): string {
  if (!type.startsWith('decimal') || !value?.includes('.')) return String(value);
  return value.replace(/\.?0+$/, '');
}

describe('Hive 4 reads old files after their columns have grown', () => {
  it('every kind of growth that is followed, vectorised and row by row, and new files beside the old', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'tributary-widening-'));
    const duck = await Duck.open({ threads: 1, memoryLimitMb: 256, tempDirectory: dir });
    const table = (columns: { name: string; type: string }[]) => ({
      name: 'grown',
      columns,
      partitionColumns: ['dt'],
      location: storage.uri('grown'),
    });
    const write = async (dt: string, typeOf: (growth: (typeof GROWTH)[number]) => string) => {
      const columns = GROWTH.map((growth, i) => {
        const type = parseHiveType(typeOf(growth));
        const zone = { zone: undefined as never, timestamps: 'native' as const };
        return `${writtenSql(type, `CAST(${growth[1]} AS ${duckType(type, zone)})`)} AS c${i}`;
      });
      const file = join(dir, `${dt}.parquet`);
      await duck.run(
        `COPY (SELECT ${columns.join(', ')}) TO ${lit(file)} (FORMAT parquet, COMPRESSION zstd, KV_METADATA ${HIVE_PARQUET_METADATA})`,
      );
      await storage.upload(file, `grown/dt=${dt}/a.parquet`);
      await catalog.addPartitions('grown', [{ values: { dt }, location: storage.uri(`grown/dt=${dt}`) }]);
    };
    try {
      await catalog.ensureTable(table(GROWTH.map(([type], i) => ({ name: `c${i}`, type }))));
      await write('2026-01-01', ([old]) => old);
      for (const [old, , wider] of GROWTH) expect(widened(old, wider), `${old} -> ${wider}`).toBe(wider);
      await catalog.ensureTable(table(GROWTH.map(([, , type], i) => ({ name: `c${i}`, type }))));
      await write('2026-01-02', ([, , wider]) => wider);
      for (const vectorised of ['true', 'false']) {
        await catalog.execute(
          `CREATE TABLE shown_${vectorised} STORED AS PARQUET AS SELECT dt, ` +
            `${GROWTH.map((_, i) => `CAST(c${i} AS STRING) AS c${i}`).join(', ')} FROM grown DISTRIBUTE BY dt`,
          {
            settings: {
              'hive.vectorized.execution.enabled': vectorised,
              'hive.fetch.task.conversion': 'none',
            },
          },
        );
        const rows = await catalog.query(`SELECT * FROM shown_${vectorised} ORDER BY dt`);
        const growth = (i: number, value: string | null | undefined) =>
          `${GROWTH[i]![0]} -> ${GROWTH[i]![2]}: ${normal(GROWTH[i]![2], value)}`;
        for (const { dt, ...values } of rows) {
          expect(dt).toMatch(/^2026-01-0[12]$/);
          expect(GROWTH.map((_, i) => growth(i, values[`c${i}`]))).toEqual(
            GROWTH.map(([, , , shown], i) => growth(i, shown)),
          );
        }
        expect(rows.length).toBe(2);
        // Values of old files and of new ones are the same to the engine too, not only to the eye.
        await catalog.execute(
          `CREATE TABLE counted_${vectorised} STORED AS PARQUET AS SELECT ` +
            `${GROWTH.map((_, i) => `CAST(min(c${i}) = max(c${i}) AS STRING) AS c${i}`).join(', ')}, ` +
            `${DECIMALS.map((i) => `CAST(sum(c${i}) / 2 = max(c${i}) AS STRING) AS s${i}`).join(', ')} FROM grown`,
          { settings: { 'hive.vectorized.execution.enabled': vectorised } },
        );
        const [counted] = await catalog.query(`SELECT * FROM counted_${vectorised}`);
        const name = (i: number) => `${GROWTH[i]![0]} -> ${GROWTH[i]![2]}`;
        expect(GROWTH.map((_, i) => `${name(i)}: ${String(counted![`c${i}`])}`)).toEqual(
          GROWTH.map((_, i) => `${name(i)}: TRUE`),
        );
        expect(DECIMALS.map((i) => `${name(i)}: ${String(counted![`s${i}`])}`)).toEqual(
          DECIMALS.map((i) => `${name(i)}: TRUE`),
        );
      }
    } finally {
      duck.close();
      await rm(dir, { recursive: true, force: true });
    }
  });
});
