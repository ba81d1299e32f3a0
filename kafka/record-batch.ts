import { readInt64 } from './protocol/wire.js';

/**
 * Record batches as Kafka stores and sends them (https://kafka.apache.org/documentation/#recordbatch), read in place.
 * Layout of magic 2: baseOffset int64, batchLength int32, partitionLeaderEpoch int32, magic int8, crc int32 over all
 * that follows, attributes int16, lastOffsetDelta int32, baseTimestamp int64, maxTimestamp int64, producerId int64,
 * producerEpoch int16, baseSequence int32, recordCount int32, records. Older magics have their size and their magic
 * at the same places.
 */
const AT = {
  baseOffset: 0,
  batchLength: 8,
  leaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  recordCount: 57,
  records: 61,
} as const;

/** Bytes before what `batchLength` counts. */
const LOG_OVERHEAD = 12;
/** Bytes that show size and magic of any batch. */
const PROBE = 17;
/** The least a record takes: length, attributes, four deltas and lengths, header count, one byte each. */
const MIN_RECORD = 7;

const CODEC_MASK = 0x07;
const LOG_APPEND_TIME = 0x08;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;

/** Codec ids of the attributes. */
export const Codec = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;

/** What the header of a batch says. Positions are those of the buffer it was read from. */
export interface BatchHeader {
  at: number;
  end: number;
  magic: number;
  baseOffset: number;
  /** Last offset that the batch stands for, though compaction may have removed its record, or all of them. */
  lastOffset: number;
  leaderEpoch: number;
  codec: number;
  isControl: boolean;
  isTransactional: boolean;
  logAppendTime: boolean;
  baseTimestamp: number;
  maxTimestamp: number;
  /** -1 for a producer without idempotence. */
  producerId: number;
  recordCount: number;
  recordsAt: number;
}

/** Bytes that break the format; the reader adds topic, partition and offset. */
export class BatchFormatError extends Error {
  constructor(
    message: string,
    /** Offset of the batch, as far as it could be read. */
    readonly offset: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'BatchFormatError';
  }
}

/** The batches of a record set, and the size of the one that its end cuts off (0 if none, or if not even that shows). */
export interface BatchWalk {
  batches: BatchHeader[];
  truncatedSize: number;
}

/**
 * Headers of all whole batches of a record set. A broker cuts a set where its byte limit falls, so a truncated last
 * batch is normal. Checksums are not looked at here.
 * @throws BatchFormatError
 */
export function walkBatches(records: Buffer): BatchWalk {
  const batches: BatchHeader[] = [];
  let at = 0;
  let previous = -1;
  while (at + PROBE <= records.length) {
    const size = LOG_OVERHEAD + records.readInt32BE(at + AT.batchLength);
    const header = records.readInt8(at + AT.magic) === 2 ? headerV2 : headerOfMessage;
    if (size < PROBE) {
      throw new BatchFormatError(`its length is ${size} bytes`, offsetAt(records, at));
    }
    if (at + size > records.length) return { batches, truncatedSize: size };
    const batch = header(records, at, at + size, previous + 1);
    if (batch.lastOffset <= previous) {
      throw new BatchFormatError(`it follows a batch that ended at offset ${previous}`, batch.baseOffset);
    }
    previous = batch.lastOffset;
    batches.push(batch);
    at += size;
  }
  return { batches, truncatedSize: 0 };
}

