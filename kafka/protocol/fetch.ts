import { checkCode } from './error-codes.js';
import type { Api } from './request.js';

/** One partition of one topic: Kafka then always answers with at least one whole batch (KIP-74). */
export interface FetchRequest {
  topic: string;
  /** Needed from version 13 on, which names topics by id only (KIP-516). */
  topicId: string | undefined;
  partition: number;
  /** From metadata; -1 if unknown. A broker whose own differs answers FENCED or UNKNOWN_LEADER_EPOCH (KIP-320). */
  leaderEpoch: number;
  offset: number;
  maxBytes: number;
  maxWaitMs: number;
}

export interface AbortedTransaction {
  producerId: number;
  firstOffset: number;
}

/** What one Fetch told of the partition. Record sets are left as they came. */
export interface FetchedPartition {
  errorCode: number;
  highWatermark: number;
  lastStable: number;
  /** -1 where the broker did not say. */
  logStart: number;
  aborted: AbortedTransaction[];
  records: Buffer;
  /** A broker that this request should rather have gone to (KIP-392); -1 for none. */
  preferredReplica: number;
}

/** `undefined` partition: the broker answered nothing about it, as it does when it throttles the client. */
export interface FetchResponse {
  throttleMs: number;
  partition: FetchedPartition | undefined;
}

/** The last version that names topics, so that needs no topic id. */
export const LAST_FETCH_BY_NAME = 12;

const READ_COMMITTED = 1;
const NO_SESSION = { id: 0, epoch: -1 };

/**
 * Fetch, read_committed, without a fetch session (one request stands alone, so no session can be lost).
 * Fields by version are those of Kafka's FetchRequest.json and FetchResponse.json.
 */
export const fetchApi: Api<FetchRequest, FetchResponse> = {
  name: 'Fetch',
  key: 1,
  minVersion: 4,
  maxVersion: 13,
  flexibleFrom: 12,

  encode(request, to, version) {
    to.int32(-1).int32(request.maxWaitMs).int32(1).int32(request.maxBytes).int8(READ_COMMITTED);
    if (version >= 7) to.int32(NO_SESSION.id).int32(NO_SESSION.epoch);
    to.array([request], () => {
      if (version >= 13) to.uuid(request.topicId ?? '');
      else to.string(request.topic);
      to.array([request], () => {
        to.int32(request.partition);
        if (version >= 9) to.int32(request.leaderEpoch);
        to.int64(request.offset);
        if (version >= 12) to.int32(-1);
        if (version >= 5) to.int64(-1);
        to.int32(request.maxBytes).noTags();
      }).noTags();
    });
    if (version >= 7) to.array([], () => undefined);
    if (version >= 11) to.string('');
  },

  decode(from, version) {
    const throttleMs = from.int32();
    if (version >= 7) {
      const errorCode = from.int16();
      from.int32();
      checkCode(errorCode, 'Fetch');
    }
    const topics = from.array(() => {
      if (version >= 13) from.uuid();
      else from.string();
      const partitions = from.array((): FetchedPartition => {
        from.int32();
        const partition = {
          errorCode: from.int16(),
          highWatermark: from.int64(),
          lastStable: from.int64(),
          logStart: version >= 5 ? from.int64() : -1,
          aborted: from.array(() => {
            const transaction = { producerId: from.int64(), firstOffset: from.int64() };
            from.tags();
            return transaction;
          }),
          preferredReplica: version >= 11 ? from.int32() : -1,
          records: from.byteField(),
        };
        from.tags();
        return partition;
      });
      from.tags();
      return partitions;
    });
    return { throttleMs, partition: topics[0]?.[0] };
  },
};
