import { corrupt, corruptBatch, offsetsLost, rangeBeyondStable } from './errors.js';
import type { PositionReader } from './positions.js';
import { KafkaCodeError, KafkaError } from './protocol/error-codes.js';
import type { FetchedPartition } from './protocol/fetch.js';
import { walkBatches, type BatchHeader, type BatchWalk } from './record-batch.js';
import { orAborted, withRetry, type RetryPolicy } from './retry.js';
import { Patience, type Leader, type TopicView } from './topic-view.js';
import type { KafkaTransport } from './transport.js';
import type { OffsetRange, PartitionPosition } from './types.js';

/** One fetch that moved the position. */
export interface FetchedBatches {
  fetched: FetchedPartition;
  batches: BatchHeader[];
  /** Where the next fetch starts: after the last whole batch, or the range's end if nothing is left below it. */
  next: number;
}

export interface FetchLimits {
  /** Bytes asked for at a time, at most. One larger batch is still fetched whole. */
  maxFetchBytes: number;
  /** Bytes of a range's first fetch, at most: how many bytes its records take is not known yet. */
  firstFetchBytes: number;
  /** Bytes a single batch may have; beyond it the length field is taken for garbage. */
  maxBatchBytes: number;
  /** How long to wait for a last stable offset or an end of the log that is still below the end of the range. */
  stableWaitMs: number;
}

/** A full answer waits this long for a first byte; only reached at the end of a log. */
const MAX_WAIT_MS = 500;
/** So many empty answers in a row are taken for a proof that nothing is there. */
const EMPTY_PROOF = 2;

/** Room for batches that are larger than those before them, so that the end of a range seldom takes another fetch. */
const MARGIN = 1.02;

/** Fetches one range of one partition piece by piece, and tells what cannot be read from what cannot be read now. */
export class RangeFetch {
  private readonly beyond: Patience;
  private maxBytes: number;
  private seenBytes = 0;
  private seenOffsets = 0;
  private seenBatches = 0;

  constructor(
    private readonly transport: KafkaTransport,
    private readonly view: TopicView,
    private readonly positions: PositionReader,
    private readonly retry: RetryPolicy,
    private readonly limits: FetchLimits,
    private readonly topic: string,
    private readonly range: OffsetRange,
    /** Id of the topic that the range was planned on; set at the first fetch if the caller did not know it. */
    private topicId: string | undefined,
    private readonly signal: AbortSignal,
    private readonly onFetched?: (bytes: number) => void,
  ) {
    this.beyond = new Patience(limits.stableWaitMs);
    this.maxBytes = Math.min(limits.firstFetchBytes, limits.maxFetchBytes);
  }

  /** The batches from `position` on: at least one, or the news that there is none before the range's end. */
  async at(position: number): Promise<FetchedBatches> {
    const what = `records of ${this.topic}/${this.range.partition} from offset ${position}`;
    for (let empties = 0; ;) {
      const result = await withRetry(
        what,
        this.retry,
        this.signal,
        () => this.once(position),
        () => this.view.forget(this.topic),
      );
      if (result === 'larger') continue;
      if (result.batches.length > 0 || ++empties === EMPTY_PROOF) return result;
    }
  }

  /** One fetch; 'larger' if it has to be repeated with more room for a batch. */
  private async once(position: number): Promise<FetchedBatches | 'larger'> {
    const leader = await this.leader(position);
    const fetched = await orAborted(
      this.transport.fetch(leader.leader, {
        topic: this.topic,
        topicId: this.topicId,
        partition: this.range.partition,
        leaderEpoch: leader.leaderEpoch,
        offset: position,
        maxBytes: this.maxBytes,
        maxWaitMs: MAX_WAIT_MS,
      }),
      this.signal,
    );
    if (fetched === undefined) throw new Error('the broker throttles this client');
    this.onFetched?.(fetched.records.length);
    await this.checkAnswer(fetched, leader, position);
    const { batches, truncatedSize } = this.walk(fetched.records, position);
    const last = batches.at(-1);
    if (last === undefined) {
      return fetched.records.length > 0
        ? this.growTo(truncatedSize > 0 ? truncatedSize : this.maxBytes * 2, position)
        : await this.nothingThere(fetched, leader, position);
    }
    if (last.lastOffset < position)
      throw new Error(`it answered with batches that end at ${last.lastOffset}`);
    this.learn(batches, last.lastOffset + 1 - position);
    this.maxBytes = this.bytesFrom(last.lastOffset + 1);
    return { fetched, batches, next: last.lastOffset + 1 };
  }

