import { afterAll, expect, it } from 'vitest';
import { cleanUp, land, landingTable } from '../unit/changelog/landing.js';

afterAll(cleanUp);

// One line that was cut off on its way stopped the topic of all its tables, because a look for schemas read it before its check.
it('a broken line among Debezium records goes to the quarantine, and the others land', async () => {
  const table = landingTable([['id', 'bigint', 'id']], { mode: 'mirror', format: 'debezium', key: ['id'] });
  const good = {
    op: 'c',
    ts_ms: 1709251200000,
    source: { db: 'shop', table: 'a' },
    before: null,
    after: { id: 1 },
  };
  const { result } = await land(
    [table],
    [{ value: '{"database": "shop", ' }, { value: '{"schema":{' }, { value: JSON.stringify(good) }],
  );
  expect(result.quarantineReasons).toEqual({ stat_click_quarantine: { invalid_json: 2 } });
  expect(result.files.find((file) => file.table === 'stat_click_changelog')?.rows).toBe(1);
});
