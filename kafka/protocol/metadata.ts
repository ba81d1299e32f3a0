import type { Api } from './request.js';

export interface BrokerAddress {
  nodeId: number;
  host: string;
  port: number;
}

export interface PartitionLeader {
  partition: number;
  errorCode: number;
  /** -1 while the partition has none. */
  leader: number;
  /** -1 where the broker did not say. */
  leaderEpoch: number;
}

export interface TopicMetadata {
  errorCode: number;
  topic: string;
  topicId: string | undefined;
  partitions: PartitionLeader[];
}

export interface MetadataResponse {
  throttleMs: number;
  brokers: BrokerAddress[];
  topics: TopicMetadata[];
}

/**
 * Metadata of one topic, never creating it; from version 10 on with its id (KIP-516). kafkajs stops at version 6, and
 * fails a refresh of all topics if one of them is gone, which would let one bad topic stop the others.
 * Fields by version are those of Kafka's MetadataRequest.json and MetadataResponse.json.
 */
export const metadataApi: Api<{ topic: string }, MetadataResponse> = {
  name: 'Metadata',
  key: 3,
  minVersion: 4,
  maxVersion: 12,
  flexibleFrom: 9,

  encode({ topic }, to, version) {
    to.array([topic], (name) => {
      if (version >= 10) to.uuid('AAAAAAAAAAAAAAAAAAAAAA');
      to.string(name).noTags();
    });
    to.boolean(false);
    if (version >= 8 && version <= 10) to.boolean(false);
    if (version >= 8) to.boolean(false);
  },

  decode(from, version) {
    const throttleMs = from.int32();
    const brokers = from.array(() => {
      const broker = { nodeId: from.int32(), host: from.string() ?? '', port: from.int32() };
      from.string();
      from.tags();
      return broker;
    });
    from.string();
    from.int32();
    const topics = from.array(() => {
      const errorCode = from.int16();
      const topic = from.string() ?? '';
      const topicId = version >= 10 ? from.uuid() : undefined;
      from.boolean();
      const partitions = from.array((): PartitionLeader => {
        const errorOfPartition = from.int16();
        const partition = from.int32();
        const leader = from.int32();
        const leaderEpoch = version >= 7 ? from.int32() : -1;
        from.array(() => from.int32());
        from.array(() => from.int32());
        if (version >= 5) from.array(() => from.int32());
        from.tags();
        return { partition, errorCode: errorOfPartition, leader, leaderEpoch };
      });
      if (version >= 8) from.int32();
      from.tags();
      return { errorCode, topic, topicId, partitions };
    });
    return { throttleMs, brokers, topics };
  },
};
