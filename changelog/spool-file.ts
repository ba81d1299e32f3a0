import { isUtf8 } from 'node:buffer';

import type { RecordBlock } from '../kafka/types.js';
import { deltaLengths, DoubleBuffer, OptionalBytesBuffer } from './page-buffers.js';
import { DELTA_LENGTH, ParquetFile, PLAIN, type ParquetColumn } from './parquet-file.js';
import { RepeatedTexts, type FindRepeated } from './repeated-text.js';

const PAGE_BYTES = 4 << 20;
const GROUP_BYTES = 64 << 20;
const GROUP_ROWS = 122_880;

const META: ParquetColumn[] = [
  { name: 'p', type: 'double', optional: false },
  { name: 'o', type: 'double', optional: false },
  { name: 'ts', type: 'double', optional: false },
  { name: 'key', type: 'bytes', optional: true },
];

/** Partition, offset, timestamp and key of the rows of one row group. */
class MetaColumns {
  private partitions = new DoubleBuffer();
  private offsets = new DoubleBuffer();
  private timestamps = new DoubleBuffer();
  private keys = new OptionalBytesBuffer();

  get rows(): number {
    return this.offsets.count;
  }

  get bytes(): number {
    return this.keys.size;
  }

  pushAll(block: RecordBlock): void {
    const { count } = block;
    this.partitions.pushSame(block.partition, count);
    this.offsets.pushAll(block.offsets, count);
    this.timestamps.pushAll(block.timestamps, count);
    for (let i = 0; i < count; i++) this.keys.push(block.bytes, block.keyStart[i]!, block.keyEnd[i]!);
  }

  push(block: RecordBlock, i: number): void {
    this.partitions.push(block.partition);
    this.offsets.push(block.offsets[i]!);
    this.timestamps.push(block.timestamps[i]!);
    this.keys.push(block.bytes, block.keyStart[i]!, block.keyEnd[i]!);
  }

  async writeTo(file: ParquetFile): Promise<void> {
    const { rows } = this;
    await file.page(0, rows, PLAIN, [this.partitions.bytes()]);
    await file.page(1, rows, PLAIN, [this.offsets.bytes()]);
    await file.page(2, rows, PLAIN, [this.timestamps.bytes()]);
    await file.page(3, rows, PLAIN, this.keys.parts());
    this.partitions.reset();
    this.offsets.reset();
    this.timestamps.reset();
    this.keys.reset();
  }
}

/** Records whose value is null or not UTF-8, as (p, o, ts, key, value) with the value as bytes. */
export class OddFile {
  private meta = new MetaColumns();
  private values = new OptionalBytesBuffer();
  rows = 0;

  private constructor(private readonly file: ParquetFile) {}

  static async create(path: string): Promise<OddFile> {
    return new OddFile(
      await ParquetFile.create(path, [...META, { name: 'value', type: 'bytes', optional: true }]),
    );
  }

  /** Adds record `i`; the caller awaits `flushIfFull` before the block goes away. */
  push(block: RecordBlock, i: number): void {
    this.meta.push(block, i);
    this.values.push(block.bytes, block.valueStart[i]!, block.valueEnd[i]!);
    this.rows += 1;
  }

  async flushIfFull(): Promise<void> {
    if (this.values.size + this.meta.bytes >= GROUP_BYTES / 4 || this.meta.rows >= GROUP_ROWS)
      await this.flush();
  }

  async close(): Promise<void> {
    await this.flush();
    await this.file.close();
  }

  abandon(): Promise<void> {
    return this.file.abandon();
  }

  private async flush(): Promise<void> {
    const { rows } = this.meta;
    if (rows === 0) return;
    await this.meta.writeTo(this.file);
    await this.file.page(4, rows, PLAIN, this.values.parts());
    this.values.reset();
    this.file.endRowGroup(rows);
  }
}

/** What was cut out of the values of the rows of one row group: which text (-1: none), and at which byte. */
class CutColumns {
  private texts = new DoubleBuffer();
  private places = new DoubleBuffer();

  push(text: number, place: number): void {
    this.texts.push(text);
    this.places.push(place);
  }

  /** Takes back what was pushed after there were `count`. */
  truncate(count: number): void {
    this.texts.count = count;
    this.places.count = count;
  }

  get count(): number {
    return this.texts.count;
  }

  async writeTo(file: ParquetFile): Promise<void> {
    await file.page(5, this.count, PLAIN, [this.texts.bytes()]);
    await file.page(6, this.count, PLAIN, [this.places.bytes()]);
    this.truncate(0);
  }
}

const CUT: ParquetColumn[] = [
  { name: 'text', type: 'double', optional: false },
  { name: 'place', type: 'double', optional: false },
];

/**
 * Records with UTF-8 values as (p, o, ts, key, value). With `repeated`, a text that it finds is left out of the values, and columns
 * `text` (its index in `texts`, or -1) and `place` (in bytes) tell where it was: writing and parsing it again and again costs as much as
 * the rest of a record. A block is copied into the page at once and its values are then moved together:
 * a copy of each value on its own costs an object. UTF-8 is checked for all of a block's values laid end to end, which is right
 * as long as none of them begins in the middle of a character.
 */
