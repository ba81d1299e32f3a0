import { cp, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { VerifyResult } from '../../workflows/verify-types.js';
import { click, clickTable, createTopic, install, produce, type Installation } from './support.js';

describe('verify of a log', () => {
  let here: Installation;
  let table: string;
  const count = 3_000;
  const bad = 7;

  beforeAll(async () => {
    here = await install('verify');
    const topic = here.topic('click');
    table = here.table('click');
    await createTopic(topic, 2);
    const good = Array.from({ length: count }, (_, i) => click(i));
    await produce(topic, 2, [...good, ...Array.from({ length: bad }, (_, i) => `not json ${i}`)]);
    await here.writeConfig(clickTable(table, topic));
    here.startWorker();
    await here.ok('start');
    await here.until(table, 'all rows', ({ rows, quarantined, lagRecords }) => {
      return rows === count && quarantined === bad && lagRecords === 0;
    });
  });
  afterAll(() => here.close());

  /** Files of the table, below the data directory. */
  const files = async (): Promise<string[]> =>
    (await readdir(join(here.dir, 'data', table), { recursive: true }))
      .filter((name) => name.endsWith('.parquet'))
      .map((name) => join(here.dir, 'data', table, name));

  const verify = async (): Promise<{ code: number; result: VerifyResult }> => {
    const { code, stdout } = await here.cli('verify', table, '--json');
    return { code, result: JSON.parse(stdout) as VerifyResult };
  };

  it('finds a table that has every record once the same as its log: a false alarm at night is worse than none', async () => {
    const { code, result } = await verify();
    expect(code).toBe(0);
    expect(result).toMatchObject({
      outcome: 'equal',
      log: {
        ...{ records: count + bad, landed: count, quarantined: bad, without: 0 },
        faults: { missing: 0, twice: 0, fewer: 0, stray: 0 },
      },
    });
    const again = await here.cli('verify', table, '--id', result.id);
    expect(again.code).toBe(0);
    expect(again.stdout).toContain('equal');
  });

  it('finds rows that someone removed, and rows that are there twice, by their offsets', async () => {
    const [file] = await files();
    const away = join(here.dir, 'away.parquet');
    await rename(file!, away);
    const lost = await verify();
    expect(lost.code).toBe(1);
    expect(lost.result.outcome).toBe('different');
    expect(lost.result.log!.faults.missing).toBeGreaterThan(0);
    expect(lost.result.log!.landed + lost.result.log!.faults.missing).toBe(count);
    const told = await here.cli('verify', table, '--id', lost.result.id);
    expect(told.stdout).toContain('neither a row nor quarantined');

    await rename(away, file!);
    await cp(file!, file!.replace('.parquet', '-copy.parquet'));
    const doubled = await verify();
    expect(doubled.code).toBe(1);
    expect(doubled.result.log!.faults).toMatchObject({ missing: 0, twice: lost.result.log!.faults.missing });
  });
});
