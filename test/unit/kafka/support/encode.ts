import { crc32, gzipSync } from 'node:zlib';
import { compressFrameSync } from 'lz4-napi';
import { compress as snappyCompress } from 'snappyjs';
import { crc32c } from '../../../../kafka/crc32c.js';

/** A writer of record batches for tests: as little of the format as the reader has to understand. */
export type CodecName = 'none' | 'gzip' | 'snappy' | 'snappy-raw' | 'lz4' | 'zstd';

const CODEC_ID: Record<CodecName, number> = {
  none: 0,
  gzip: 1,
  snappy: 2,
  'snappy-raw': 2,
  lz4: 3,
  zstd: 4,
};

export interface RecordInput {
  offset: number;
  timestamp: number;
  key: Buffer | null;
  value: Buffer | null;
  headers?: [string, Buffer | null][];
}

export interface BatchInput {
  baseOffset: number;
  /** The offset up to which the batch stands, also if compaction took its last records. */
  lastOffset: number;
  records: RecordInput[];
  codec?: CodecName;
  producerId?: number;
  transactional?: boolean;
  control?: boolean;
  logAppendTime?: number;
  magic?: number;
}

export function varint(value: number | bigint): Buffer {
  const signed = BigInt(value);
  let rest = BigInt.asUintN(64, (signed << 1n) ^ (signed >> 63n));
  const bytes: number[] = [];
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 0x80 : low);
  } while (rest > 0n);
  return Buffer.from(bytes);
}

function field(bytes: Buffer | null): Buffer {
  return bytes === null ? varint(-1) : Buffer.concat([varint(bytes.length), bytes]);
}

export function encodeRecord(record: RecordInput, baseOffset: number, baseTimestamp: number): Buffer {
  const headers = record.headers ?? [];
  const body = Buffer.concat([
    Buffer.from([0]),
    varint(record.timestamp - baseTimestamp),
    varint(record.offset - baseOffset),
    field(record.key),
    field(record.value),
    varint(headers.length),
    ...headers.flatMap(([name, value]) => [field(Buffer.from(name)), field(value)]),
  ]);
  return Buffer.concat([varint(body.length), body]);
}

/** zstd of stored blocks, without content size, as a streaming writer leaves it. */
export function zstdStored(input: Buffer, blockBytes = 1000): Buffer {
  const parts: Buffer[] = [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58])];
  for (let at = 0; at === 0 || at < input.length; at += blockBytes) {
    const block = input.subarray(at, at + blockBytes);
    const last = at + blockBytes >= input.length ? 1 : 0;
    const header = Buffer.alloc(3);
    header.writeUIntLE((block.length << 3) | last, 0, 3);
    parts.push(header, block);
  }
  return Buffer.concat(parts);
}

/** Several blocks, as snappy-java writes them. */
export function xerial(input: Buffer, blockBytes = 500): Buffer {
  const parts: Buffer[] = [
    Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1]),
  ];
  for (let at = 0; at < input.length; at += blockBytes) {
    const block = snappyCompress(input.subarray(at, at + blockBytes));
    const size = Buffer.alloc(4);
    size.writeInt32BE(block.length);
    parts.push(size, block);
  }
  return Buffer.concat(parts);
}

export function compress(codec: CodecName, input: Buffer): Buffer {
  switch (codec) {
    case 'none':
      return input;
    case 'gzip':
      return gzipSync(input);
    case 'snappy':
      return xerial(input);
    case 'snappy-raw':
      return snappyCompress(input);
    case 'lz4':
      return compressFrameSync(input);
    case 'zstd':
      return zstdStored(input);
  }
}

/** A batch of magic 2. */
export function encodeBatch(input: BatchInput): Buffer {
  const { baseOffset, lastOffset, records, codec = 'none' } = input;
  const baseTimestamp = records[0]?.timestamp ?? -1;
  const body = compress(
    codec,
    Buffer.concat(records.map((record) => encodeRecord(record, baseOffset, baseTimestamp))),
  );
  const batch = Buffer.concat([Buffer.alloc(61), body]);
  const attributes =
    CODEC_ID[codec] |
    (input.logAppendTime === undefined ? 0 : 0x08) |
    (input.transactional ? 0x10 : 0) |
    (input.control ? 0x20 : 0);
  batch.writeBigInt64BE(BigInt(baseOffset), 0);
  batch.writeInt32BE(batch.length - 12, 8);
  batch.writeInt32BE(0, 12);
  batch.writeInt8(input.magic ?? 2, 16);
  batch.writeInt16BE(attributes, 21);
  batch.writeInt32BE(lastOffset - baseOffset, 23);
  batch.writeBigInt64BE(BigInt(baseTimestamp), 27);
  const maxTimestamp = input.logAppendTime ?? Math.max(-1, ...records.map(({ timestamp }) => timestamp));
  batch.writeBigInt64BE(BigInt(maxTimestamp), 35);
  batch.writeBigInt64BE(BigInt(input.producerId ?? -1), 43);
  batch.writeInt16BE(0, 51);
  batch.writeInt32BE(0, 53);
  batch.writeInt32BE(records.length, 57);
  return sealed(batch);
}

/** Writes the checksum of a batch whose other bytes are as wanted, however wrong. */
export function sealed(batch: Buffer): Buffer {
  batch.writeUInt32BE(crc32c(batch, 21), 17);
  return batch;
}

/** The marker that ends a transaction: key of version 0 and type, value of version and coordinator epoch. */
export function encodeMarker(offset: number, producerId: number, type: 'abort' | 'commit'): Buffer {
  const key = Buffer.from([0, 0, 0, type === 'abort' ? 0 : 1]);
  return encodeBatch({
    baseOffset: offset,
    lastOffset: offset,
    records: [{ offset, timestamp: 1, key, value: Buffer.alloc(6) }],
    producerId,
    transactional: true,
    control: true,
  });
}

function int32Field(bytes: Buffer | null): Buffer {
  const size = Buffer.alloc(4);
  size.writeInt32BE(bytes?.length ?? -1);
  return Buffer.concat([size, bytes ?? Buffer.alloc(0)]);
}

/** A message of the formats before Kafka 0.11. */
export function encodeMessage(magic: 0 | 1, record: RecordInput, codecId = 0): Buffer {
  const head = Buffer.alloc(magic === 1 ? 26 : 18);
  const message = Buffer.concat([head, int32Field(record.key), int32Field(record.value)]);
  message.writeBigInt64BE(BigInt(record.offset), 0);
  message.writeInt32BE(message.length - 12, 8);
  message.writeInt8(magic, 16);
  message.writeInt8(codecId, 17);
  if (magic === 1) message.writeBigInt64BE(BigInt(record.timestamp), 18);
  message.writeUInt32BE(crc32(message.subarray(16)), 12);
  return message;
}

/** A compressed message of messages; magic 1 counts inside from 0. */
export function encodeWrapper(magic: 0 | 1, records: RecordInput[]): Buffer {
  const first = magic === 1 ? records[0]!.offset : 0;
  const inner = records.map((record) => encodeMessage(magic, { ...record, offset: record.offset - first }));
  const { offset, timestamp } = records.at(-1)!;
  return encodeMessage(magic, { offset, timestamp, key: null, value: gzipSync(Buffer.concat(inner)) }, 1);
}