export class LineFile {
  private meta = new MetaColumns();
  private page = Buffer.allocUnsafe(PAGE_BYTES);
  private used = 0;
  private lengths = new Int32Array(1 << 12);
  private count = 0;
  private groupBytes = 0;
  private readonly cuts = new CutColumns();
  private readonly repeated: RepeatedTexts | undefined;
  rows = 0;

  private constructor(
    private readonly file: ParquetFile,
    private readonly odd: OddFile,
    find: FindRepeated | undefined,
  ) {
    this.repeated = find && new RepeatedTexts(find);
  }

  static async create(path: string, odd: OddFile, repeated?: FindRepeated): Promise<LineFile> {
    const columns: ParquetColumn[] = [...META, { name: 'value', type: 'text', optional: false }];
    if (repeated) columns.push(...CUT);
    return new LineFile(await ParquetFile.create(path, columns), odd, repeated);
  }

  /** What was left out of values. */
  get texts(): string[] {
    return this.repeated?.texts ?? [];
  }

  /** Adds the records of the block; those without a value or with one that is not UTF-8 go to the odd file. */
  async add(block: RecordBlock): Promise<void> {
    this.makeRoom(block.bytes.length, block.count);
    const start = this.used;
    const first = this.count;
    const cuts = this.cuts.count;
    if (this.moveValues(block, start) && isUtf8(this.page.subarray(start, this.used))) {
      this.meta.pushAll(block);
      this.rows += block.count;
    } else {
      this.used = start;
      this.count = first;
      this.cuts.truncate(cuts);
      this.addOneByOne(block);
    }
    if (this.used >= PAGE_BYTES || this.meta.rows >= GROUP_ROWS) await this.flushPage();
    await this.odd.flushIfFull();
  }

  async close(): Promise<void> {
    await this.flushPage();
    await this.endGroup();
    await this.file.close();
  }

  abandon(): Promise<void> {
    return this.file.abandon();
  }

  /** For a block that has a record without a value or with one that is not UTF-8. */
  private addOneByOne(block: RecordBlock): void {
    for (let i = 0; i < block.count; i++) {
      const from = block.valueStart[i]!;
      const to = block.valueEnd[i]!;
      if (from < 0 || !isUtf8(block.bytes.subarray(from, to))) {
        this.odd.push(block, i);
        continue;
      }
      this.used += block.bytes.copy(this.page, this.used, from, to);
      this.lengths[this.count++] = to - from;
      if (this.repeated) this.cuts.push(-1, 0);
      this.meta.push(block, i);
      this.rows += 1;
    }
  }

  /** Lays the block's values end to end from `start` on. False if not all are whole values, one after the other. */
  private moveValues(block: RecordBlock, start: number): boolean {
    const { bytes, valueStart, valueEnd, count } = block;
    bytes.copy(this.page, start);
    let last = 0;
    for (let i = 0; i < count; i++) {
      const from = valueStart[i]!;
      const to = valueEnd[i]!;
      // Values must come in the order of their bytes, or one would be moved over another; one that is null is below all.
      if (from < last) return false;
      last = to;
      // The inside of a character: this value and the one before it would make a whole one between them.
      if (to > from && (bytes[from]! & 0xc0) === 0x80) return false;
      this.lengths[this.count++] = this.repeated
        ? this.moveWithout(this.repeated, bytes, start, from, to)
        : this.move(start + from, start + to);
    }
    return true;
  }

  /** Moves a value but for the text that it repeats, and answers how many bytes that were. */
  private moveWithout(
    repeated: RepeatedTexts,
    bytes: Buffer,
    start: number,
    from: number,
    to: number,
  ): number {
    const text = repeated.indexIn(bytes, from, to);
    if (text < 0) {
      this.cuts.push(-1, 0);
      return this.move(start + from, start + to);
    }
    const { position } = repeated;
    this.cuts.push(text, position);
    const head = this.move(start + from, start + from + position);
    return head + this.move(start + from + position + repeated.length(text), start + to);
  }

  private move(from: number, to: number): number {
    this.page.copyWithin(this.used, from, to);
    this.used += to - from;
    return to - from;
  }

  private makeRoom(bytes: number, records: number): void {
    if (this.used + bytes > this.page.length) {
      const next = Buffer.allocUnsafe(this.used + bytes);
      this.page.copy(next, 0, 0, this.used);
      this.page = next;
    }
    if (this.count + records > this.lengths.length) {
      const next = new Int32Array(Math.max(this.lengths.length * 2, this.count + records));
      next.set(this.lengths);
      this.lengths = next;
    }
  }

  private async flushPage(): Promise<void> {
    if (this.count === 0) return;
    const lengths = deltaLengths(this.lengths, this.count);
    await this.file.page(4, this.count, DELTA_LENGTH, [lengths, this.page.subarray(0, this.used)]);
    this.groupBytes += this.used;
    this.count = 0;
    this.used = 0;
    if (this.page.length > 4 * PAGE_BYTES) this.page = Buffer.allocUnsafe(PAGE_BYTES);
    if (this.groupBytes + this.meta.bytes >= GROUP_BYTES || this.meta.rows >= GROUP_ROWS)
      await this.endGroup();
  }

  private async endGroup(): Promise<void> {
    const { rows } = this.meta;
    if (rows === 0) return;
    await this.meta.writeTo(this.file);
    if (this.repeated) await this.cuts.writeTo(this.file);
    this.file.endRowGroup(rows);
    this.groupBytes = 0;
  }
}
