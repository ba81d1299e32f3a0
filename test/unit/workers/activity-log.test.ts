import { describe, expect, it } from 'vitest';
import { requestFields, tableOf } from '../../../workers/activity-log.js';

// At three in the morning people grep the log for a table: a line that does not name it is not found.
describe('what a line of the log says about its activity', () => {
  it('names the one table or the few of a request that lists them, and not hundreds', () => {
    expect(requestFields({ pins: { a: 'p1', b: 'p2' } })).toEqual({ table: 'a,b' });
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`t${i}`, {}]));
    expect(requestFields({ tables: many })['table']!.length).toBeLessThan(120);
    expect(requestFields({ pins: ['p1'], topic: 't', split: { id: 's000' } })).toEqual({
      topic: 't',
      split: 's000',
    });
  });

  it('names the table of the workflow where a request has only the path of its plan', () => {
    expect(tableOf('snapshot/orders/dt=2026-03-01')).toEqual({ table: 'orders' });
    expect(tableOf('table/orders')).toEqual({ table: 'orders' });
    expect(tableOf('ingest/main/tidb.shop')).toEqual({});
    expect(tableOf(undefined)).toEqual({});
  });
});
