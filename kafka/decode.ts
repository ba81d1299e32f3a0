import { crc32 } from 'node:zlib';
import { abortedFilter } from './aborted.js';
import { BlockBuilder } from './block.js';
import type { Decompress } from './codecs.js';
import { crc32c } from './crc32c.js';
import { corrupt } from './errors.js';
import { appendMessages } from './message-set.js';
import type { FetchedPartition } from './protocol/fetch.js';
import { BatchFormatError, checksumOf, Codec, type BatchHeader } from './record-batch.js';
import { appendRecords, Marker, markerType, type OffsetWindow } from './records.js';
import type { RecordBlock } from './types.js';

/** Decompressed batches are gathered to blocks of about this size, so that a block is worth its hand-over. */
const ARENA_BYTES = 1 << 20;
/** Rows that a block has room for, unless a single batch needs more. */
const BLOCK_ROWS = 16_384;

/** A block, and the position after the last batch in it. */
export interface DecodedBlock {
  block: RecordBlock;
  next: number;
}

/** Turns fetched batches into blocks. Keeps the buffer for decompressed bytes from one fetch to the next. */
export class BatchDecoder {
  private arena: Buffer | undefined;

  constructor(
    private readonly topic: string,
    private readonly partition: number,
    private readonly decompress: Decompress,
    private readonly maxBatchBytes: number,
  ) {}

  /**
   * The committed data records inside the window. Control and aborted batches are passed over, and so is what lies
   * outside the window in a batch that straddles its edge. `next` of the last block may be below the fetch's end.
   * @throws TributaryError CorruptBatch
   */
  *decode(
    fetched: FetchedPartition,
    batches: readonly BatchHeader[],
    window: OffsetWindow,
  ): Generator<DecodedBlock, void, undefined> {
    try {
      yield* this.blocks(fetched, batches, window);
    } catch (error) {
      throw corrupt(this.topic, this.partition, window.from, error);
    }
  }

  private *blocks(
    fetched: FetchedPartition,
    batches: readonly BatchHeader[],
    window: OffsetWindow,
  ): Generator<DecodedBlock, void, undefined> {
    const { records } = fetched;
    const aborted = abortedFilter(fetched.aborted);
    let rowsAhead = batches.reduce((sum, batch) => sum + batch.recordCount, 0);
    let block: BlockBuilder | undefined;
    let arenaUsed = 0;
    let next = window.from;

    for (const batch of batches) {
      rowsAhead -= batch.recordCount;
      if (batch.lastOffset < window.from) continue;
      if (batch.baseOffset >= window.to) break;
      verifyChecksum(records, batch);
      if (batch.isControl) {
        if (markerType(batch, records) === Marker.abort) aborted.endTransaction(batch);
      } else if (batch.recordCount > 0 && !aborted.isAborted(batch)) {
        const plain = batch.codec === Codec.none;
        const output = plain ? records : this.decompressed(batch, records);
        const room = plain ? 0 : output.length;
        const inArena = block !== undefined && block.bytes === this.arena;
        const fits =
          block !== undefined &&
          block.hasRoomFor(batch.recordCount) &&
          (plain ? block.bytes === records : inArena && arenaUsed + room <= ARENA_BYTES);
        if (!fits) {
          if (block !== undefined && !block.isEmpty) yield { block: block.finish(), next };
          const bytes =
            plain || room > ARENA_BYTES ? output : (this.arena ??= Buffer.allocUnsafeSlow(ARENA_BYTES));
          const rows = Math.min(BLOCK_ROWS, batch.recordCount + rowsAhead);
          block = new BlockBuilder(this.partition, bytes, Math.max(rows, batch.recordCount));
          arenaUsed = 0;
        }
        this.append(batch, records, output, arenaUsed, window, block!);
        arenaUsed += room;
      }
      next = batch.lastOffset + 1;
    }
    if (block !== undefined && !block.isEmpty) yield { block: block.finish(), next };
  }

  private append(
    batch: BatchHeader,
    records: Buffer,
    output: Buffer,
    arenaUsed: number,
    window: OffsetWindow,
    block: BlockBuilder,
  ): void {
    let start = output === records ? batch.recordsAt : 0;
    let end = output === records ? batch.end : output.length;
    if (output !== block.bytes) {
      output.copy(block.bytes, arenaUsed);
      start += arenaUsed;
      end += arenaUsed;
    }
    if (batch.magic === 2) appendRecords(batch, block.bytes, start, end, window, block);
    else appendMessages(batch, block.bytes, start, end, window, block);
  }

  private decompressed(batch: BatchHeader, records: Buffer): Buffer {
    try {
      return this.decompress(batch.codec, records.subarray(batch.recordsAt, batch.end), this.maxBatchBytes);
    } catch (error) {
      throw new BatchFormatError(
        `its records cannot be decompressed: ${error instanceof Error ? error.message : String(error)}`,
        batch.baseOffset,
        { cause: error },
      );
    }
  }
}

function verifyChecksum(records: Buffer, batch: BatchHeader): void {
  const { crc, from, to } = checksumOf(records, batch);
  const actual = batch.magic === 2 ? crc32c(records, from, to) : crc32(records.subarray(from, to));
  if (actual !== crc) {
    throw new BatchFormatError(`its checksum is ${actual}, its header says ${crc}`, batch.baseOffset);
  }
}
