import { topicNotFound } from './errors.js';
import { checkCode, KafkaCodeError, KafkaError } from './protocol/error-codes.js';
import type { PartitionLeader, TopicMetadata } from './protocol/metadata.js';
import { orAborted, withRetry, type RetryPolicy } from './retry.js';
import type { KafkaTransport } from './transport.js';

/** A leader that can be asked. */
export interface Leader extends PartitionLeader {
  topicId: string | undefined;
}

/**
 * Metadata of topics, remembered until something shows that it is stale. A topic or partition counts as absent
 * only when brokers have said so for a while, because a new one takes a moment to be known everywhere.
 */
export class TopicView {
  private readonly known = new Map<string, TopicMetadata>();
  private readonly missing = new Map<string, Patience>();

  constructor(
    private readonly transport: KafkaTransport,
    private readonly retry: RetryPolicy,
    private readonly absentAfterMs: number,
  ) {}

  /** Asks anew. @throws TributaryError TopicNotFound, KafkaUnavailable, KafkaRefused */
  async refresh(topic: string, signal: AbortSignal | undefined): Promise<TopicMetadata> {
    const absent = new Patience(this.absentAfterMs);
    const metadata = await withRetry(`metadata of topic ${topic}`, this.retry, signal, async () => {
      const answer = await orAborted(this.transport.metadata(topic), signal);
      if (answer.errorCode === KafkaError.UNKNOWN_TOPIC_OR_PARTITION && absent.isOver()) {
        throw topicNotFound(topic);
      }
      checkCode(answer.errorCode, `metadata of topic ${topic}`);
      return answer;
    });
    this.known.set(topic, metadata);
    return metadata;
  }

  /** The leader of a partition, from memory if possible. Throws a retryable error while there is none. */
  async leader(topic: string, partition: number, signal: AbortSignal | undefined): Promise<Leader> {
    const metadata = this.known.get(topic) ?? (await this.refresh(topic, signal));
    const found = metadata.partitions.find((candidate) => candidate.partition === partition);
    const key = `${topic}/${partition}`;
    if (found === undefined) {
      const patience = this.missing.get(key) ?? new Patience(this.absentAfterMs);
      this.missing.set(key, patience);
      if (patience.isOver()) throw topicNotFound(topic, partition);
      throw new KafkaCodeError(KafkaError.UNKNOWN_TOPIC_OR_PARTITION, `leader of ${key}`);
    }
    this.missing.delete(key);
    return { ...requireLeader(topic, found), topicId: metadata.topicId };
  }

  forget(topic: string): void {
    this.known.delete(topic);
  }
}

/** The partition itself if it has a leader, else a retryable error. */
export function requireLeader(topic: string, partition: PartitionLeader): PartitionLeader {
  if (partition.leader < 0) {
    throw new KafkaCodeError(KafkaError.LEADER_NOT_AVAILABLE, `leader of ${topic}/${partition.partition}`);
  }
  return partition;
}

/** How long a condition has held since it was first asked about. */
export class Patience {
  private since: number | undefined;

  constructor(private readonly ms: number) {}

  isOver(): boolean {
    this.since ??= Date.now();
    return Date.now() - this.since >= this.ms;
  }

  reset(): void {
    this.since = undefined;
  }
}