  private learn(batches: BatchHeader[], offsets: number): void {
    for (const { at, end } of batches) this.seenBytes += end - at;
    this.seenBatches += batches.length;
    this.seenOffsets += offsets;
  }

  /**
   * The whole batches that are likely left of the range. The log goes on behind its end: what a full fetch has of that is fetched again
   * by the next range.
   */
  private bytesFrom(position: number): number {
    const left = Math.max(1, this.range.to - position);
    const batches = Math.ceil((left * this.seenBatches) / this.seenOffsets);
    const bytes = Math.ceil(batches * (this.seenBytes / this.seenBatches) * MARGIN);
    return Math.min(this.limits.maxFetchBytes, bytes);
  }

  private async leader(position: number): Promise<Leader> {
    const leader = await this.view.leader(this.topic, this.range.partition, this.signal);
    this.topicId ??= leader.topicId;
    if (leader.topicId !== this.topicId && leader.topicId !== undefined) {
      // What is remembered may be older than the plan: only fresh metadata proves a recreation.
      const fresh = await this.view.refresh(this.topic, this.signal);
      if (fresh.topicId !== undefined && fresh.topicId !== this.topicId) {
        throw offsetsLost(this.topic, { ...this.range, from: position }, 'recreated', {
          plannedTopicId: this.topicId ?? '',
          topicId: fresh.topicId,
        });
      }
      return this.view.leader(this.topic, this.range.partition, this.signal);
    }
    return leader;
  }

  private async checkAnswer(fetched: FetchedPartition, leader: Leader, position: number): Promise<void> {
    const what = `fetch of ${this.topic}/${this.range.partition} at offset ${position}`;
    if (fetched.errorCode === KafkaError.OFFSET_OUT_OF_RANGE) {
      this.checkLoss(await this.positions.position(this.topic, leader, this.signal), position);
    }
    if (fetched.errorCode !== KafkaError.NONE) throw new KafkaCodeError(fetched.errorCode, what);
    this.checkLoss({ ...fetched, partition: this.range.partition }, position);
    this.beyond.reset();
  }

  /** Throws what the position of a partition means for this range; nothing if the range is readable. */
  private checkLoss({ logStart, lastStable, highWatermark }: PartitionPosition, position: number): void {
    const { to, partition } = this.range;
    if (position < logStart) {
      const lost = { partition, from: position, to: Math.min(logStart, to) };
      throw offsetsLost(this.topic, lost, 'retention', { logStart });
    }
    if (to <= lastStable) return;
    // A leader that just started may not know yet how far the log is committed: this has to last to count.
    if (!this.beyond.isOver())
      throw new Error(`last stable offset ${lastStable} is below the end ${to} of the range`);
    if (to <= highWatermark)
      throw rangeBeyondStable(this.topic, { ...this.range, from: position }, lastStable);
    const lost = { partition, from: Math.min(Math.max(position, highWatermark), to - 1), to };
    throw offsetsLost(this.topic, lost, 'beyond_end', { highWatermark, position });
  }

  private walk(records: Buffer, position: number): BatchWalk {
    try {
      return walkBatches(records);
    } catch (error) {
      throw corrupt(this.topic, this.range.partition, position, error);
    }
  }

  private growTo(size: number, position: number): 'larger' {
    const { maxBatchBytes } = this.limits;
    if (size > maxBatchBytes) {
      const why = `its length is ${size} bytes, more than the limit of ${maxBatchBytes}`;
      throw corruptBatch({ topic: this.topic, partition: this.range.partition, offset: position }, why);
    }
    if (size <= this.maxBytes) throw new Error(`it cut a batch of ${size} bytes within ${this.maxBytes}`);
    this.maxBytes = size;
    return 'larger';
  }

  /**
   * A broker answers with no batch at all, and no error, where compaction has removed everything from the position up
   * to the last stable offset. A broker with tiered storage also does so while it waits for the remote part of a log,
   * which lies below its local start; compacted topics are never tiered.
   */
  private async nothingThere(
    fetched: FetchedPartition,
    leader: Leader,
    position: number,
  ): Promise<FetchedBatches> {
    const { partition, to } = this.range;
    if (fetched.preferredReplica >= 0)
      throw new Error(`it wants replica ${fetched.preferredReplica} to be asked`);
    const localStart = await orAborted(
      this.transport.earliestLocal(leader.leader, this.topic, partition),
      this.signal,
    );
    if (localStart !== undefined && position < localStart) {
      throw new Error(`it has not yet loaded offset ${position} from remote storage`);
    }
    return { fetched, batches: [], next: to };
  }
}
