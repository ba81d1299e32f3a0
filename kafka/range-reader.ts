import { isTributaryError, TributaryError } from '../common/errors.js';
import type { ClusterOptions } from './client.js';
import { loadCodecs } from './codecs.js';
import { BatchDecoder } from './decode.js';
import { PositionReader } from './positions.js';
import { RangeFetch, type FetchedBatches, type FetchLimits } from './range-fetch.js';
import { DEFAULT_RETRY, type RetryPolicy } from './retry.js';
import { TopicView } from './topic-view.js';
import { kafkajsTransport, type KafkaTransport } from './transport.js';
import type { OffsetRange, RangeReader, ReadOptions, RecordBlock, TopicPositions } from './types.js';

export interface RangeReaderOptions extends Partial<FetchLimits> {
  retry?: Partial<RetryPolicy>;
  /** How long brokers have to say that a topic does not exist before it is believed. Default 3 s. */
  absentAfterMs?: number;
  /** Another way to Kafka than kafkajs' connections; for tests. */
  transport?: KafkaTransport;
}

const DEFAULT_LIMITS: FetchLimits = {
  maxFetchBytes: 8 << 20,
  // A broker sends one whole batch even if that is larger.
  firstFetchBytes: 64 << 10,
  maxBatchBytes: 512 << 20,
  stableWaitMs: 5_000,
};
const DEFAULT_ABSENT_AFTER_MS = 3_000;

/** The door to one Kafka cluster. Connects when first asked; `close` it when done. */
export function createRangeReader(cluster: ClusterOptions, options: RangeReaderOptions = {}): RangeReader {
  const retry = { cluster, ...options.retry };
  return new KafkaRangeReader(options.transport ?? kafkajsTransport(cluster), { ...options, retry });
}

class KafkaRangeReader implements RangeReader {
  private readonly retry: RetryPolicy;
  private readonly limits: FetchLimits;
  private readonly view: TopicView;
  private readonly positionReader: PositionReader;

  constructor(
    private readonly transport: KafkaTransport,
    options: RangeReaderOptions,
  ) {
    this.retry = { ...DEFAULT_RETRY, ...options.retry };
    this.limits = {
      maxFetchBytes: options.maxFetchBytes ?? DEFAULT_LIMITS.maxFetchBytes,
      firstFetchBytes: options.firstFetchBytes ?? DEFAULT_LIMITS.firstFetchBytes,
      maxBatchBytes: options.maxBatchBytes ?? DEFAULT_LIMITS.maxBatchBytes,
      stableWaitMs: options.stableWaitMs ?? DEFAULT_LIMITS.stableWaitMs,
    };
    this.view = new TopicView(transport, this.retry, options.absentAfterMs ?? DEFAULT_ABSENT_AFTER_MS);
    this.positionReader = new PositionReader(transport, this.view, this.retry);
  }

  positions(topic: string, signal?: AbortSignal): Promise<TopicPositions> {
    return this.positionReader.positions(topic, signal);
  }

  offsetsForTime(topic: string, ms: number, signal?: AbortSignal): Promise<Map<number, number>> {
    return this.positionReader.offsetsForTime(topic, ms, signal);
  }

  async topicId(topic: string, signal?: AbortSignal): Promise<string | undefined> {
    return (await this.view.refresh(topic, signal)).topicId;
  }

  async *readRange(
    topic: string,
    range: OffsetRange,
    options: ReadOptions = {},
  ): AsyncGenerator<RecordBlock, void, undefined> {
    checkRange(topic, range);
    if (range.from === range.to) return;
    // Ends what is under way when the caller cancels, and also when it just stops asking.
    const stop = new AbortController();
    const onAbort = (): void => stop.abort(options.signal?.reason);
    options.signal?.throwIfAborted();
    options.signal?.addEventListener('abort', onAbort, { once: true });
    try {
      yield* this.blocks(topic, range, options, stop.signal);
    } finally {
      options.signal?.removeEventListener('abort', onAbort);
      stop.abort();
    }
  }

  close(): Promise<void> {
    return this.transport.close();
  }

  private async *blocks(
    topic: string,
    range: OffsetRange,
    options: ReadOptions,
    signal: AbortSignal,
  ): AsyncGenerator<RecordBlock, void, undefined> {
    const { partition, to } = range;
    const limits = { ...this.limits, maxFetchBytes: options.maxFetchBytes ?? this.limits.maxFetchBytes };
    const decoder = new BatchDecoder(topic, partition, await loadCodecs(), limits.maxBatchBytes);
    const fetch = new RangeFetch(
      this.transport,
      this.view,
      this.positionReader,
      this.retry,
      limits,
      topic,
      range,
      options.topicId,
      signal,
      options.onFetched,
    );
    const reread = new RereadOnce();
    let position = range.from;
    let ahead: Promise<FetchedBatches> | undefined;
    while (position < to) {
      try {
        const current = await (ahead ?? fetch.at(position));
        signal.throwIfAborted();
        // The next fetch travels while the caller works on this one's blocks: two are held at the most.
        ahead = current.next < to ? quietly(fetch.at(current.next)) : undefined;
        for (const { block, next } of decoder.decode(current.fetched, current.batches, {
          from: position,
          to,
        })) {
          yield block;
          signal.throwIfAborted();
          position = next;
        }
        position = Math.min(current.next, to);
        this.transport.release(current.fetched.records);
      } catch (error) {
        ahead = undefined;
        reread.allow(position, error);
        continue;
      }
      options.onProgress?.(partition, position);
    }
  }
}

/** Lets a corrupt batch be fetched a second time, in case it was corrupted on its way; not a third time. */
class RereadOnce {
  private at: number | undefined;

  allow(position: number, error: unknown): void {
    if (!isTributaryError(error, 'CorruptBatch') || this.at === position) throw error;
    this.at = position;
  }
}

/** A promise that may be dropped: nobody has to handle its failure. */
function quietly<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

function checkRange(topic: string, { partition, from, to }: OffsetRange): void {
  const valid = [partition, from, to].every((value) => Number.isSafeInteger(value) && value >= 0);
  if (valid && from <= to) return;
  throw new TributaryError({
    code: 'InvalidRange',
    message: `Range ${from} to ${to} of ${topic}/${partition} is not a range of offsets.`,
    attributes: { topic, partition, from, to },
  });
}
