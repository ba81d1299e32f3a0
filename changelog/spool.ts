import { join } from 'node:path';

import { errorMessage, TributaryError } from '../common/errors.js';
import type { RecordBlock } from '../kafka/types.js';
import { lit } from '../warehouse/duckdb.js';
import type { FindRepeated } from './repeated-text.js';
import { LineFile, OddFile } from './spool-file.js';

/** Rows of a spool's files as SQL: p, o, ts, key, value. The file has numbers as the blocks have them, in doubles. */
export function spoolRows(paths: string | string[]): string {
  return rowsOf([paths].flat(), '');
}

function rowsOf(paths: string[], more: string): string {
  const files = paths.map(lit).join(', ');
  return `(SELECT p::BIGINT AS p, o::BIGINT AS o, ts::BIGINT AS ts, key, value${more} FROM read_parquet([${files}]))`;
}

/**
 * Text lines of a spool as SQL. Those from which a repeated text was cut out can be read `short`, with `text`: the text's index in `texts`,
 * or -1. `whole` gives rows of `short` their text back, which costs more than the cut saved, so it is for few.
 */
export class SpoolLines {
  constructor(
    private readonly spool: Pick<Spool, 'linesPath' | 'texts'>,
    /** Lines of a file beside the spool's own. */
    private readonly morePath?: string,
  ) {}

  get texts(): string[] {
    return this.spool.texts;
  }

  /** p, o, ts, key, value, text, place. */
  short(): string {
    const own = rowsOf([this.spool.linesPath], ', text, place');
    return this.morePath === undefined
      ? own
      : `(SELECT * FROM ${own} UNION ALL SELECT *, -1, 0 FROM ${spoolRows(this.morePath)})`;
  }

  /** p, o, ts, key, value of rows of `short`. */
  whole(rows: string): string {
    const texts = `[${this.texts.map((text) => `encode(${lit(text)})`).join(', ')}]`;
    const bytes = `encode(value)[:place::BIGINT] || ${texts}[text::BIGINT + 1] || encode(value)[place::BIGINT + 1:]`;
    return `(SELECT p, o, ts, key, CASE WHEN text < 0 THEN value ELSE decode(${bytes}) END AS value FROM ${rows})`;
  }

  /** p, o, ts, key, value of all lines. */
  rows(): string {
    if (this.texts.length > 0) return this.whole(this.short());
    return spoolRows(
      this.morePath === undefined ? this.spool.linesPath : [this.spool.linesPath, this.morePath],
    );
  }
}

/** The records of a split on the local disk. */
export interface Spool {
  /** Records whose value is UTF-8 text, in the order they came: see SpoolLines; value is VARCHAR. */
  linesPath: string;
  /** Texts that were cut out of lines. */
  texts: string[];
  lines: number;
  /** The others, value as BLOB or NULL. */
  oddPath: string;
  odd: number;
  records: number;
  /** Bytes of keys and values. */
  bytes: number;
}

export interface SpoolOptions {
  signal?: AbortSignal;
  onProgress?: () => void;
  /** Finds what is cut out of lines. */
  repeated?: FindRepeated;
}

/** Takes records beside the spool: what a decoder makes of them. */
export interface RecordSink {
  add(block: RecordBlock): Promise<void>;
  close(): Promise<void>;
  abandon(): Promise<void>;
}

/**
 * Writes the blocks to Parquet files under `directory` as they come, and what the decoders make of them to theirs. Memory stays at a few pages plus the largest record.
 * @throws TributaryError LocalDiskFull (retryable); whatever `blocks` throws; the signal's reason
 */
export async function spoolBlocks(
  blocks: AsyncIterable<RecordBlock>,
  directory: string,
  options: SpoolOptions = {},
  decoders: RecordSink[] = [],
): Promise<Spool> {
  const linesPath = join(directory, 'lines.parquet');
  const oddPath = join(directory, 'odd.parquet');
  const odd = await OddFile.create(oddPath);
  const lines = await LineFile.create(linesPath, odd, options.repeated);
  let records = 0;
  let bytes = 0;
  try {
    for await (const block of blocks) {
      options.signal?.throwIfAborted();
      await lines.add(block);
      for (const decoder of decoders) await decoder.add(block);
      records += block.count;
      bytes += payloadBytes(block);
      options.onProgress?.();
    }
    for (const file of [lines, odd, ...decoders]) await file.close();
  } catch (error) {
    await Promise.allSettled([lines, odd, ...decoders].map((file) => file.abandon()));
    throw diskError(error);
  }
  return { linesPath, texts: lines.texts, lines: lines.rows, oddPath, odd: odd.rows, records, bytes };
}

function payloadBytes(block: RecordBlock): number {
  let sum = 0;
  for (let i = 0; i < block.count; i++) {
    sum += block.valueEnd[i]! - block.valueStart[i]! + (block.keyEnd[i]! - block.keyStart[i]!);
  }
  return sum;
}

function diskError(error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error;
  return new TributaryError({
    code: 'LocalDiskFull',
    message: `The worker's local disk is full: ${errorMessage(error)}. Free space in its work directory; the work is tried again.`,
    retryable: true,
    cause: error,
  });
}
