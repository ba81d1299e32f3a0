import { afterAll, describe, expect, it } from 'vitest';

import type { LandingTable } from '../../changelog/types.js';
import { cleanUp, land } from '../unit/changelog/landing.js';
import { change, orders } from '../unit/changelog/orders.js';

afterAll(cleanUp);

/** A mirror that took its columns from its source, as one with a bootstrap does. */
const learnt = (type: string): LandingTable =>
  orders({ columns: [] }, [
    ['id', 'bigint'],
    ['amt', type],
  ]);

const record = (amt: string, mysqlType: string) => ({
  value: change('INSERT', [{ id: '1', amt }], { mysqlType: { id: 'bigint', amt: mysqlType } }),
});

// A price of the source's decimal(10,2) became text in Hive with the first batch of the log.
describe('TiCDC tells a decimal without its precision', () => {
  it.each([
    ['decimal', 'decimal(10,2)', '1.50'],
    ['decimal unsigned', 'decimal(10,2)', '1.50'],
    ['numeric', 'decimal(10,2)', '1.50'],
    ['bit', 'bigint', '5'],
  ])('a column keeps the type that the source has told, where the log says %s', async (told, type, value) => {
    for (const key of [['id'], []]) {
      const table = learnt(type);
      table.spec.key = key;
      const landed = await land([table], [record(value, told)]);
      expect(landed.result.retyped).toEqual({});
      expect(landed.result.quarantined).toBe(0);
    }
  });

  it('a column that has been an integer becomes what holds every decimal', async () => {
    const landed = await land([learnt('int')], [record('7', 'decimal')]);
    expect(landed.result.retyped).toEqual({ orders: { amt: 'string' } });
  });

  it('a value that the column does not hold makes it text: nothing tells how wide it is now', async () => {
    const landed = await land([learnt('decimal(10,2)')], [record('1.505', 'decimal')]);
    expect(landed.result.retyped).toEqual({ orders: { amt: 'string' } });
  });

  it('a precision that the log tells is followed', async () => {
    const landed = await land([learnt('decimal(10,2)')], [record('1.50', 'decimal(12,4)')]);
    expect(landed.result.retyped).toEqual({ orders: { amt: 'decimal(12,4)' } });
  });
});
