import { createRangeReader, type RangeReaderOptions } from '../../../../kafka/range-reader.js';
import type { RangeReader, ReadOptions, RecordBlock } from '../../../../kafka/types.js';
import type { ModelBroker } from './model-broker.js';

/** A record as a user sees it. */
export interface Seen {
  offset: number;
  timestamp: number;
  key: string | null;
  value: string | null;
}

export function seenIn(block: RecordBlock): Seen[] {
  const text = (start: number, end: number): string | null =>
    start < 0 ? null : block.bytes.toString('latin1', start, end);
  return Array.from({ length: block.count }, (_, index) => ({
    offset: block.offsets[index]!,
    timestamp: block.timestamps[index]!,
    key: text(block.keyStart[index]!, block.keyEnd[index]!),
    value: text(block.valueStart[index]!, block.valueEnd[index]!),
  }));
}

/** A reader on a model broker, with waits that a test can afford. */
export function readerOn(broker: ModelBroker, options: RangeReaderOptions = {}): RangeReader {
  return createRangeReader(
    { brokers: ['model:1'] },
    {
      transport: broker,
      retry: { baseMs: 0, maxMs: 1, forMs: 200 },
      absentAfterMs: 10,
      stableWaitMs: 10,
      ...options,
    },
  );
}

export async function readAll(
  reader: RangeReader,
  from: number,
  to: number,
  options: ReadOptions = {},
  topic = 't',
): Promise<Seen[]> {
  const seen: Seen[] = [];
  for await (const block of reader.readRange(topic, { partition: 0, from, to }, options)) {
    seen.push(...seenIn(block));
  }
  return seen;
}
