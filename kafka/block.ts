import type { RecordBlock } from './types.js';

/**
 * Collects records into the columns of one block. All its records have their bytes in one buffer: the fetched record
 * set itself where it is not compressed, else an arena into which decompressed batches are copied one after the other.
 */
export class BlockBuilder {
  private count = 0;
  private offsets: Float64Array;
  private timestamps: Float64Array;
  private keyStart: Int32Array;
  private keyEnd: Int32Array;
  private valueStart: Int32Array;
  private valueEnd: Int32Array;

  constructor(
    private readonly partition: number,
    readonly bytes: Buffer,
    private capacity: number,
  ) {
    this.offsets = new Float64Array(capacity);
    this.timestamps = new Float64Array(capacity);
    this.keyStart = new Int32Array(capacity);
    this.keyEnd = new Int32Array(capacity);
    this.valueStart = new Int32Array(capacity);
    this.valueEnd = new Int32Array(capacity);
  }

  get isEmpty(): boolean {
    return this.count === 0;
  }

  /** True if that many more records fit; a batch is never divided between blocks. */
  hasRoomFor(records: number): boolean {
    return this.count + records <= this.capacity;
  }

  push(
    offset: number,
    timestamp: number,
    keyAt: number,
    keyLength: number,
    valueAt: number,
    valueLength: number,
  ): void {
    if (this.count === this.capacity) this.grow();
    const index = this.count++;
    this.offsets[index] = offset;
    this.timestamps[index] = timestamp;
    this.keyStart[index] = keyAt;
    this.keyEnd[index] = keyAt < 0 ? -1 : keyAt + keyLength;
    this.valueStart[index] = valueAt;
    this.valueEnd[index] = valueAt < 0 ? -1 : valueAt + valueLength;
  }

  /** Needed for message sets only, whose number of records does not show before they are read. */
  private grow(): void {
    const larger = new BlockBuilder(this.partition, this.bytes, Math.max(16, this.capacity * 2));
    larger.offsets.set(this.offsets);
    larger.timestamps.set(this.timestamps);
    larger.keyStart.set(this.keyStart);
    larger.keyEnd.set(this.keyEnd);
    larger.valueStart.set(this.valueStart);
    larger.valueEnd.set(this.valueEnd);
    const { count } = this;
    Object.assign(this, larger, { count });
  }

  finish(): RecordBlock {
    const { count } = this;
    return {
      partition: this.partition,
      count,
      bytes: this.bytes,
      offsets: this.offsets.subarray(0, count),
      timestamps: this.timestamps.subarray(0, count),
      keyStart: this.keyStart.subarray(0, count),
      keyEnd: this.keyEnd.subarray(0, count),
      valueStart: this.valueStart.subarray(0, count),
      valueEnd: this.valueEnd.subarray(0, count),
    };
  }
}
