import { isUtf8 } from 'node:buffer';

/**
 * Where a record has a text that many records repeat, as bytes [start, end); undefined if it has none. Without the text the record must
 * still be whole JSON, and the bytes on both sides of it must be ASCII.
 */
export type FindRepeated = (record: Buffer) => { start: number; end: number } | undefined;

/** Of a table whose columns change now and then, all records of a split fit. */
const MOST_TEXTS = 4;

/** The texts that the records of a spool repeat, learnt as the records come. */
export class RepeatedTexts {
  private readonly learnt: Buffer[] = [];
  private last = 0;
  private at = 0;

  constructor(private readonly find: FindRepeated) {}

  get texts(): string[] {
    return this.learnt.map((text) => text.toString());
  }

  /** Length in bytes of the text with this index. */
  length(index: number): number {
    return this.learnt[index]!.length;
  }

  /** Place of the text in the record that `indexIn` was last asked about, in bytes from the record's beginning. */
  get position(): number {
    return this.at;
  }

  /** Index of the text that the record bytes[from, to) has, or -1. */
  indexIn(bytes: Buffer, from: number, to: number): number {
    const text = this.learnt[this.last];
    const start = from + this.at;
    // Records of one table have it in one place, mostly.
    if (
      text &&
      start + text.length <= to &&
      bytes.compare(text, 0, text.length, start, start + text.length) === 0
    )
      return this.last;
    return this.look(bytes.subarray(from, to));
  }

  private look(record: Buffer): number {
    const found = this.find(record);
    if (!found) return -1;
    const text = record.subarray(found.start, found.end);
    let index = this.learnt.findIndex((known) => known.equals(text));
    if (index < 0) {
      if (this.learnt.length === MOST_TEXTS || !isUtf8(text)) return -1;
      index = this.learnt.push(Buffer.from(text)) - 1;
    }
    this.last = index;
    this.at = found.start;
    return index;
  }
}
