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
  /** Kafka's own id of the topic, where the broker tells it (2.8 and later): shows a topic that was deleted and created anew. */
  topicId?: string;
  partitions: PartitionPosition[];
  /** Broker clock is not available in Kafka's protocol: ms of the local clock before the first request was sent. */
  asOf: number;
}

/**
 * Records of one partition in columns: one object a fetched batch run instead of one a record, because a million small
 * objects cost more CPU than reading them. Record i has its key at bytes[keyStart[i], keyEnd[i]) and its value
 * likewise; a start of -1 means null (and so does an end). `bytes` is only valid until the next block is asked for; the
 * columns stay valid, and are exactly `count` long.
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
  /**
   * Upper bound of one fetch's bytes, 8 MiB by default; a single larger batch is still read (Kafka's rule since KIP-74).
   * Two fetches are held at a time: the one being read and the one after it.
   */
  maxFetchBytes?: number;
  /**
   * Id of the topic that the range was planned on (TopicPositions.topicId). With it a topic that was deleted and created
   * again is told from the planned one, however many records it has: OffsetsLost, reason `recreated`. Without it the id
   * at the first fetch counts.
   */
  topicId?: string;
  /** Called with the bytes of records that each answer of a broker has, those behind the range's end and cut batches included. */
  onFetched?: (bytes: number) => void;
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
   * First offset whose timestamp is at or after `ms`, for each partition; the last stable offset where there is none.
   * @throws TributaryError TopicNotFound, KafkaUnavailable (retryable)
   */
  offsetsForTime(topic: string, ms: number, signal?: AbortSignal): Promise<Map<number, number>>;

  /**
   * Kafka's id of the topic, as its own tools print it; undefined if the brokers are older than 2.8. It is the only sure
   * evidence of a recreated topic: offsets show one only while it has fewer records than the position, and leader epochs
   * start from 0 again in the new topic, but are also 0 in most topics that never changed leader.
   * @throws TributaryError TopicNotFound, KafkaUnavailable (retryable)
   */
  topicId(topic: string, signal?: AbortSignal): Promise<string | undefined>;

  /**
   * All committed data records of a range, in offset order. Ends when the position reaches `range.to`, whatever the
   * last records were (control, aborted, compacted away). Cancelled by `options.signal`, it throws the signal's reason.
   * @throws TributaryError OffsetsLost (attributes lostFrom, lostTo, reason: retention, beyond_end or recreated),
   *   TopicNotFound, CorruptBatch (attributes topic, partition, offset), KafkaRefused (credentials, ACLs, versions),
   *   KafkaUnavailable (retryable), RangeBeyondStable (retryable: a transaction is open below `range.to`)
   */
  readRange(
    topic: string,
    range: OffsetRange,
    options?: ReadOptions,
  ): AsyncGenerator<RecordBlock, void, undefined>;

  close(): Promise<void>;
}
