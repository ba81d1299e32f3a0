import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Duck, lit } from '../../../warehouse/duckdb.js';
import { rewriteParquet } from '../../../warehouse/rewrite-parquet.js';

let dir: string;
let duck: Duck;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tributary-rewrite-'));
  duck = await Duck.open({ threads: 1, memoryLimitMb: 512, tempDirectory: join(dir, 'duckdb') });
});
afterAll(async () => {
  duck.close();
  await rm(dir, { recursive: true, force: true });
});

const write = (name: string, select: string): Promise<void> =>
  duck.run(`COPY (${select}) TO ${lit(join(dir, name))} (FORMAT parquet)`);

describe('a rewritten partition', () => {
  it('keeps all rows, with NULL where an older file lacks a column', async () => {
    await write('a.parquet', 'SELECT 1 AS id');
    await write('b.parquet', `SELECT 2 AS id, 'x' AS added`);
    const inputs = ['a.parquet', 'b.parquet'].map((name) => join(dir, name));
    const output = join(dir, 'out.parquet');
    const options = { threads: 1, memoryLimitMb: 512, tempDirectory: join(dir, 'spill'), orderBy: 'id' };
    expect((await rewriteParquet(inputs, output, options)).rows).toBe(2);
    expect(await duck.rows(`SELECT id::VARCHAR AS id, added FROM read_parquet(${lit(output)})`)).toEqual([
      { id: '1', added: null },
      { id: '2', added: 'x' },
    ]);
  });

  it('says that its dates are proleptic, or Hive moves those before 1582 by days once the partition is complete', async () => {
    await write('old.parquet', `SELECT DATE '1000-01-01' AS d`);
    const output = join(dir, 'old-out.parquet');
    const options = { threads: 1, memoryLimitMb: 512, tempDirectory: join(dir, 'spill') };
    await rewriteParquet([join(dir, 'old.parquet')], output, options);
    const metadata = await duck.rows<{ key: string; value: string }>(
      `SELECT decode(key) AS key, decode(value) AS value FROM parquet_kv_metadata(${lit(output)})`,
    );
    expect(metadata).toContainEqual({ key: 'writer.date.proleptic', value: 'true' });
  });
});
