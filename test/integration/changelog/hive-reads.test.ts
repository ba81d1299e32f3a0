import { afterAll, describe, expect, it } from 'vitest';

import { QUARANTINE_COLUMNS } from '../../../changelog/quarantine.js';
import type { LandingTable } from '../../../changelog/types.js';
import { CHANGE_COLUMNS, RECORD_COLUMNS } from '../../../config/spec.js';
import { cleanUp, land, landingTable, type Landed, type TestRecord } from '../../unit/changelog/landing.js';
import { fixture } from '../../unit/changelog/fixtures.js';
import { goldenTables } from '../../unit/changelog/golden.js';
import { dropDatabase, hdfs, hive, removeRoot, ROOT } from '../warehouse/services.js';

const catalog = hive();
const storage = hdfs({ root: `${ROOT}/landing` });

afterAll(async () => {
  await cleanUp();
  await dropDatabase(catalog);
  await catalog.close();
  await removeRoot();
});

/** Puts the landed files of a Hive table where Hive sees them. */
async function publish(
  landed: Landed,
  name: string,
  columns: { name: string; type: string }[],
): Promise<void> {
  await catalog.ensureTable({ name, columns, partitionColumns: ['dt'], location: storage.uri(name) });
  for (const file of landed.result.files.filter(({ table }) => table === name)) {
    const directory = `${name}/dt=${file.partition['dt']!}`;
    await storage.upload(file.localPath, `${directory}/${file.finalName}`);
    await catalog.addPartitions(name, [{ values: file.partition, location: storage.uri(directory) }]);
  }
}

async function landAndPublish(table: LandingTable, records: TestRecord[]): Promise<Landed> {
  const landed = await land([table], records);
  const own = table.columns.map(({ name, type }) => ({ name, type }));
  const change = table.spec.mode === 'mirror';
  const name = change ? `${table.spec.name}_changelog` : table.spec.name;
  await publish(landed, name, [...own, ...RECORD_COLUMNS, ...(change ? CHANGE_COLUMNS : [])]);
  return landed;
}

/** One value a type, with the text that Hive shows for it. */
const VALUES: [type: string, json: string, hive: string | null][] = [
  ['tinyint', '-128', '-128'],
  ['smallint', '32767', '32767'],
  ['int', '-2147483648', '-2147483648'],
  ['bigint', '9223372036854775807', '9223372036854775807'],
  ['bigint', '-9223372036854775808', '-9223372036854775808'],
  ['float', '1.5', '1.5'],
  ['double', '1e300', '1.0E300'],
  ['double', '-0.1', '-0.1'],
  ['boolean', 'true', 'TRUE'],
  ['boolean', '0', 'FALSE'],
  ['decimal(4,2)', '"-12.34"', '-12.34'],
  ['decimal(9,4)', '99999.9999', '99999.9999'],
  ['decimal(18,2)', '"9999999999999999.99"', '9999999999999999.99'],
  ['decimal(20,0)', '18446744073709551615', '18446744073709551615'],
  [
    'decimal(38,18)',
    '"-99999999999999999999.123456789012345678"',
    '-99999999999999999999.123456789012345678',
  ],
  ['string', '"中文 😀 \\u0000 \\n end"', '中文 😀 \u0000 \n end'],
  ['string', '""', ''],
  ['string', 'null', null],
  ['string', '{"a":[1]}', '{"a":[1]}'],
  ['varchar(5)', '"ab cd"', 'ab cd'],
  ['date', '"2024-02-29"', '2024-02-29'],
  ['date', '"1000-01-01"', '1000-01-01'],
  ['timestamp', '"2024-03-01 08:00:00.123456"', '2024-03-01 08:00:00.123456'],
  ['timestamp', '"9999-12-31 23:59:59.999999"', '9999-12-31 23:59:59.999999'],
  ['date', '"0001-01-01"', '0001-01-01'],
  ['date', '"9999-12-31"', '9999-12-31'],
  ['timestamp', '"1000-01-01 00:00:00.5"', '1000-01-01 00:00:00.5'],
  ['timestamp', '"1901-01-01 00:00:00"', '1901-01-01 00:00:00'],
  ['timestamp', '"1970-01-01 00:00:00"', '1970-01-01 00:00:00'],
];

