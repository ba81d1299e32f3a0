import { TributaryError } from '../../common/errors.js';
import type { DecodedRecord, RecordDecoder } from '../types.js';

/** Why a record cannot become changes. It names the row of the quarantine's statistics, so it never changes. */
export type ProblemReason =
  | 'truncated'
  | 'malformed'
  | 'invalid-utf8'
  | 'bad-checksum'
  | 'claim-check'
  | 'handle-key-only'
  | 'no-key'
  | 'prepared-transaction'
  | 'unsupported';

/** Thrown by the readers below a decoder; `recordDecoder` turns it into the TributaryError of the contract. */
export class DecodeProblem extends Error {
  constructor(
    readonly reason: ProblemReason,
    message: string,
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'DecodeProblem';
  }
}

export type KafkaRecord = Parameters<RecordDecoder>[0];

/** Options of a format as a table's `formatOptions` gives them; a decoder ignores names that it does not know. */
export type DecoderOptions = Readonly<Record<string, string | number | boolean>>;

export type DecoderFactory = (options: DecoderOptions) => RecordDecoder;

/** What a tombstone or a heartbeat means. */
export function nothing(): DecodedRecord {
  return { changes: [] };
}

/**
 * Makes a RecordDecoder of a function that throws DecodeProblem. Only that class is caught: anything else is a defect
 * of the decoder and must not be booked as a bad record.
 */
export function recordDecoder(format: string, decode: (record: KafkaRecord) => DecodedRecord): RecordDecoder {
  return (record) => {
    try {
      return decode(record);
    } catch (error) {
      if (!(error instanceof DecodeProblem)) throw error;
      throw new TributaryError({
        code: 'RecordUndecodable',
        message: `${format} record at partition ${record.partition} offset ${record.offset}: ${error.message}`,
        attributes: {
          format,
          reason: error.reason,
          partition: record.partition,
          offset: record.offset,
        },
        cause: error,
      });
    }
  };
}

/** Text option; `allowed` limits it. */
export function textOption<T extends string>(
  options: DecoderOptions,
  name: string,
  fallback: T,
  allowed?: readonly T[],
): T {
  const value = options[name];
  if (value === undefined) return fallback;
  if (
    typeof value === 'string' &&
    (allowed === undefined || (allowed as readonly string[]).includes(value))
  ) {
    return value as T;
  }
  const choice = allowed === undefined ? 'text' : `one of ${allowed.join(', ')}`;
  throw new TributaryError({
    code: 'ConfigInvalid',
    message: `format option ${name} must be ${choice}, not ${JSON.stringify(value)}`,
    attributes: { option: name },
  });
}
