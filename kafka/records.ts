import { BatchFormatError, type BatchHeader } from './record-batch.js';
import type { BlockBuilder } from './block.js';

/** Half-open window of offsets that a caller wants. */
export interface OffsetWindow {
  from: number;
  to: number;
}

/**
 * Reads through the records of one batch of magic 2 (https://kafka.apache.org/documentation/#record): length varint,
 * attributes int8, timestampDelta varlong, offsetDelta varint, key length varint and key, value length varint and
 * value, headers. Varints are zig-zag. Headers are skipped by the record's length.
 */
class RecordCursor {
  constructor(
    private readonly bytes: Buffer,
    public at: number,
    private readonly end: number,
    private readonly offset: number,
  ) {}

  /** A zig-zag varint of up to five bytes. */
  varint(): number {
    let byte = this.bytes[this.at++]!;
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1);
    let value = byte & 0x7f;
    for (let shift = 7; shift < 35; shift += 7) {
      byte = this.bytes[this.at++]!;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1);
    }
    throw this.broken('a length of more than five bytes');
  }

  /** A zig-zag varlong of up to ten bytes; exact within what a double holds. */
  varlong(): number {
    let value = 0;
    for (let scale = 1, bytes = 0; bytes < 10; scale *= 128, bytes++) {
      const byte = this.bytes[this.at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
    throw this.broken('a timestamp of more than ten bytes');
  }

  checkWithin(end: number): void {
    if (this.at > end || end > this.end) throw this.broken('a record that runs past its end');
  }

  broken(what: string): BatchFormatError {
    return new BatchFormatError(`it holds ${what}`, this.offset);
  }
}

/**
 * Appends the records of a batch that lie inside the window to a block under construction.
 * @param bytes where the records are: the fetched record set, or what a codec made of it
 */
export function appendRecords(
  batch: BatchHeader,
  bytes: Buffer,
  start: number,
  end: number,
  window: OffsetWindow,
  block: BlockBuilder,
): void {
  const cursor = new RecordCursor(bytes, start, end, batch.baseOffset);
  let previous = batch.baseOffset - 1;
  for (let index = 0; index < batch.recordCount; index++) {
    const length = cursor.varint();
    const recordEnd = cursor.at + length;
    if (length < 0) throw cursor.broken('a record of negative length');
    cursor.checkWithin(recordEnd);
    cursor.at++;
    const timestamp = batch.logAppendTime ? batch.maxTimestamp : undefined;
    const created = batch.baseTimestamp + cursor.varlong();
    const offset = batch.baseOffset + cursor.varint();
    if (offset <= previous || offset > batch.lastOffset) throw cursor.broken(`offset ${offset} out of order`);
    previous = offset;
    const keyLength = cursor.varint();
    const keyAt = keyLength < 0 ? -1 : cursor.at;
    if (keyLength > 0) cursor.at += keyLength;
    cursor.checkWithin(recordEnd);
    const valueLength = cursor.varint();
    const valueAt = valueLength < 0 ? -1 : cursor.at;
    if (valueLength > 0) cursor.at += valueLength;
    cursor.checkWithin(recordEnd);
    cursor.at = recordEnd;
    if (offset < window.from) continue;
    if (offset >= window.to) return;
    block.push(offset, timestamp ?? created, keyAt, keyLength, valueAt, valueLength);
  }
  if (cursor.at !== end) throw cursor.broken('bytes after its last record');
}

/** Type of the marker in a control batch (https://kafka.apache.org/documentation/#controlbatch). */
export const Marker = { abort: 0, commit: 1 } as const;

/** The type in the key of a control batch's record: version int16, type int16. -1 if it has none. */
export function markerType(batch: BatchHeader, bytes: Buffer): number {
  if (batch.recordCount === 0) return -1;
  const cursor = new RecordCursor(bytes, batch.recordsAt, batch.end, batch.baseOffset);
  cursor.varint();
  cursor.at++;
  cursor.varlong();
  cursor.varint();
  const keyLength = cursor.varint();
  if (keyLength < 4 || cursor.at + keyLength > batch.end) throw cursor.broken('a marker without a type');
  return bytes.readInt16BE(cursor.at + 2);
}
