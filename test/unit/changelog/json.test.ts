import { afterAll, describe, expect, it } from 'vitest';

import { cleanUp, land, landingTable, T0 } from './landing.js';

afterAll(cleanUp);

describe('json: what cannot be read', () => {
  const table = landingTable(
    [
      ['a', 'string'],
      ['b', 'bigint'],
    ],
    { rawColumn: 'raw' },
  );

  it('every kind of broken record is in quarantine with its reason and bytes, the good ones around it land', async () => {
    const records = [
      { value: '{"a":"ok","b":1}' },
      { value: '{"a":"cut' },
      { value: '[1,2]' },
      { value: 'null' },
      { value: '' },
      { value: null, key: 'k' },
      { value: Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), key: Buffer.from([0xff]) },
      { value: '{"a":"x\u0000y"}' },
      { value: '{"a":1} {"a":2}' },
      { value: '{"a":"\\ud800"}' },
      { value: '{"a":"z","b":"no"}' },
      { value: '{"a":"ok2"}' },
    ];
    const landed = await land([table], records);
    expect(await landed.rows('stat_click', 'a, b, kafka_offset')).toEqual([
      { a: 'ok', b: '1', kafka_offset: '0' },
      { a: 'ok2', b: null, kafka_offset: '11' },
    ]);
    const bad = await landed.rows('stat_click_quarantine');
    expect(bad.map((row) => `${String(row['kafka_offset'])} ${String(row['reason'])}`)).toEqual([
      '1 invalid_json',
      '2 not_an_object',
      '3 not_an_object',
      '4 invalid_json',
      '5 null_value',
      '6 invalid_utf8',
      '7 nul_byte',
      '8 invalid_json',
      '9 invalid_json',
      '10 value_does_not_fit',
    ]);
    expect(bad.at(-1)!['detail']).toBe('column b: "no" does not fit bigint');
    expect(bad[5]).toMatchObject({
      record_key: '\\xFF',
      record_value: '{\\xFF\\xFE}',
      kafka_topic: 'stat.click',
      ingest_batch: 'b1',
    });
    expect(bad[4]).toMatchObject({ record_key: 'k', record_value: null, part: '2024-03-01' });
    expect(landed.result).toMatchObject({ records: 12, quarantined: 10 });
    expect(landed.result.quarantineReasons['stat_click_quarantine']).toMatchObject({
      invalid_json: 4,
      not_an_object: 2,
    });
  });

  it('white space, line breaks and a byte order mark around JSON are harmless, and raw keeps every byte', async () => {
    const values = ['\ufeff{"a":"bom"}', ' \r\n{"a"\n:\r"ws"}\n', '{"a":"us\\u001f","b":2}'];
    const landed = await land(
      [table],
      values.map((value) => ({ value })),
    );
    expect(await landed.rows('stat_click', 'a, hex(encode(raw)) AS raw')).toEqual(
      ['bom', 'ws', 'us\u001f'].map((a, i) => ({
        a,
        raw: Buffer.from(values[i]!).toString('hex').toUpperCase(),
      })),
    );
  });

  it('an escaped NUL stays in the string', async () => {
    const landed = await land([table], [{ value: '{"a":"x\\u0000y"}' }]);
    expect(await landed.rows('stat_click', 'a, strlen(a) AS n')).toEqual([{ a: 'x\u0000y', n: '3' }]);
  });

  it('of duplicate members the first counts; deep nesting is read', async () => {
    const deep = '['.repeat(2000) + ']'.repeat(2000);
    const landed = await land([table], [{ value: '{"a":"1","a":"2"}' }, { value: `{"a":"d","x":${deep}}` }]);
    expect(await landed.rows('stat_click', 'a')).toEqual([{ a: '1' }, { a: 'd' }]);
  });

  it('a 20 MB record lands beside small ones', async () => {
    const big = 'x'.repeat(20 << 20);
    const landed = await land(
      [table],
      [{ value: '{"a":"s"}' }, { value: `{"a":"${big}"}` }, { value: '{"a":"t"}' }],
    );
    expect(await landed.rows('stat_click', 'strlen(a) AS n')).toEqual([
      { n: '1' },
      { n: String(20 << 20) },
      { n: '1' },
    ]);
  });
});