function headerV2(records: Buffer, at: number, end: number): BatchHeader {
  const baseOffset = offsetAt(records, at);
  if (end - at < AT.records) throw new BatchFormatError(`its length is ${end - at} bytes`, baseOffset);
  const attributes = records.readInt16BE(at + AT.attributes);
  const recordCount = records.readInt32BE(at + AT.recordCount);
  const lastOffsetDelta = records.readInt32BE(at + AT.lastOffsetDelta);
  const codec = attributes & CODEC_MASK;
  const room = codec === Codec.none ? Math.floor((end - at - AT.records) / MIN_RECORD) : lastOffsetDelta + 1;
  if (lastOffsetDelta < 0 || recordCount < 0 || recordCount > Math.min(room, lastOffsetDelta + 1)) {
    throw new BatchFormatError(
      `it says ${recordCount} records, last offset delta ${lastOffsetDelta}, in ${end - at} bytes`,
      baseOffset,
    );
  }
  return {
    at,
    end,
    magic: 2,
    baseOffset,
    lastOffset: baseOffset + lastOffsetDelta,
    leaderEpoch: records.readInt32BE(at + AT.leaderEpoch),
    codec,
    isControl: (attributes & CONTROL) !== 0,
    isTransactional: (attributes & TRANSACTIONAL) !== 0,
    logAppendTime: (attributes & LOG_APPEND_TIME) !== 0,
    baseTimestamp: Number(records.readBigInt64BE(at + AT.baseTimestamp)),
    maxTimestamp: Number(records.readBigInt64BE(at + AT.maxTimestamp)),
    producerId: exactInt64(records, at + AT.producerId, 'producer id', baseOffset),
    recordCount,
    recordsAt: at + AT.records,
  };
}

/**
 * A message of the formats before 0.11: offset int64, size int32, crc int32, magic int8, attributes int8, timestamp
 * int64 (magic 1), key, value. A compressed one carries the offset of the last message inside, so its first is only
 * known to be above what came before.
 */
function headerOfMessage(records: Buffer, at: number, end: number, floor: number): BatchHeader {
  const magic = records.readInt8(at + AT.magic);
  const lastOffset = offsetAt(records, at);
  if (magic !== 0 && magic !== 1) {
    throw new BatchFormatError(`its format (magic ${magic}) is not one that this version knows`, lastOffset);
  }
  const fixed = magic === 1 ? 26 : 18;
  if (end - at < fixed + 8) throw new BatchFormatError(`its length is ${end - at} bytes`, lastOffset);
  const attributes = records.readInt8(at + PROBE);
  const timestamp = magic === 1 ? Number(records.readBigInt64BE(at + PROBE + 1)) : -1;
  const codec = attributes & CODEC_MASK;
  // Of a compressed message only the value matters: it holds the messages.
  const valueAt = at + fixed + 8 + Math.max(0, records.readInt32BE(at + fixed));
  if (valueAt > end) throw new BatchFormatError('its key runs past its end', lastOffset);
  return {
    at,
    end,
    magic,
    baseOffset: codec === Codec.none ? lastOffset : Math.min(floor, lastOffset),
    lastOffset,
    leaderEpoch: -1,
    codec,
    isControl: false,
    isTransactional: false,
    logAppendTime: (attributes & LOG_APPEND_TIME) !== 0,
    baseTimestamp: timestamp,
    maxTimestamp: timestamp,
    producerId: -1,
    recordCount: 1,
    recordsAt: codec === Codec.none ? at + fixed : valueAt,
  };
}

function offsetAt(records: Buffer, at: number): number {
  return exactInt64(records, at + AT.baseOffset, 'offset', -1);
}

function exactInt64(records: Buffer, at: number, what: string, offset: number): number {
  try {
    return readInt64(records, at);
  } catch (error) {
    throw new BatchFormatError(`its ${what} is beyond what a number holds exactly`, offset, { cause: error });
  }
}

/** The checksum a batch carries, and the bytes it covers: CRC-32C from magic 2 on, plain CRC-32 before. */
export function checksumOf(records: Buffer, batch: BatchHeader): { crc: number; from: number; to: number } {
  return batch.magic === 2
    ? { crc: records.readUInt32BE(batch.at + AT.crc), from: batch.at + AT.attributes, to: batch.end }
    : { crc: records.readUInt32BE(batch.at + AT.leaderEpoch), from: batch.at + AT.magic, to: batch.end };
}
