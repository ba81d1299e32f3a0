import type { RangeReader } from '../kafka/types.js';

export interface SampledRecord {
  partition: number;
  offset: number;
  timestamp: number;
  key: Buffer | null;
  value: Buffer | null;
}

/** The last `perPartition` records of each partition, at most; records of open transactions are not among them. */
export async function sampleTail(
  reader: RangeReader,
  topic: string,
  perPartition: number,
): Promise<SampledRecord[]> {
  const { partitions } = await reader.positions(topic);
  const records: SampledRecord[] = [];
  for (const { partition, logStart, lastStable } of partitions) {
    const from = Math.max(logStart, lastStable - perPartition);
    if (from >= lastStable) continue;
    for await (const block of reader.readRange(topic, { partition, from, to: lastStable })) {
      const part = (starts: Int32Array, ends: Int32Array, i: number): Buffer | null =>
        starts[i] === -1 ? null : Buffer.from(block.bytes.subarray(starts[i], ends[i]));
      for (let i = 0; i < block.count; i++) {
        records.push({
          partition,
          offset: block.offsets[i]!,
          timestamp: block.timestamps[i]!,
          key: part(block.keyStart, block.keyEnd, i),
          value: part(block.valueStart, block.valueEnd, i),
        });
      }
    }
  }
  return records;
}
