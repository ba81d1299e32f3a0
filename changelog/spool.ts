import { join } from 'node:path';

import { errorMessage, TributaryError } from '../common/errors.js';
import type { RecordBlock } from '../kafka/types.js';
import { lit } from '../warehouse/duckdb.js';
import { LineFile, OddFile } from './spool-file.js';

/** Rows of a spool's files as SQL: p, o, ts, key, value. The file has numbers as the blocks have them, in doubles. */
export function spoolRows(paths: string | string[]): string {
  const files = [paths].flat().map(lit).join(', ');
  return `(SELECT p::BIGINT AS p, o::BIGINT AS o, ts::BIGINT AS ts, key, value FROM read_parquet([${files}]))`;
}

/** The records of a split on the local disk. */
export interface Spool {
  /** Records whose value is UTF-8 text: see spoolRows; value is VARCHAR; in the order they came. */
  linesPath: string;
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
  const lines = await LineFile.create(linesPath, odd);
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
  return { linesPath, lines: lines.rows, oddPath, odd: odd.rows, records, bytes };
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
