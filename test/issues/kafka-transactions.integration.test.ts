import { afterAll, beforeAll, expect, it } from 'vitest';
import { createAdmin } from '../../kafka/admin.js';
import { createRangeReader } from '../../kafka/range-reader.js';
import { readEndpoints } from '../../stack/endpoints.js';
import { produce } from '../integration/kafka/support/java.js';
import { readRange, uniqueTopic } from '../integration/kafka/support/read.js';

const { brokers } = readEndpoints().kafka;
const admin = createAdmin({ brokers });
const reader = createRangeReader({ brokers });
const topic = uniqueTopic('markers');

/** Offsets 0 to 2 aborted (1 with a key like a marker), 3 abort marker, 4 committed, 5 commit marker, and again. */
beforeAll(async () => {
  await admin.createTopic(topic);
  const round = (turn: number): (string | number)[][] => [
    ['begin', 'p'],
    ['send', 'p', topic, 0, 'a', `aborted ${turn}`],
    ['send', 'p', topic, 0, '\0\0\0\0', `aborted ${turn}, key like a marker`],
    ['send', 'p', topic, 0, 'b', `aborted ${turn}`],
    ['abort', 'p'],
    ['begin', 'p'],
    ['send', 'p', topic, 0, 'c', `committed ${turn}`],
    ['commit', 'p'],
  ];
  await produce(brokers, [['producer', 'p', 'none', uniqueTopic('tx')], ...[0, 1, 2].flatMap(round)]);
});

afterAll(async () => {
  await admin.deleteTopic(topic);
  await admin.close();
  await reader.close();
});

it('BC, R: the log ends on a marker, and a read of all of it ends', async () => {
  const { lastStable } = (await reader.positions(topic)).partitions[0]!;
  expect(lastStable).toBe(18);
  const values = (await readRange(reader, topic, { from: 0, to: 18 })).map(({ value }) => value);
  expect(values).toEqual(['committed 0', 'committed 1', 'committed 2']);
});

it('BC, BF, BG: any single offset reads the same as in the whole: markers and aborted records as nothing', async () => {
  for (let offset = 0; offset < 18; offset++) {
    const read = await readRange(reader, topic, { from: offset, to: offset + 1 });
    expect(read.map(({ value }) => value)).toEqual(
      offset % 6 === 4 ? [`committed ${Math.floor(offset / 6)}`] : [],
    );
  }
});

it('BG: a read may begin at any offset, also between aborted data and its marker', async () => {
  for (let from = 0; from < 18; from++) {
    const read = await readRange(reader, topic, { from, to: 18 }, { maxFetchBytes: 100 });
    expect(read.map(({ offset }) => offset)).toEqual([4, 10, 16].filter((offset) => offset >= from));
  }
});
