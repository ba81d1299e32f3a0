import type { Api } from './request.js';

/** Timestamps with a meaning of their own. */
export const OffsetSpec = { latest: -1, earliest: -2, earliestLocal: -4 } as const;

/** The version from which on `earliestLocal` may be asked (KIP-405, tiered storage). */
export const LIST_OFFSETS_WITH_LOCAL = 8;

export interface ListOffsetsRequest {
  topic: string;
  /** With read_committed, `latest` is the last stable offset; without, the high watermark. */
  committedOnly: boolean;
  /** Milliseconds since the epoch, or an OffsetSpec. */
  timestamp: number;
  partitions: { partition: number; leaderEpoch: number }[];
}

export interface ListedOffset {
  partition: number;
  errorCode: number;
  /** -1 if no record has the timestamp asked for, or a later one. */
  offset: number;
}

export interface ListOffsetsResponse {
  throttleMs: number;
  partitions: ListedOffset[];
}

/** ListOffsets; fields by version are those of Kafka's ListOffsetsRequest.json and ListOffsetsResponse.json. */
export const listOffsetsApi: Api<ListOffsetsRequest, ListOffsetsResponse> = {
  name: 'ListOffsets',
  key: 2,
  minVersion: 2,
  maxVersion: 8,
  flexibleFrom: 6,

  encode(request, to, version) {
    to.int32(-1).int8(request.committedOnly ? 1 : 0);
    to.array([request], () => {
      to.string(request.topic);
      to.array(request.partitions, ({ partition, leaderEpoch }) => {
        to.int32(partition);
        if (version >= 4) to.int32(leaderEpoch);
        to.int64(request.timestamp).noTags();
      }).noTags();
    });
  },

  decode(from, version) {
    const throttleMs = from.int32();
    const topics = from.array(() => {
      from.string();
      const partitions = from.array(() => {
        const partition = from.int32();
        const errorCode = from.int16();
        from.int64();
        const offset = from.int64();
        if (version >= 4) from.int32();
        from.tags();
        return { partition, errorCode, offset };
      });
      from.tags();
      return partitions;
    });
    return { throttleMs, partitions: topics.flat() };
  },
};
