import { afterAll, describe, expect, it } from 'vitest';

import type { FormatName } from '../../../config/spec.js';
import { fixture } from './fixtures.js';
import { goldenTables } from './golden.js';
import { cleanUp, land } from './landing.js';
import { change, orders } from './orders.js';

afterAll(cleanUp);

/* TIMESTAMP columns travel on the clock of the producer's process; `from.zone` says which. */

describe.each([
  ['drainer', 'drainer'],
  ['ticdc-canal-json', 'canal-json'],
  ['ticdc-open', 'open-protocol'],
] as [string, FormatName][])('%s in Shanghai', (directory, format) => {
  it.each(['UTC', 'America/New_York'])(
    'TIMESTAMP is the wall clock of a table in %s, DATETIME is as written',
    async (timezone) => {
      const golden = fixture(directory, 'types_time_shanghai');
      const tables = goldenTables(golden, format, { timezone, formatOptions: { zone: 'Asia/Shanghai' } });
      // What the log itself tells must be enough.
      for (const column of tables[0]!.columns) delete column.sourceType;
      const landed = await land(tables, golden.records);
      expect(landed.result.quarantineReasons).toEqual({});
      const rows = await landed.rows(
        `${tables[0]!.spec.name}_changelog`,
        `cdc_op AS op, dt::VARCHAR AS dt, epoch_ms(timezone('${timezone}', ts)) AS ts, epoch_ms(timezone('${timezone}', ts3)) AS ts3`,
      );
      const meant = golden.expected
        .filter((entry) => entry['instant_utc'] !== undefined)
        .map(({ after, instant_utc }) => {
          const instants = instant_utc as Record<string, string>;
          const ms = (name: string) => String(Date.parse(instants[name]!.replace(/ .*/, '')));
          return { dt: String(after!['dt']), ts: ms('ts'), ts3: ms('ts3') };
        });
      const text = (list: object[]) => list.map((row) => JSON.stringify(row)).sort();
      const written = rows.filter(({ op }) => op !== 'd').map(({ dt, ts, ts3 }) => ({ dt, ts, ts3 }));
      expect(meant.length).toBeGreaterThan(0);
      expect(text(written)).toEqual(text(meant));
    },
  );
});

describe('canal-json with a zone', () => {
  const table = (over: object = {}) =>
    orders({ timezone: 'Asia/Shanghai', formatOptions: { zone: 'UTC' }, ...over }, [
      ['id', 'bigint'],
      ['t', 'timestamp'],
    ]);
  const at = (t: string | null, type: string) =>
    change('INSERT', [{ id: '1', t }], { mysqlType: { id: 'bigint', t: type } });

  it('zero dates, NULL and DATETIME do not move; what is no time is quarantined', async () => {
    const landed = await land(
      [table()],
      [
        { value: at('2024-02-29 16:00:00.5', 'timestamp(1)') },
        { value: at('2024-02-29 16:00:00.5', 'datetime(1)') },
        { value: at('0000-00-00 00:00:00', 'timestamp') },
        { value: at(null, 'timestamp') },
        { value: at('soon', 'timestamp') },
      ],
    );
    expect((await landed.rows('orders_changelog', 't')).map(({ t }) => t)).toEqual([
      '2024-03-01 00:00:00.5',
      '2024-02-29 16:00:00.5',
      null,
      null,
    ]);
    expect(await landed.reasons()).toEqual(['4: value_does_not_fit']);
  });

  it('as text for Hive 3, and by the known source type where the log tells none', async () => {
    const text = await land(
      [table({ timestamps: 'string' })],
      [{ value: at('2024-02-29 16:00:00', 'timestamp') }],
    );
    expect(await text.rows('orders_changelog', 't')).toEqual([{ t: '2024-03-01 00:00:00' }]);
    const maxwell = table({ format: 'maxwell' });
    maxwell.columns[1]!.sourceType = 'timestamp';
    const value =
      '{"database":"shop","table":"orders","type":"insert","ts":1,"data":{"id":1,"t":"2024-02-29 16:00:00"}}';
    const known = await land([maxwell], [{ value }]);
    expect(await known.rows('orders_changelog', 't')).toEqual([{ t: '2024-03-01 00:00:00' }]);
  });
});