describe('json: paths', () => {
  it('members, quoted members, array elements, a member and what is below it, names that differ in case', async () => {
    const table = landingTable([
      ['a', 'string', '$.p."x.y"'],
      ['b', 'bigint', '$.list[1].n'],
      ['c', 'string', '$.p'],
      ['d', 'string', '$.Case'],
      ['e', 'string', '$.case'],
      ['f', 'string', '$'],
      ['g', 'array<int>', '$.list2'],
    ]);
    const value = '{"p":{"x.y":"v"},"list":[{"n":1},{"n":2}],"Case":"U","case":"l","list2":[1]}';
    const landed = await land([table], [{ value }]);
    expect(await landed.rows('stat_click', 'a, b, c, d, e, f, g')).toEqual([
      { a: 'v', b: '2', c: '{"x.y":"v"}', d: 'U', e: 'l', f: value, g: [1] },
    ]);
  });

  it('a scalar where the path goes deeper is an absent value, not a fault', async () => {
    const landed = await land(
      [landingTable([['a', 'string', '$.p.q']])],
      [{ value: '{"p":5}' }, { value: '{"p":{"q":"x"}}' }],
    );
    expect(await landed.rows('stat_click', 'a')).toEqual([{ a: null }, { a: 'x' }]);
  });
});

describe('json: event time and partitions', () => {
  const at = (zone: string, partition: 'day' | 'hour') =>
    landingTable([['id', 'int']], {
      timezone: zone,
      partition,
      eventTime: { path: '$.t', format: 'auto', zone, kafka: false },
    });

  it('dt and hh are those of the table zone, event_time is its wall clock, and the bounds are instants', async () => {
    const landed = await land(
      [at('Asia/Shanghai', 'hour')],
      [
        { value: '{"id":1,"t":"2024-02-29T16:00:00.5Z"}' },
        { value: '{"id":2,"t":1709251200000}' },
        { value: '{"id":3,"t":"2024-03-01 08:59:59"}' },
      ],
    );
    expect(await landed.rows('stat_click', 'id, event_time, part')).toEqual([
      { id: 1, event_time: '2024-03-01 00:00:00.5', part: '2024-03-01 00' },
      { id: 2, event_time: '2024-03-01 08:00:00', part: '2024-03-01 08' },
      { id: 3, event_time: '2024-03-01 08:59:59', part: '2024-03-01 08' },
    ]);
    expect(
      landed.result.files.map((f) => [f.partition, f.finalName, f.rows, f.minEventMs, f.maxEventMs]),
    ).toEqual([
      [
        { dt: '2024-03-01', hh: '00' },
        'split-stat_click-2024030100.parquet',
        1,
        T0 - 8 * 3600000 + 500,
        T0 - 8 * 3600000 + 500,
      ],
      [{ dt: '2024-03-01', hh: '08' }, 'split-stat_click-2024030108.parquet', 2, T0, T0 + 3599000],
    ]);
  });

  it('the hour that daylight saving repeats is one partition, bounded by both of its instants', async () => {
    const first = Date.UTC(2024, 10, 3, 5, 30);
    const landed = await land(
      [at('America/New_York', 'hour')],
      [{ value: `{"id":1,"t":${first}}` }, { value: `{"id":2,"t":${first + 3600000}}` }],
    );
    expect(landed.result.files.map((f) => [f.partition, f.rows, f.minEventMs, f.maxEventMs])).toEqual([
      [{ dt: '2024-11-03', hh: '01' }, 2, first, first + 3600000],
    ]);
  });

  it('a record without a readable event time is quarantined, with the two cases told apart', async () => {
    const landed = await land(
      [at('UTC', 'day')],
      [
        { value: '{"id":1}' },
        { value: '{"id":2,"t":null}' },
        { value: '{"id":3,"t":"soon"}' },
        { value: '{"id":4,"t":"2024-03-01T00:00:00Z"}' },
      ],
    );
    expect(await landed.reasons()).toEqual([
      '0: missing_event_time',
      '1: missing_event_time',
      '2: bad_event_time',
    ]);
    expect(landed.result.files[0]!.rows).toBe(1);
  });

  it('the Kafka timestamp can be the event time; a record without one is quarantined', async () => {
    const landed = await land(
      [landingTable([['id', 'int']])],
      [
        { value: '{"id":1}', timestamp: T0 + 1 },
        { value: '{"id":2}', timestamp: -1 },
      ],
    );
    expect(await landed.rows('stat_click', 'id, event_time')).toEqual([
      { id: 1, event_time: '2024-03-01 00:00:00.001' },
    ]);
    expect(await landed.reasons()).toEqual(['1: missing_event_time']);
  });

  it('times before 1970 and far away go to their own day', async () => {
    const landed = await land(
      [at('UTC', 'hour')],
      [{ value: '{"id":1,"t":"1969-12-31T23:59:59Z"}' }, { value: '{"id":2,"t":"9999-12-31T23:00:00Z"}' }],
    );
    expect(landed.result.files.map((f) => f.partition)).toEqual([
      { dt: '1969-12-31', hh: '23' },
      { dt: '9999-12-31', hh: '23' },
    ]);
  });

  it('timestamps: string writes text that sorts like time, for Hive 3', async () => {
    const table = landingTable([['v', 'timestamp']], { timestamps: 'string' });
    const landed = await land([table], [{ value: '{"v":"2024-03-01T00:00:00.25Z"}' }]);
    expect(
      await landed.rows('stat_click', 'v, typeof(v) AS tv, event_time, typeof(event_time) AS te'),
    ).toEqual([
      { v: '2024-03-01 00:00:00.25', tv: 'VARCHAR', event_time: '2024-03-01 00:00:00', te: 'VARCHAR' },
    ]);
    expect(landed.result.files[0]!.minEventMs).toBe(T0);
  });
});

