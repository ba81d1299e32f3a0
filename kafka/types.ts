/** A half-open interval `[from, to)` of offsets in one partition. Offsets are safe integers (checked when decoded). */
export interface OffsetRange {
  partition: number;
  from: number;
  to: number;
}

/** What a broker says of one partition, taken in one look. */
export interface PartitionPosition {
  partition: number;
  /** First offset that retention has kept. */
  logStart: number;
  /** End of the committed log; equals `highWatermark` where no transaction is open. */
  lastStable: number;
  highWatermark: number;
}

export interface TopicPositions {
  topic: string;
  partitions: PartitionPosition[];
  /** Broker clock is not available in Kafka's protocol: ms of the local clock before the first request was sent. */
  asOf: number;
}

/**
 * Records of one partition in columns: one object a fetched batch run instead of one a record, because a million small
 * objects cost more CPU than reading them. Record i has its key at bytes[keyStart[i], keyEnd[i]) and its value
 * likewise; a start of -1 means null. `bytes` is only valid until the next block is asked for.
 */
export interface RecordBlock {
  partition: number;
  count: number;
  bytes: Buffer;
  offsets: Float64Array;
  /** Milliseconds since the epoch, CreateTime or LogAppendTime as the topic is set; -1 if the record has none. */
  timestamps: Float64Array;
  keyStart: Int32Array;
  keyEnd: Int32Array;
  valueStart: Int32Array;
  valueEnd: Int32Array;
}

export interface ReadOptions {
  signal?: AbortSignal;
  /** Upper bound of one fetch's bytes; a single larger batch is still read (Kafka's rule since KIP-74). */
  maxFetchBytes?: number;
  /** Called after each fetch with the position reached, for heartbeats. */
  onProgress?: (partition: number, position: number) => void;
}

/** The only door to Kafka: positions and exact ranges, read_committed, no consumer group, never an automatic reset. */
export interface RangeReader {
  /**
   * Log start, last stable offset and high watermark of each partition of a topic.
   * @throws TributaryError TopicNotFound, KafkaUnavailable (retryable)
   */
  positions(topic: string, signal?: AbortSignal): Promise<TopicPositions>;

  /**
   * First offset whose timestamp is at or after `ms`, for each partition; the end of the log where there is none.
   */
  offsetsForTime(topic: string, ms: number, signal?: AbortSignal): Promise<Map<number, number>>;

  /**
   * All committed data records of a range, in offset order. Ends when the position reaches `range.to`, whatever the
   * last records were (control, aborted, compacted away).
   * @throws TributaryError OffsetsLost (retention or recreation; attributes lostFrom, lostTo), KafkaUnavailable (retryable),
   *   CorruptBatch (attributes partition, offset)
   */
  readRange(
    topic: string,
    range: OffsetRange,
    options?: ReadOptions,
  ): AsyncGenerator<RecordBlock, void, undefined>;

  close(): Promise<void>;
}
