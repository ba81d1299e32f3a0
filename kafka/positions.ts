import { checkCode, KafkaCodeError, KafkaError } from './protocol/error-codes.js';
import { OffsetSpec } from './protocol/list-offsets.js';
import type { PartitionLeader } from './protocol/metadata.js';
import { orAborted, withRetry, type RetryPolicy } from './retry.js';
import { requireLeader, type TopicView } from './topic-view.js';
import type { KafkaTransport } from './transport.js';
import type { PartitionPosition, TopicPositions } from './types.js';

interface Asked {
  committedOnly: boolean;
  timestamp: number;
}

/** Answers of ListOffsets for all partitions of a topic, each asked of its leader. */
export class PositionReader {
  constructor(
    private readonly transport: KafkaTransport,
    private readonly view: TopicView,
    private readonly retry: RetryPolicy,
  ) {}

  /** See RangeReader.positions. */
  async positions(topic: string, signal: AbortSignal | undefined): Promise<TopicPositions> {
    const asOf = Date.now();
    return this.retrying(topic, signal, async () => {
      const { partitions, topicId } = await this.view.refresh(topic, signal);
      const found = await this.positionsOf(topic, partitions, signal);
      return { topic, ...(topicId === undefined ? {} : { topicId }), partitions: found, asOf };
    });
  }

  /** The position of one partition, asked once; for finding out why a fetch failed. */
  async position(
    topic: string,
    partition: PartitionLeader,
    signal: AbortSignal | undefined,
  ): Promise<PartitionPosition> {
    const [position] = await this.positionsOf(topic, [partition], signal);
    return position!;
  }

  /** See RangeReader.offsetsForTime. */
  async offsetsForTime(
    topic: string,
    ms: number,
    signal: AbortSignal | undefined,
  ): Promise<Map<number, number>> {
    return this.retrying(topic, signal, async () => {
      const { partitions } = await this.view.refresh(topic, signal);
      // The end is asked first: a record that arrives between the two answers is then after the end, not lost.
      const ends = await this.list(
        topic,
        partitions,
        { committedOnly: true, timestamp: OffsetSpec.latest },
        signal,
      );
      const found = await this.list(topic, partitions, { committedOnly: true, timestamp: ms }, signal);
      return new Map([...ends].map(([partition, end]) => [partition, atLeast0(found.get(partition)) ?? end]));
    });
  }

  /** In the order start, last stable, high watermark: each only grows, so that start <= stable <= high holds. */
  private async positionsOf(
    topic: string,
    partitions: readonly PartitionLeader[],
    signal: AbortSignal | undefined,
  ): Promise<PartitionPosition[]> {
    const list = (asked: Asked) => this.list(topic, partitions, asked, signal);
    const logStart = await list({ committedOnly: false, timestamp: OffsetSpec.earliest });
    const lastStable = await list({ committedOnly: true, timestamp: OffsetSpec.latest });
    const highWatermark = await list({ committedOnly: false, timestamp: OffsetSpec.latest });
    return [...logStart.keys()]
      .sort((a, b) => a - b)
      .map((partition) => ({
        partition,
        logStart: logStart.get(partition)!,
        lastStable: lastStable.get(partition)!,
        highWatermark: highWatermark.get(partition)!,
      }));
  }

  private async list(
    topic: string,
    partitions: readonly PartitionLeader[],
    asked: Asked,
    signal: AbortSignal | undefined,
  ): Promise<Map<number, number>> {
    const byLeader = new Map<number, PartitionLeader[]>();
    for (const partition of partitions) {
      const { leader } = requireLeader(topic, partition);
      byLeader.set(leader, [...(byLeader.get(leader) ?? []), partition]);
    }
    const answers = await orAborted(
      Promise.all(
        [...byLeader].map(([leader, led]) =>
          this.transport.listOffsets(leader, { topic, partitions: led, ...asked }),
        ),
      ),
      signal,
    );
    const offsets = new Map<number, number>();
    for (const { partition, errorCode, offset } of answers.flat()) {
      checkCode(errorCode, `offsets of ${topic}/${partition}`);
      offsets.set(partition, offset);
    }
    for (const { partition } of partitions) {
      if (!offsets.has(partition)) {
        throw new KafkaCodeError(KafkaError.UNKNOWN_TOPIC_OR_PARTITION, `offsets of ${topic}/${partition}`);
      }
    }
    return offsets;
  }

  private retrying<T>(topic: string, signal: AbortSignal | undefined, attempt: () => Promise<T>): Promise<T> {
    return withRetry(`positions of topic ${topic}`, this.retry, signal, attempt, () => {
      this.view.forget(topic);
    });
  }
}

function atLeast0(offset: number | undefined): number | undefined {
  return offset === undefined || offset < 0 ? undefined : offset;
}
