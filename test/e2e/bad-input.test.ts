import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRows, totals } from './rows.js';
import { click, clickTable, createTopic, install, produce, withAdmin, type Installation } from './support.js';

let here: Installation;

beforeAll(async () => {
  here = await install('bad');
});
afterAll(() => here.close());

const until: Installation['until'] = (...args) => here.until(...args);

describe('what a person sees and has to do when the input is bad', () => {
  it('a topic that does not exist yet: the table says so, and goes on by itself once it does', async () => {
    const topic = here.topic('missing');
    await here.writeConfig(clickTable(here.table('missing'), topic));
    here.startWorker();
    await here.ok('start');
    const waiting = await until(
      here.table('missing'),
      'waits',
      ({ fault, stuck }) => fault !== null || stuck.length > 0,
    );
    expect(JSON.stringify(waiting)).toContain('TopicNotFound');
    await createTopic(topic, 1);
    await produce(topic, 1, [click(1)]);
    await until(here.table('missing'), 'one row', ({ rows }) => rows === 1);
  });

  it('an empty topic is no fault', async () => {
    const topic = here.topic('empty');
    await createTopic(topic, 3);
    await here.writeConfig(clickTable(here.table('empty'), topic));
    await here.ok('start', here.table('empty'));
    const seen = await until(
      here.table('empty'),
      'running',
      ({ phase, lagRecords }) => phase === 'running' && lagRecords === 0,
    );
    expect(seen.fault).toBeNull();
  });

  it('records that cannot be rows wait in the quarantine with their bytes; the others land', async () => {
    const topic = here.topic('broken');
    await createTopic(topic, 1);
    await produce(topic, 1, [
      click(1),
      '{"at":"2026-03-01T00:00:00Z","id":',
      Buffer.from([0x7b, 0xff, 0xfe, 0x7d]),
      '{"id":3}',
      '{"at":"2026-03-01T00:00:00Z","id":"not a number"}',
      '{"at":"2026-03-01T00:00:00Z","id":18446744073709551616}',
      `{"at":"2026-03-01T00:00:00Z","id":4,"text":"nul\\u0000byte"}`,
      click(5),
    ]);
    await here.writeConfig(clickTable(here.table('broken'), topic));
    await here.ok('start', here.table('broken'));
    const seen = await until(
      here.table('broken'),
      'all accounted for',
      ({ rows, quarantined }) => rows! + quarantined! === 8,
    );
    expect(seen.quarantined).toBeGreaterThanOrEqual(5);
    const reasons = await readRows<{ o: string; reason: string; value: string }>(
      here,
      here.table('broken_quarantine'),
      'kafka_offset::VARCHAR AS o, reason, hex(record_value) AS value',
    );
    const byOffset = new Map(reasons.map(({ o, reason, value }) => [Number(o), { reason, value }]));
    expect(byOffset.get(1)?.reason).toBe('invalid_json');
    expect(byOffset.get(2)).toEqual({ reason: 'invalid_utf8', value: '7BFFFE7D' });
    expect(byOffset.get(3)?.reason).toBe('missing_event_time');
    expect(byOffset.get(4)?.reason).toBe('value_does_not_fit');
    expect(byOffset.get(5)?.reason).toBe('value_does_not_fit');
  });

  it('a record of 20 MB lands like any other', async () => {
    const topic = here.topic('large');
    await createTopic(topic, 1);
    const text = '大'.repeat(6_500_000);
    await produce(topic, 1, [
      click(1),
      JSON.stringify({ at: '2026-03-01T00:00:00Z', id: 2, text }),
      click(3),
    ]);
    await here.writeConfig(clickTable(here.table('large'), topic));
    await here.ok('start', here.table('large'));
    await until(here.table('large'), 'three rows', ({ rows }) => rows === 3);
    const [row] = await readRows<{ n: string }>(here, here.table('large'), 'max(length(text))::VARCHAR AS n');
    expect(Number(row!.n)).toBe(6_500_000);
  });

  it('retention past the position: the table names what is lost, skips nothing, and goes on when a person accepts it', async () => {
    const topic = here.topic('retention');
    await createTopic(topic, 1);
    await produce(
      topic,
      1,
      Array.from({ length: 100 }, (_, i) => click(i)),
    );
    await here.writeConfig(clickTable(here.table('retention'), topic));
    await here.ok('start', here.table('retention'));
    await until(here.table('retention'), '100 rows', ({ rows }) => rows === 100);
    await here.ok('pause', here.table('retention'));
    await until(here.table('retention'), 'paused', ({ phase }) => phase === 'paused');
    await produce(
      topic,
      1,
      Array.from({ length: 100 }, (_, i) => click(100 + i)),
    );
    await withAdmin(async (admin) => {
      // kafkajs deletes records only of topics whose metadata it has loaded already.
      await admin.fetchTopicOffsets(topic);
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '150' }] });
    });
    await here.ok('resume', here.table('retention'));
    const lost = await until(here.table('retention'), 'the fault', ({ fault }) => fault !== null);
    expect(lost.fault).toMatchObject({ code: 'OffsetsLost' });
    expect(lost.fault!.message).toContain('[100, 150)');
    expect(lost.rows).toBe(100);
    await here.ok('resume', here.table('retention'), '--accept-loss');
    await until(here.table('retention'), '150 rows', ({ rows, fault }) => rows === 150 && fault === null);
    expect(await totals(here, here.table('retention'))).toEqual({ rows: 150, distinct: 150 });
    expect(await here.ok('status', here.table('retention'))).toMatch(
      /accepted loss +partition 0: 50 offsets, 100 up to 150/,
    );
  });

  it('a topic that was deleted and made anew is told apart from the old one, even when it is longer', async () => {
    const topic = here.topic('recreated');
    await createTopic(topic, 2);
    await produce(
      topic,
      2,
      Array.from({ length: 50 }, (_, i) => click(i)),
    );
    await here.writeConfig(clickTable(here.table('recreated'), topic));
    await here.ok('start', here.table('recreated'));
    await until(here.table('recreated'), '50 rows', ({ rows }) => rows === 50);
    await withAdmin((admin) => admin.deleteTopics({ topics: [topic] }));
    await createTopic(topic, 1);
    await produce(
      topic,
      1,
      Array.from({ length: 80 }, (_, i) => click(1_000 + i)),
    );
    const seen = await until(
      here.table('recreated'),
      'the fault',
      ({ fault }) => fault !== null && fault.code !== 'TopicNotFound',
    );
    expect(seen.fault).toMatchObject({ code: 'TopicRecreated' });
    expect(seen.rows).toBe(50);
    await here.ok('resume', here.table('recreated'), '--accept-loss');
    const after = await until(
      here.table('recreated'),
      '130 rows',
      ({ rows, fault, lagRecords }) => rows === 130 && fault === null && lagRecords === 0,
    );
    expect(after.lagUnknown).toBeNull();
    // The old topic had a partition more.
    const lost = /accepted loss +partition 0 from 25 on \(the topic .*\); partition 1 from 25 on \(the topic/;
    expect(await here.ok('status', here.table('recreated'))).toMatch(lost);
    // Offsets 0 to 24 are there of both topics, in the same partition: that is no duplicate.
    const verified = await here.cli('verify', here.table('recreated'), '--json');
    expect(JSON.parse(verified.stdout)).toMatchObject({
      outcome: 'equal',
      log: { records: 80, landed: 80, faults: { missing: 0, twice: 0, fewer: 0, stray: 0 } },
    });
  });

  it('a mistake in the config names its line and what was meant', async () => {
    await here.writeConfig(
      clickTable(here.table('config'), here.topic('x')).replace('format: json', 'format: jsn'),
    );
    const { code, stderr } = await here.cli('validate');
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/:\d+:\d+/);
    expect(stderr).toContain('json');
  });
});
