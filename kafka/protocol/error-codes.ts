/** Kafka's error codes that this reader tells apart (https://kafka.apache.org/protocol#protocol_error_codes). */
export const KafkaError = {
  NONE: 0,
  OFFSET_OUT_OF_RANGE: 1,
  CORRUPT_MESSAGE: 2,
  UNKNOWN_TOPIC_OR_PARTITION: 3,
  LEADER_NOT_AVAILABLE: 5,
  NOT_LEADER_OR_FOLLOWER: 6,
  REQUEST_TIMED_OUT: 7,
  REPLICA_NOT_AVAILABLE: 9,
  NETWORK_EXCEPTION: 13,
  INVALID_TOPIC_EXCEPTION: 17,
  TOPIC_AUTHORIZATION_FAILED: 29,
  CLUSTER_AUTHORIZATION_FAILED: 31,
  UNSUPPORTED_VERSION: 35,
  UNSUPPORTED_FOR_MESSAGE_FORMAT: 43,
  KAFKA_STORAGE_ERROR: 56,
  SASL_AUTHENTICATION_FAILED: 58,
  FETCH_SESSION_ID_NOT_FOUND: 70,
  INVALID_FETCH_SESSION_EPOCH: 71,
  FENCED_LEADER_EPOCH: 74,
  UNKNOWN_LEADER_EPOCH: 75,
  UNSUPPORTED_COMPRESSION_TYPE: 76,
  OFFSET_NOT_AVAILABLE: 78,
  UNKNOWN_TOPIC_ID: 100,
  INCONSISTENT_TOPIC_ID: 103,
  FETCH_SESSION_TOPIC_ID_ERROR: 106,
} as const;

const NAMES = new Map<number, string>(Object.entries(KafkaError).map(([name, code]) => [code, name]));

/** Codes that neither waiting nor another broker cures. */
const REFUSALS = new Set<number>([
  KafkaError.INVALID_TOPIC_EXCEPTION,
  KafkaError.TOPIC_AUTHORIZATION_FAILED,
  KafkaError.CLUSTER_AUTHORIZATION_FAILED,
  KafkaError.UNSUPPORTED_VERSION,
  KafkaError.UNSUPPORTED_FOR_MESSAGE_FORMAT,
  KafkaError.SASL_AUTHENTICATION_FAILED,
  KafkaError.UNSUPPORTED_COMPRESSION_TYPE,
]);

/** An error code that a broker answered. */
export class KafkaCodeError extends Error {
  constructor(
    readonly kafkaCode: number,
    what: string,
  ) {
    super(`${what}: ${NAMES.get(kafkaCode) ?? `Kafka error ${kafkaCode}`}`);
    this.name = 'KafkaCodeError';
  }

  /** True if trying again cannot help. Unknown codes are tried again: the deadline bounds them. */
  get refusal(): boolean {
    return REFUSALS.has(this.kafkaCode);
  }
}

/** Throws if a broker's answer carries an error code. */
export function checkCode(code: number, what: string): void {
  if (code !== KafkaError.NONE) throw new KafkaCodeError(code, what);
}
