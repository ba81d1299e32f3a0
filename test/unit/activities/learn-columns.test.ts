import { describe, expect, it } from 'vitest';

import { hiveColumns, learntColumns } from '../../../activities/learn-columns.js';
import type { TableSpec } from '../../../config/spec.js';
import { tableSpec } from '../changelog/landing.js';

/** Nothing answers there. */
const AWAY = 'mysql://root@127.0.0.1:1/';

const mirror = (overrides: Partial<TableSpec> = {}): TableSpec =>
  tableSpec({
    ...{ name: 'orders', mode: 'mirror', format: 'canal-json' },
    bootstrap: { kind: 'tidb', urlRef: 'tables.orders', table: 'shop.orders' } as TableSpec['bootstrap'],
    ...overrides,
  });

async function learn(spec: TableSpec, existing?: { name: string; type: string }[]) {
  const asked: string[] = [];
  const secret = (name: string) => {
    asked.push(name);
    return AWAY;
  };
  const outcome = await learntColumns({ secret }, spec, existing, AbortSignal.timeout(20_000)).catch(
    (error: unknown) => error,
  );
  return { outcome, asked };
}

describe('where the first columns of a table come from', () => {
  // The log may tell less of a column than its source does, and what lands by it stays.
  it('a mirror with a bootstrap asks its source before anything lands, and waits for one that is away', async () => {
    const { outcome, asked } = await learn(mirror());
    expect(asked).toHaveLength(1);
    expect(outcome).toMatchObject({ code: 'SourceUnavailable', retryable: true });
  });

  // A table that lands must go on landing while its source is down.
  it('a table that is in Hive never asks it again', async () => {
    const { outcome, asked } = await learn(mirror(), [{ name: 'id', type: 'bigint' }]);
    expect(outcome).toBeUndefined();
    expect(asked).toEqual([]);
  });

  it('declared columns need no source, nor do mirrors without one and documents', async () => {
    const columns = [{ name: 'id', type: 'bigint', path: 'id' }];
    const { bootstrap, ...none } = mirror();
    const documents = { ...bootstrap, kind: 'mongo' } as unknown as TableSpec['bootstrap'];
    for (const spec of [mirror({ columns }), none, mirror({ bootstrap: documents })]) {
      expect(await learn(spec as TableSpec)).toEqual({ outcome: undefined, asked: [] });
    }
  });

  it('they have the types of the source, with their sizes', () => {
    const source = [
      { name: 'Id', type: 'bigint(20)' },
      { name: 'price', type: 'decimal(10,2)' },
    ];
    expect(hiveColumns(mirror(), source)).toEqual([
      { name: 'id', type: 'bigint', path: 'Id' },
      { name: 'price', type: 'decimal(10,2)', path: 'price' },
    ]);
  });
});
