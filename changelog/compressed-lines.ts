import { isUtf8 } from 'node:buffer';

import type { RecordBlock } from '../kafka/types.js';
import { plainJson } from './decoders/open-frames.js';
import { DecodeProblem } from './decoders/problem.js';
import { LineFile, OddFile } from './spool-file.js';

const BRACE = 0x7b;

/**
 * Records of canal-json that TiCDC has compressed value by value (`large-message-handle-compression`), as the lines that they were.
 * Such bytes are never UTF-8, so the spool has them among its odd records; what does not decompress stays there alone.
 */
export class CompressedLines {
  private constructor(
    readonly linesPath: string,
    private readonly lines: LineFile,
    private readonly odd: OddFile,
  ) {}

  static async create(path: string): Promise<CompressedLines> {
    const odd = await OddFile.create(`${path}.odd`);
    return new CompressedLines(path, await LineFile.create(path, odd), odd);
  }

  get rows(): number {
    return this.lines.rows;
  }

  async add(block: RecordBlock): Promise<void> {
    for (let i = 0; i < block.count; i++) {
      const start = block.valueStart[i]!;
      if (start < 0 || block.bytes[start] === BRACE) continue;
      const value = block.bytes.subarray(start, block.valueEnd[i]);
      const text = isUtf8(value) ? undefined : decompressed(value);
      if (text) await this.lines.add(oneRecord(block, i, text));
    }
  }

  async close(): Promise<void> {
    await this.lines.close();
    await this.odd.close();
  }

  async abandon(): Promise<void> {
    await Promise.allSettled([this.lines.abandon(), this.odd.abandon()]);
  }
}

function decompressed(value: Buffer): Buffer | undefined {
  try {
    const text = plainJson(value);
    return text[0] === BRACE && isUtf8(text) ? text : undefined;
  } catch (error) {
    if (error instanceof DecodeProblem) return undefined;
    throw error;
  }
}

function oneRecord(block: RecordBlock, i: number, text: Buffer): RecordBlock {
  const from = block.keyStart[i]!;
  const key = from < 0 ? Buffer.alloc(0) : block.bytes.subarray(from, block.keyEnd[i]);
  return {
    partition: block.partition,
    count: 1,
    bytes: Buffer.concat([key, text]),
    offsets: block.offsets.slice(i, i + 1),
    timestamps: block.timestamps.slice(i, i + 1),
    keyStart: Int32Array.of(from < 0 ? -1 : 0),
    keyEnd: Int32Array.of(from < 0 ? -1 : key.length),
    valueStart: Int32Array.of(key.length),
    valueEnd: Int32Array.of(key.length + text.length),
  };
}
