import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mirrorTable } from '../../../changelog/mirror-table.js';
import { cleanUp, land } from '../changelog/landing.js';
import { change, orders } from '../changelog/orders.js';
import { TestEngine, utc } from './engine.js';

describe('keys whose old values the log writes in its own notation', () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await TestEngine.open();
  });
  afterAll(async () => {
    await engine.close();
    await cleanUp();
  });

  // The old image has 00:00 of the log's zone, which in the mirror is another row's key: that row was deleted.
  it('an update that leaves a TIMESTAMP of the key alone deletes no other row', async () => {
    const table = orders({ key: ['id', 'at'], timezone: 'Asia/Shanghai', formatOptions: { zone: 'UTC' } }, [
      ['id', 'bigint'],
      ['at', 'timestamp'],
      ['amt', 'decimal(10,2)'],
    ]);
    table.columns[1]!.sourceType = 'timestamp';
    const types = { mysqlType: { id: 'bigint', at: 'timestamp', amt: 'decimal(10,2)' } };
    const row = (at: string, amt: string) => ({ id: '1', at: `2024-03-01 ${at}`, amt });
    const landed = await land(
      [table],
      [
        change('INSERT', [row('00:00:00', '1.00')], { ...types, _tidb: { commitTs: 1000 } }),
        change('INSERT', [row('08:00:00', '2.00')], { ...types, _tidb: { commitTs: 2000 } }),
        change('UPDATE', [row('08:00:00', '3.00')], {
          ...types,
          ...{ old: [row('08:00:00', '2.00')], _tidb: { commitTs: 3000 } },
        }),
      ].map((value) => ({ value })),
    );
    const files = landed.result.files.filter((file) => file.table === 'orders_changelog');
    for (const [i, file] of files.entries())
      await engine.storage.upload(file.localPath, `in/at-${i}.parquet`);
    const snapshot = await engine.snapshot({
      table: mirrorTable(table),
      boundary: utc('tso', Date.UTC(2030, 0, 1)),
      buckets: 1,
      changes: files.map(({ rows }, i) => ({ path: `in/at-${i}.parquet`, rows })),
    });
    expect(await engine.rows(snapshot, '"at"::VARCHAR AS "at", amt::VARCHAR AS amt', '1')).toEqual([
      { at: '2024-03-01 08:00:00', amt: '1.00' },
      { at: '2024-03-01 16:00:00', amt: '3.00' },
    ]);
  });
});
