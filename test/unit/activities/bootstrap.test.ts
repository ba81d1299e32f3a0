import { describe, expect, it } from 'vitest';
import { hiveColumns } from '../../../activities/learn-columns.js';
import { keyOf } from '../../../activities/start-bootstrap.js';
import type { LandingTable } from '../../../changelog/types.js';
import { resolveTables } from '../../../config/resolve.js';
import { BASE, load } from '../config/helpers.js';

const spec = (more: string, match = '{ database: shop, table: orders }') =>
  resolveTables(
    load(
      `${BASE}tables:
  - name: orders
    mode: mirror
    from: { topic: t, format: canal-json, match: ${match} }
    bootstrap: { kind: tidb, url: '\${U}' }
    snapshot: { every: day }
${more}`,
      { env: { U: 'mysql://root@h:1/' } },
    ),
  )[0]!.spec;

describe('a mirror that learns its columns from its source', () => {
  it('takes the names and types that it would learn from the log, and the config’s other names', () => {
    const columns = hiveColumns(spec('    rename: { dt: day_of }\n'), [
      { name: 'OrderId', type: 'bigint(20) unsigned' },
      { name: 'dt', type: 'date' },
    ]);
    expect(columns).toEqual([
      { name: 'orderid', type: 'decimal(20,0)', path: 'OrderId' },
      { name: 'day_of', type: 'date', path: 'dt' },
    ]);
  });

  it('stops at a name that Tributary needs itself, with the line that mends it', () => {
    const clash = () => hiveColumns(spec(''), [{ name: 'cdc_ts', type: 'bigint' }]);
    expect(clash).toThrow(/rename: \{ cdc_ts: cdc_ts_source \}/);
  });
});

describe('the key of a bootstrap', () => {
  const landing = (over: LandingTable['spec']): LandingTable => ({
    spec: over,
    columns: [{ name: 'order_id', type: 'bigint', path: 'OrderId' }],
  });

  it('is the config’s, else the source’s by its names in Hive', () => {
    expect(keyOf({ landing: landing(spec('')), sourceKey: ['orderid'] })).toEqual(['order_id']);
    expect(keyOf({ landing: landing(spec('    key: [a]\n')), sourceKey: ['OrderId'] })).toEqual(['a']);
  });

  it('has the shard in it where shards have a column: an id is unique inside its shard only', () => {
    const shards = spec('', '{ database: shop, table: /orders_\\d/, shard_column: shard }');
    expect(keyOf({ landing: landing(shards), sourceKey: ['OrderId'] })).toEqual(['shard', 'order_id']);
    expect(keyOf({ landing: landing(shards), sourceKey: [] })).toEqual([]);
  });
});
