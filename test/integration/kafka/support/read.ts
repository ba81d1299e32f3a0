import { randomBytes } from 'node:crypto';
import type { RangeReader, ReadOptions, RecordBlock } from '../../../../kafka/types.js';
import type { ConsumedRecord } from './java.js';

/** A name that no other test, run or checkout uses. */
export function uniqueTopic(name: string): string {
  return `it-${name}-${randomBytes(5).toString('hex')}`;
}

export function recordsOf(block: RecordBlock): ConsumedRecord[] {
  const text = (start: number, end: number): string | null =>
    start < 0 ? null : block.bytes.toString('utf8', start, end);
  return Array.from({ length: block.count }, (_, index) => ({
    partition: block.partition,
    offset: block.offsets[index]!,
    timestamp: block.timestamps[index]!,
    key: text(block.keyStart[index]!, block.keyEnd[index]!),
    value: text(block.valueStart[index]!, block.valueEnd[index]!),
  }));
}

export async function readRange(
  reader: RangeReader,
  topic: string,
  range: { partition?: number; from: number; to: number },
  options: ReadOptions = {},
): Promise<ConsumedRecord[]> {
  const records: ConsumedRecord[] = [];
  for await (const block of reader.readRange(topic, { partition: 0, ...range }, options)) {
    records.push(...recordsOf(block));
  }
  return records;
}

/** All committed records of a topic, from log start to last stable offset. */
export async function readTopic(
  reader: RangeReader,
  topic: string,
  options: ReadOptions = {},
): Promise<ConsumedRecord[]> {
  const { partitions } = await reader.positions(topic);
  const parts = await Promise.all(
    partitions.map(({ partition, logStart, lastStable }) =>
      readRange(reader, topic, { partition, from: logStart, to: lastStable }, options),
    ),
  );
  return parts.flat();
}