describe('Hive 4 reads what landing writes', () => {
  it('every type, exactly', async () => {
    const table = landingTable(
      VALUES.map(([type], i) => [`v${i}`, type]),
      { name: 'all_types' },
    );
    const value = `{${VALUES.map(([, json], i) => `"v${i}":${json}`).join(',')}}`;
    const landed = await landAndPublish(table, [{ value }]);
    expect(landed.result.quarantineReasons).toEqual({});
    const [row] = await catalog.query(
      `SELECT ${VALUES.map((_, i) => `CAST(v${i} AS STRING) AS v${i}`).join(', ')} FROM all_types`,
    );
    expect(Object.values(row!)).toEqual(VALUES.map(([, , text]) => text));
  });

  it('nested types, empty and NULL inside included', async () => {
    const table = landingTable(
      [
        ['a', 'array<bigint>'],
        ['m', 'map<string,decimal(10,2)>'],
        ['s', 'struct<id:bigint,tags:array<string>>'],
        ['e', 'array<string>'],
        ['n', 'map<string,int>'],
      ],
      { name: 'nested' },
    );
    const value =
      '{"a":[9007199254740993,null],"m":{"k":1.5},"s":{"id":7,"tags":["x",null]},"e":[],"n":null}';
    await landAndPublish(table, [{ value }]);
    const [row] = await catalog.query(
      `SELECT CAST(a[0] AS STRING) AS a0, CAST(size(a) AS STRING) AS an, CAST(a[1] IS NULL AS STRING) AS a1, ` +
        `CAST(m['k'] AS STRING) AS mk, CAST(s.id AS STRING) AS sid, s.tags[0] AS tag, CAST(size(e) AS STRING) AS en, ` +
        `CAST(n IS NULL AS STRING) AS nn FROM nested`,
    );
    expect(row).toEqual({
      a0: '9007199254740993',
      an: '2',
      a1: 'TRUE',
      mk: '1.50',
      sid: '7',
      tag: 'x',
      en: '0',
      nn: 'TRUE',
    });
  });

  it('the quarantine, with the bytes of keys and values', async () => {
    const bytes = Buffer.from([0x00, 0xff, 0x7b, 0x0a]);
    const landed = await land(
      [landingTable([['a', 'int']], { name: 'q' })],
      [{ value: bytes, key: bytes }, { value: null }],
    );
    await publish(landed, 'q_quarantine', [...QUARANTINE_COLUMNS]);
    const rows = await catalog.query(
      `SELECT kafka_topic, CAST(kafka_partition AS STRING) AS p, CAST(kafka_offset AS STRING) AS o, ` +
        `CAST(kafka_timestamp AS STRING) AS ts, reason, hex(record_key) AS k, hex(record_value) AS v, dt FROM q_quarantine ORDER BY o`,
    );
    expect(rows).toEqual([
      {
        kafka_topic: 'stat.click',
        p: '0',
        o: '0',
        ts: '1709251200000',
        reason: 'invalid_utf8',
        k: '00FF7B0A',
        v: '00FF7B0A',
        dt: '2024-03-01',
      },
      {
        kafka_topic: 'stat.click',
        p: '0',
        o: '1',
        ts: '1709251200000',
        reason: 'null_value',
        k: null,
        v: null,
        dt: '2024-03-01',
      },
    ]);
  });

  it('a change log of a database: extremes, binary bytes and the cdc columns', async () => {
    const ints = fixture('ticdc-canal-json', 'types_int');
    const [table] = goldenTables(ints, 'canal-json');
    await landAndPublish(table!, ints.records);
    const [row] = await catalog.query(
      `SELECT CAST(bu AS STRING) AS bu, CAST(b AS STRING) AS b, cdc_op, CAST(cdc_ts AS STRING) AS ts, CAST(cdc_seq AS STRING) AS seq, ` +
        `CAST(event_time AS STRING) AS event_time FROM ${table!.spec.name}_changelog WHERE id = 9223372036854775807 AND cdc_op = 'i'`,
    );
    expect(row).toEqual({
      bu: '18446744073709551615',
      b: '9223372036854775807',
      cdc_op: 'i',
      ts: '448069946676871181',
      seq: '3',
      event_time: '2024-03-01 00:00:00.397',
    });
    const bins = fixture('canal-json', 'types_bin');
    const [binTable] = goldenTables(bins, 'canal-json');
    await landAndPublish(binTable!, bins.records);
    const [bytes] = await catalog.query(
      `SELECT lower(hex(bi)) AS bi, lower(hex(tb)) AS tb FROM ${binTable!.spec.name}_changelog WHERE id = 1 AND cdc_op = 'i'`,
    );
    expect(bytes).toEqual({ bi: '00017f80', tb: 'd7d30041' });
  });
});
