import type { BlockBuilder } from './block.js';
import { readInt64 } from './protocol/wire.js';
import { BatchFormatError, Codec, type BatchHeader } from './record-batch.js';
import type { OffsetWindow } from './records.js';

/** Bytes of a message before its key: offset int64, size int32, crc int32, magic, attributes, timestamp in magic 1. */
const FIXED = { 0: 18, 1: 26 } as const;

/**
 * Appends the messages of the formats before Kafka 0.11 (magic 0 and 1), which old segments may still hold. A plain
 * one is its own record. A compressed one holds messages; those of magic 1 count their offsets from 0, so that the last
 * of them has the offset of the outer message.
 */
export function appendMessages(
  outer: BatchHeader,
  bytes: Buffer,
  start: number,
  end: number,
  window: OffsetWindow,
  block: BlockBuilder,
): void {
  if (outer.codec === Codec.none) {
    appendMessage(outer, bytes, start, end, outer.lastOffset, outer.maxTimestamp, window, block);
    return;
  }
  const fixed = FIXED[outer.magic as 0 | 1];
  const messages = walk(outer, bytes, start, end);
  const shift = outer.magic === 1 ? outer.lastOffset - (messages.at(-1)?.offset ?? 0) : 0;
  for (const { at, messageEnd, offset } of messages) {
    const created = outer.magic === 1 ? Number(bytes.readBigInt64BE(at + 18)) : -1;
    const timestamp = outer.logAppendTime ? outer.maxTimestamp : created;
    appendMessage(outer, bytes, at + fixed, messageEnd, offset + shift, timestamp, window, block);
  }
}

function walk(
  outer: BatchHeader,
  bytes: Buffer,
  start: number,
  end: number,
): { at: number; messageEnd: number; offset: number }[] {
  const messages = [];
  for (let at = start; at < end;) {
    if (at + 12 > end) throw broken(outer);
    const messageEnd = at + 12 + bytes.readInt32BE(at + 8);
    if (messageEnd > end || messageEnd - at < FIXED[outer.magic as 0 | 1] + 8) throw broken(outer);
    messages.push({ at, messageEnd, offset: readInt64(bytes, at) });
    at = messageEnd;
  }
  return messages;
}

/** Key length int32, key, value length int32, value. */
function appendMessage(
  outer: BatchHeader,
  bytes: Buffer,
  at: number,
  end: number,
  offset: number,
  timestamp: number,
  window: OffsetWindow,
  block: BlockBuilder,
): void {
  const keyLength = bytes.readInt32BE(at);
  const valueLengthAt = at + 4 + Math.max(0, keyLength);
  if (valueLengthAt + 4 > end) throw broken(outer);
  const valueLength = bytes.readInt32BE(valueLengthAt);
  if (valueLengthAt + 4 + Math.max(0, valueLength) > end) throw broken(outer);
  if (offset < window.from || offset >= window.to) return;
  block.push(
    offset,
    timestamp,
    keyLength < 0 ? -1 : at + 4,
    keyLength,
    valueLength < 0 ? -1 : valueLengthAt + 4,
    valueLength,
  );
}

function broken(outer: BatchHeader): BatchFormatError {
  return new BatchFormatError('it holds a message that runs past its end', outer.lastOffset);
}
