import { KafkaError } from '../../../../kafka/protocol/error-codes.js';
import type { AbortedTransaction, FetchedPartition, FetchRequest } from '../../../../kafka/protocol/fetch.js';
import type { ListedOffset, ListOffsetsRequest } from '../../../../kafka/protocol/list-offsets.js';
import { OffsetSpec } from '../../../../kafka/protocol/list-offsets.js';
import type { TopicMetadata } from '../../../../kafka/protocol/metadata.js';
import type { KafkaTransport } from '../../../../kafka/transport.js';

export interface StoredBatch {
  baseOffset: number;
  lastOffset: number;
  bytes: Buffer;
}

/** What a broker holds of one partition. */
export interface StoredLog {
  batches: StoredBatch[];
  aborted: (AbortedTransaction & { markerOffset: number })[];
  logStart: number;
  lastStable: number;
  highWatermark: number;
  topicId: string | undefined;
}

export function emptyLog(): StoredLog {
  return {
    batches: [],
    aborted: [],
    logStart: 0,
    lastStable: 0,
    highWatermark: 0,
    topicId: 'AAAAAAAAAAAAAAAAAAAAAQ',
  };
}

/** What a broker does instead of answering a fetch. */
export type Fault = Error | { errorCode: number } | 'throttled' | 'empty';

/** A broker with one topic of one partition, behind the transport's interface. Answers as Kafka 4.1 does. */
export class ModelBroker implements KafkaTransport {
  readonly topic = 't';
  exists = true;
  fetches: FetchRequest[] = [];
  released = 0;
  closed = false;
  localStart: number | undefined = 0;
  /** Consumed one a fetch, before the log is looked at. */
  faults: Fault[] = [];
  metadataCalls = 0;

  constructor(public log: StoredLog) {}

  metadata(topic: string): Promise<TopicMetadata> {
    this.metadataCalls++;
    const known = this.exists && topic === this.topic;
    return Promise.resolve({
      errorCode: known ? KafkaError.NONE : KafkaError.UNKNOWN_TOPIC_OR_PARTITION,
      topic,
      topicId: known ? this.log.topicId : undefined,
      partitions: known ? [{ partition: 0, errorCode: 0, leader: 1, leaderEpoch: 0 }] : [],
    });
  }

  listOffsets(_leader: number, request: ListOffsetsRequest): Promise<ListedOffset[]> {
    const { logStart, lastStable, highWatermark } = this.log;
    const end = request.committedOnly ? lastStable : highWatermark;
    const offset = { [OffsetSpec.earliest]: logStart, [OffsetSpec.latest]: end }[request.timestamp] ?? -1;
    return Promise.resolve(request.partitions.map(({ partition }) => ({ partition, errorCode: 0, offset })));
  }

  earliestLocal(): Promise<number | undefined> {
    return Promise.resolve(this.localStart);
  }

  async fetch(_leader: number, request: FetchRequest): Promise<FetchedPartition | undefined> {
    this.fetches.push(request);
    await Promise.resolve();
    const fault = this.faults.shift();
    if (fault instanceof Error) throw fault;
    if (fault === 'throttled') return undefined;
    if (fault === 'empty') return this.answer(KafkaError.NONE, [], request);
    if (fault !== undefined) return this.answer(fault.errorCode, [], request);
    if (!this.exists || (request.topicId !== undefined && request.topicId !== this.log.topicId)) {
      return this.answer(KafkaError.UNKNOWN_TOPIC_ID, [], request);
    }
    if (request.offset < this.log.logStart || request.offset > this.log.highWatermark) {
      return this.answer(KafkaError.OFFSET_OUT_OF_RANGE, [], request);
    }
    const readable = this.log.batches.filter(
      ({ lastOffset, baseOffset }) => lastOffset >= request.offset && baseOffset < this.log.lastStable,
    );
    return this.answer(KafkaError.NONE, readable, request);
  }

  release(): void {
    this.released++;
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  private answer(errorCode: number, batches: StoredBatch[], request: FetchRequest): FetchedPartition {
    const { logStart, lastStable, highWatermark, aborted } = this.log;
    const all = Buffer.concat(batches.map(({ bytes }) => bytes));
    const size = Math.max(request.maxBytes, batches[0]?.bytes.length ?? 0);
    const records = Buffer.from(all.subarray(0, size));
    const ok = errorCode === KafkaError.NONE;
    return {
      errorCode,
      highWatermark: ok ? highWatermark : -1,
      lastStable: ok ? lastStable : -1,
      logStart: ok ? logStart : -1,
      aborted: aborted
        .filter(({ firstOffset, markerOffset }) => markerOffset >= request.offset && firstOffset < lastStable)
        .map(({ producerId, firstOffset }) => ({ producerId, firstOffset })),
      records,
      preferredReplica: -1,
    };
  }
}
