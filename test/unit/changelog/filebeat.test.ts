import { afterAll, describe, expect, it } from 'vitest';

import type { TableSpec } from '../../../config/spec.js';
import { fixture } from './fixtures.js';
import { cleanUp, land, landingTable } from './landing.js';

afterAll(cleanUp);

function table(
  columns: [string, string, string][],
  options: Record<string, string> = {},
  more: Partial<TableSpec> = {},
) {
  return landingTable(columns, {
    name: 'log',
    format: 'filebeat',
    formatOptions: options,
    eventTime: { format: 'auto', zone: 'UTC', kafka: false },
    ...more,
  });
}

const event = (message: unknown, more: object = {}) =>
  JSON.stringify({
    '@timestamp': '2024-03-01T00:00:00.000Z',
    message,
    host: { name: 'web-01' },
    log: { offset: 7 },
    ...more,
  });

describe('filebeat: the golden cases', () => {
  it('plain lines, multi-line messages and escapes arrive as the log had them, with Filebeat time as event time', async () => {
    const golden = fixture('filebeat', 'plain_lines');
    const columns: [string, string, string][] = [
      ['message', 'string', '$.message'],
      ['log_offset', 'bigint', '$.log.offset'],
      ['flags', 'array<string>', '$.log.flags'],
    ];
    const landed = await land([table(columns, { message: 'text' })], golden.records);
    const rows = await landed.rows(
      'log',
      "log_offset, message, strftime(event_time, '%Y-%m-%dT%H:%M:%S.%gZ') AS t",
    );
    const seen = rows.map((row) => [row['log_offset'], row['message'], row['t']]).sort();
    const meant = golden.expected.map((e) => [e.order, e.after!['message'], e.after!['@timestamp']]).sort();
    expect(seen).toEqual(meant);
    expect(landed.result.quarantined).toBe(0);
    expect(
      (await landed.rows('log', 'flags, kafka_partition, kafka_offset')).filter(
        (row) => row['flags'] !== null,
      ),
    ).toHaveLength(1);
  });

  it('json_keys_under_root: members at the root are columns; a line Filebeat could not parse keeps its text and its error', async () => {
    const golden = fixture('filebeat', 'json_keys_under_root');
    const columns: [string, string, string][] = [
      ['level', 'string', '$.level'],
      ['order_id', 'bigint', '$.order_id'],
      ['msg', 'string', '$.msg'],
      ['message', 'string', '$.message'],
      ['error', 'string', '$.error.message'],
    ];
    const landed = await land([table(columns)], golden.records);
    expect(await landed.rows('log', columns.map(([name]) => name).join(', '))).toEqual([
      { level: 'INFO', order_id: '9007199254740993', msg: '下单', message: null, error: null },
      {
        level: null,
        order_id: null,
        msg: null,
        message: '{broken',
        error: 'Error decoding JSON: unexpected EOF',
      },
    ]);
  });

  it('raw codec: the value is the line; bytes that are not UTF-8 are quarantined whole', async () => {
    const golden = fixture('filebeat', 'raw_codec');
    const landed = await land(
      [table([['line', 'string', '$.message']], { codec: 'raw', message: 'text' })],
      golden.records,
    );
    expect(await landed.rows('log', 'line')).toEqual([
      { line: '订单 43 已取消' },
      { line: '{"looks":"json"}' },
    ]);
    expect(
      await landed.rows('log_quarantine', 'hex(record_value) AS v, reason, kafka_partition, kafka_offset'),
    ).toMatchObject([{ v: '67626B20B6A9B5A5', reason: 'invalid_utf8' }]);
  });
});

describe('filebeat: where a path looks', () => {
  const columns: [string, string, string][] = [
    ['uid', 'bigint', '$.uid'],
    ['host', 'string', '$.host.name'],
    ['line', 'string', '$."@envelope".message'],
    ['message', 'string', '$.message'],
  ];

  it("auto: a JSON message's members come first, Filebeat's own fields show through, and text stays text", async () => {
    const records = [
      event('{"uid":1,"message":"inner"}'),
      event('{"uid":2,"host":{"name":"own"}}'),
      event('plain text'),
      event('{not json'),
      event(undefined, { json: { uid: 3 } }),
      event('  {"uid":"4"}\n'),
    ];
    const landed = await land(
      [table(columns)],
      records.map((value) => ({ value })),
    );
    expect(await landed.rows('log', 'uid, host, line, message')).toEqual([
      { uid: '1', host: 'web-01', line: '{"uid":1,"message":"inner"}', message: 'inner' },
      {
        uid: '2',
        host: 'own',
        line: '{"uid":2,"host":{"name":"own"}}',
        message: '{"uid":2,"host":{"name":"own"}}',
      },
      { uid: null, host: 'web-01', line: 'plain text', message: 'plain text' },
      { uid: null, host: 'web-01', line: '{not json', message: '{not json' },
      { uid: '3', host: 'web-01', line: null, message: null },
      { uid: '4', host: 'web-01', line: '  {"uid":"4"}\n', message: '  {"uid":"4"}\n' },
    ]);
  });

  it('json: a message that is not a JSON object is quarantined, not landed with empty columns', async () => {
    const records = [event('{"uid":1}'), event('plain'), event('[1]'), event(undefined, { uid: 9 }), '{"cut'];
    const landed = await land(
      [table(columns, { message: 'json' })],
      records.map((value) => ({ value })),
    );
    expect((await landed.rows('log', 'uid')).map((row) => row['uid'])).toEqual(['1', '9']);
    expect(await landed.reasons()).toEqual(['1: invalid_json', '2: not_an_object', '4: invalid_json']);
  });

  it('text: a message that looks like JSON is not looked into', async () => {
    const landed = await land([table(columns, { message: 'text' })], [{ value: event('{"uid":1}') }]);
    expect(await landed.rows('log', 'uid, message')).toEqual([{ uid: null, message: '{"uid":1}' }]);
  });

  it("the log's own time can be the event time, by its path", async () => {
    const spec = table(
      columns,
      {},
      { eventTime: { path: '$.ts', format: 'auto', zone: 'Asia/Shanghai', kafka: false } },
    );
    const landed = await land([spec], [{ value: event('{"uid":1,"ts":"2024-05-06 07:08:09"}') }]);
    expect(await landed.rows('log', 'event_time')).toEqual([{ event_time: '2024-05-05 23:08:09' }]);
  });

  it('raw codec with JSON lines gives columns, timed by Kafka', async () => {
    const landed = await land(
      [table(columns, { codec: 'raw' })],
      [{ value: '{"uid":5}' }, { value: 'text' }],
    );
    expect(await landed.rows('log', 'uid, message, event_time')).toEqual([
      { uid: '5', message: '{"uid":5}', event_time: '2024-03-01 00:00:00' },
      { uid: null, message: 'text', event_time: '2024-03-01 00:00:00' },
    ]);
  });
});

describe('text', () => {
  it('keeps every character of a line, line breaks, separators and NULs included; null is quarantined', async () => {
    const values = ['', 'a\nb\r', '\u001f\u0001', 'x\u0000y', '中文 😀', '"quoted",', null];
    const landed = await land(
      [landingTable([['line', 'string', '$']], { name: 'log', format: 'text' })],
      values.map((value) => ({ value })),
    );
    expect((await landed.rows('log', 'line')).map((row) => row['line'])).toEqual(values.slice(0, -1));
    expect(await landed.reasons()).toEqual(['6: null_value']);
  });
});
