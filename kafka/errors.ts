import { TributaryError, errorMessage } from '../common/errors.js';
import type { ClusterOptions } from './client.js';
import { BatchFormatError } from './record-batch.js';
import type { OffsetRange } from './types.js';

/** Why records of a range can never be read again. */
export type LossReason = 'retention' | 'beyond_end' | 'recreated';

const ADVICE: Record<LossReason, string> = {
  retention:
    'retention or DeleteRecords removed them before they were read. Lengthen the retention of the topic, and ' +
    'reload the lost interval from its source; then move the position past it',
  beyond_end:
    'the log ends before them: it was truncated, or the topic was deleted and created again. Check what happened ' +
    'to the topic; if it is a new one, start it from its beginning as a new source',
  recreated:
    'the topic was deleted and created again since the range was planned. Offsets of the old topic mean nothing ' +
    'in the new one: start it from its beginning as a new source',
};

/** Permanent loss of `[lostFrom, lostTo)`; a person has to decide what to do. */
export function offsetsLost(
  topic: string,
  lost: OffsetRange,
  reason: LossReason,
  evidence: Record<string, number | string> = {},
): TributaryError {
  const seen = Object.entries(evidence).map(([name, value]) => `${name} ${value}`);
  return new TributaryError({
    code: 'OffsetsLost',
    message:
      `Offsets ${lost.from} to ${lost.to - 1} of ${topic}/${lost.partition} cannot be read any more: ` +
      `${ADVICE[reason]}${seen.length > 0 ? ` (${seen.join(', ')})` : ''}.`,
    attributes: {
      topic,
      partition: lost.partition,
      lostFrom: lost.from,
      lostTo: lost.to,
      reason,
      ...evidence,
    },
  });
}

/** The end of a range is above the last stable offset: its records are not decided yet. */
export function rangeBeyondStable(topic: string, range: OffsetRange, lastStable: number): TributaryError {
  return new TributaryError({
    code: 'RangeBeyondStable',
    message:
      `Range ${range.from} to ${range.to} of ${topic}/${range.partition} ends above the last stable offset ` +
      `${lastStable}: a transaction is still open below its end. It becomes readable when that transaction ends.`,
    retryable: true,
    attributes: { topic, partition: range.partition, from: range.from, to: range.to, lastStable },
  });
}

/** The topic, or one of its partitions, does not exist. */
export function topicNotFound(topic: string, partition?: number): TributaryError {
  const what = partition === undefined ? `Topic ${topic}` : `Partition ${partition} of topic ${topic}`;
  return new TributaryError({
    code: 'TopicNotFound',
    message: `${what} does not exist in this Kafka cluster. Check the name and the brokers, or create it.`,
    attributes: { topic, ...(partition === undefined ? {} : { partition }) },
  });
}

/** Kafka could not be asked within the time given. The same call may succeed later. */
export function kafkaUnavailable(
  what: string,
  cause: unknown,
  cluster?: Pick<ClusterOptions, 'name' | 'brokers'>,
): TributaryError {
  const { name, brokers = [] } = cluster ?? {};
  const key = name === undefined ? '' : ` (kafka.${name}.brokers)`;
  const tried =
    brokers.length === 0 ? '' : ` Asked ${brokers.join(', ')}${key} and the brokers that they name.`;
  return new TributaryError({
    code: 'KafkaUnavailable',
    message:
      `Kafka did not answer: ${what}: ${errorMessage(cause)}.${tried} ` +
      'Check that the brokers run, that this machine reaches them by the names they advertise, and that they speak what the config says (ssl, sasl).',
    retryable: true,
    ...(brokers.length > 0 && { attributes: { brokers } }),
    cause,
  });
}

/** Kafka refuses this client for a reason that waiting does not cure. */
export function kafkaRefused(what: string, cause: unknown): TributaryError {
  return new TributaryError({
    code: 'KafkaRefused',
    message: `Kafka refuses ${what}: ${errorMessage(cause)}. Check the credentials, the ACLs and the broker's version.`,
    cause,
  });
}

/** A batch whose bytes are not what the format promises. */
export function corruptBatch(
  at: { topic: string; partition: number; offset: number },
  what: string,
  cause?: unknown,
): TributaryError {
  return new TributaryError({
    code: 'CorruptBatch',
    message:
      `The record batch at offset ${at.offset} of ${at.topic}/${at.partition} is corrupt: ${what}. ` +
      `Check the broker's disks and the other replicas (kafka-dump-log), then retry.`,
    attributes: { ...at },
    cause,
  });
}

/** CorruptBatch for what broke while a batch was read; a defect of ours stays what it is. */
export function corrupt(topic: string, partition: number, offset: number, error: unknown): unknown {
  if (error instanceof TributaryError || error instanceof TypeError) return error;
  const known = error instanceof BatchFormatError && error.offset >= 0 ? error.offset : offset;
  return corruptBatch({ topic, partition, offset: known }, errorMessage(error), error);
}
