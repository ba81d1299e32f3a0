import { BufferPool } from './buffer-pool.js';
import type { ClusterOptions } from './client.js';
import { Connections } from './connections.js';
import { checkCode, KafkaCodeError, KafkaError } from './protocol/error-codes.js';
import { fetchApi, LAST_FETCH_BY_NAME, type FetchedPartition, type FetchRequest } from './protocol/fetch.js';
import {
  LIST_OFFSETS_WITH_LOCAL,
  listOffsetsApi,
  OffsetSpec,
  type ListedOffset,
  type ListOffsetsRequest,
} from './protocol/list-offsets.js';
import { metadataApi, type TopicMetadata } from './protocol/metadata.js';

/**
 * The four questions that the range reader asks Kafka, each once and without retry. kafkajs is frozen at 2.2.4: what
 * comes after it has to provide this, and nothing else of the room changes. Error codes of partitions are part of the
 * answers; a failure of the connection throws.
 */
export interface KafkaTransport {
  /** Metadata of one topic from any broker. It never creates the topic. */
  metadata(topic: string): Promise<TopicMetadata>;
  listOffsets(leader: number, request: ListOffsetsRequest): Promise<ListedOffset[]>;
  /** Undefined if the broker answered nothing about the partition, as when it throttles the client. */
  fetch(leader: number, request: FetchRequest): Promise<FetchedPartition | undefined>;
  /** First offset that the leader has on its own disk; undefined if it has no tiered storage. */
  earliestLocal(leader: number, topic: string, partition: number): Promise<number | undefined>;
  /** Hands back the memory of a fetch's records. Whoever does not, leaves it to the garbage collector. */
  release(records: Buffer): void;
  close(): Promise<void>;
}

/** The transport over kafkajs' connections. Nothing is connected before the first question. */
export function kafkajsTransport(options: ClusterOptions): KafkaTransport {
  const pool = new BufferPool();
  const connections = new Connections(options, pool);
  const listOffsets = async (leader: number, request: ListOffsetsRequest): Promise<ListedOffset[]> =>
    (await connections.send(leader, listOffsetsApi, request)).partitions;

  return {
    listOffsets,

    async metadata(topic) {
      try {
        const response = await connections.send('any', metadataApi, { topic });
        connections.learn(response.brokers);
        const found = response.topics.find((candidate) => candidate.topic === topic);
        if (found === undefined) {
          throw new KafkaCodeError(KafkaError.UNKNOWN_TOPIC_OR_PARTITION, `metadata of ${topic}`);
        }
        if (found.errorCode !== KafkaError.NONE) connections.rotate();
        return found;
      } catch (error) {
        connections.rotate();
        throw error;
      }
    },

    async fetch(leader, request) {
      const limit = request.topicId === undefined ? LAST_FETCH_BY_NAME : Infinity;
      return (await connections.send(leader, fetchApi, request, limit)).partition;
    },

    async earliestLocal(leader, topic, partition) {
      const version = await connections.version(leader, listOffsetsApi);
      if (version === undefined || version < LIST_OFFSETS_WITH_LOCAL) return undefined;
      const [listed] = await listOffsets(leader, {
        topic,
        committedOnly: false,
        timestamp: OffsetSpec.earliestLocal,
        partitions: [{ partition, leaderEpoch: -1 }],
      });
      checkCode(
        listed?.errorCode ?? KafkaError.UNKNOWN_TOPIC_OR_PARTITION,
        `local log start of ${topic}/${partition}`,
      );
      return listed?.offset;
    },

    release: (records) => pool.release(records),
    close: () => connections.close(),
  };
}
