import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { CHANGE_COLUMNS, RECORD_COLUMNS } from '../../../config/spec.js';
import { cleanUp, land } from '../../unit/changelog/landing.js';
import { change, orders } from '../../unit/changelog/orders.js';
import { dropDatabase, hdfs, hive, removeRoot, ROOT } from '../warehouse/services.js';

const catalog = hive();
const storage = hdfs({ root: `${ROOT}/analysis` });
const page = readFileSync(join(import.meta.dirname, '../../../docs/changelog.md'), 'utf8');
const queries = [...page.matchAll(/```sql\n([\s\S]*?)```/g)].map(([, sql]) => sql!.trim());

const NOON = Date.UTC(2024, 2, 1, 12);

beforeAll(async () => {
  const at = (minute: number) => ({ es: NOON + minute * 60_000, _tidb: { commitTs: 1_000 + minute } });
  const update = (id: string, was: string, status: string, minute: number, paid = '1') =>
    change('UPDATE', [{ id, status, paid }], { ...at(minute), old: [{ status: was }] });
  const records = [
    change('INSERT', [{ id: '1001', status: 'new', paid: '0' }], at(0)),
    update('1001', 'new', 'paid', 2),
    // Told twice, and out of order: the source's order counts.
    update('1001', 'new', 'paid', 2),
    update('1001', 'paid', 'sent', 5),
    // Another column changed.
    change('UPDATE', [{ id: '1001', status: 'paid', paid: '1' }], { ...at(3), old: [{ paid: '0' }] }),
    change('INSERT', [{ id: '1002', status: 'paid', paid: '1' }], at(1)),
  ].map((value) => ({ value }));
  const table = orders({}, [
    ['id', 'bigint'],
    ['status', 'string'],
  ]);
  const landed = await land([table], records);
  const columns = [
    ...table.columns.map(({ name, type }) => ({ name, type })),
    ...RECORD_COLUMNS,
    ...CHANGE_COLUMNS,
  ];
  const name = 'orders_changelog';
  await catalog.ensureTable({ name, columns, partitionColumns: ['dt'], location: storage.uri(name) });
  for (const file of landed.result.files) {
    const directory = `${name}/dt=${file.partition['dt']!}`;
    await storage.upload(file.localPath, `${directory}/${file.finalName}`);
    await catalog.addPartitions(name, [{ values: file.partition, location: storage.uri(directory) }]);
  }
});
afterAll(async () => {
  await cleanUp();
  await dropDatabase(catalog);
  await catalog.close();
  await removeRoot();
});

describe('the queries of docs/changelog.md, on a real Hive', () => {
  it('how an order changed its status today', async () => {
    expect(await catalog.query(queries[0]!)).toEqual([
      { event_time: '2024-03-01 12:00:00', cdc_op: 'i', was: null, status: 'new' },
      { event_time: '2024-03-01 12:02:00', cdc_op: 'u', was: 'new', status: 'paid' },
      { event_time: '2024-03-01 12:05:00', cdc_op: 'u', was: 'paid', status: 'sent' },
    ]);
  });

  it('which orders were paid and are not any more', async () => {
    expect(await catalog.query(queries[1]!)).toEqual([{ id: '1001', status: 'sent' }]);
  });
});