describe('json: shape of the files', () => {
  it("the table's own columns come first, then the record's, then raw; nothing else", async () => {
    const table = landingTable(
      [
        ['b', 'int'],
        ['a', 'string'],
      ],
      { rawColumn: 'line' },
    );
    const landed = await land([table], [{ value: '{"a":"x","b":1}', partition: 3, offset: 41 }]);
    const [row] = await landed.rows('stat_click');
    expect(Object.entries(row!)).toEqual([
      ['b', 1],
      ['a', 'x'],
      ['kafka_partition', 3],
      ['kafka_offset', '41'],
      ['ingest_batch', 'b1'],
      ['event_time', '2024-03-01 00:00:00'],
      ['line', '{"a":"x","b":1}'],
      ['part', '2024-03-01'],
    ]);
  });

  it('two tables of one topic each get every record; what neither can read is kept once, for the topic', async () => {
    const a = landingTable([['a', 'int']], { name: 'one' });
    const b = landingTable([['a', 'string']], { name: 'two' });
    const landed = await land([a, b], [{ value: '{"a":"x"}' }, { value: '{' }, { value: null }]);
    expect(await landed.rows('two', 'a')).toEqual([{ a: 'x' }]);
    expect(landed.result.quarantineReasons).toEqual({
      one_quarantine: { value_does_not_fit: 1 },
      topic_stat_click_quarantine: { invalid_json: 1, null_value: 1 },
    });
    expect(landed.result.quarantined).toBe(3);
  });

  it('an empty split gives no files', async () => {
    const landed = await land([landingTable([['a', 'int']])], []);
    expect(landed.result).toMatchObject({ files: [], records: 0, quarantined: 0 });
  });
});
