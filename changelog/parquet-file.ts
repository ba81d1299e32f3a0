import { open, type FileHandle } from 'node:fs/promises';

import { ThriftWriter } from './thrift-writer.js';

/**
 * The smallest Parquet writer that a spool needs: uncompressed pages, no statistics. Parquet as the spool's format keeps
 * every byte of a value (newlines, NULs, invalid UTF-8) without escaping, and DuckDB reads it faster than any text.
 */

export type PhysicalType = 'int64' | 'double' | 'bytes' | 'text';

export interface ParquetColumn {
  name: string;
  type: PhysicalType;
  optional: boolean;
}

/** PLAIN, or lengths first and then all bytes (DELTA_LENGTH_BYTE_ARRAY). */
export const PLAIN = 0;
export const DELTA_LENGTH = 6;
export type Encoding = typeof PLAIN | typeof DELTA_LENGTH;

const TYPE_CODE: Record<PhysicalType, number> = { int64: 2, double: 5, bytes: 6, text: 6 };
const MAGIC = Buffer.from('PAR1');

interface Chunk {
  offset: number;
  bytes: number;
  values: number;
  encoding: Encoding;
}

interface RowGroup {
  rows: number;
  chunks: Chunk[];
}

/** Writes pages column by column; the pages of one column in one row group must be written one after the other. */
export class ParquetFile {
  private position = 0;
  private groups: RowGroup[] = [];
  private current: (Chunk | undefined)[] = [];

  private constructor(
    private readonly handle: FileHandle,
    private readonly columns: ParquetColumn[],
  ) {}

  static async create(path: string, columns: ParquetColumn[]): Promise<ParquetFile> {
    const file = new ParquetFile(await open(path, 'w'), columns);
    await file.write([MAGIC]);
    return file;
  }

  /** One data page; `body` must not change until the promise settles. */
  async page(column: number, values: number, encoding: Encoding, body: Buffer[]): Promise<void> {
    const size = body.reduce((sum, part) => sum + part.length, 0);
    const header = pageHeader(values, size, encoding);
    const chunk = (this.current[column] ??= { offset: this.position, bytes: 0, values: 0, encoding });
    chunk.bytes += header.length + size;
    chunk.values += values;
    await this.write([header, ...body]);
  }

  endRowGroup(rows: number): void {
    const chunks = this.columns.map(
      (_, index): Chunk =>
        this.current[index] ?? { offset: this.position, bytes: 0, values: 0, encoding: PLAIN },
    );
    this.groups.push({ rows, chunks });
    this.current = [];
  }

  async close(): Promise<void> {
    try {
      const footer = this.footer();
      const length = Buffer.alloc(4);
      length.writeUInt32LE(footer.length);
      await this.write([footer, length, MAGIC]);
    } finally {
      await this.handle.close();
    }
  }

  /** Closes the handle without a footer: the file is of no use. */
  async abandon(): Promise<void> {
    await this.handle.close();
  }

  private async write(parts: Buffer[]): Promise<void> {
    const size = parts.reduce((sum, part) => sum + part.length, 0);
    const { bytesWritten } = await this.handle.writev(parts, this.position);
    if (bytesWritten !== size) {
      const all = Buffer.concat(parts);
      for (let done = bytesWritten; done < size;) {
        done += (await this.handle.write(all, done, size - done, this.position + done)).bytesWritten;
      }
    }
    this.position += size;
  }

  private footer(): Buffer {
    const out = new ThriftWriter();
    out.i32(1, 1);
    out.list(2, 'struct', this.columns.length + 1);
    out.element(() => {
      out.string(4, 'record');
      out.i32(5, this.columns.length);
    });
    for (const column of this.columns) out.element(() => this.schemaElement(out, column));
    out.i64(
      3,
      this.groups.reduce((sum, group) => sum + group.rows, 0),
    );
    out.list(4, 'struct', this.groups.length);
    for (const group of this.groups) out.element(() => this.rowGroup(out, group));
    out.string(6, 'tributary spool');
    return out.finish();
  }

  private schemaElement(out: ThriftWriter, column: ParquetColumn): void {
    out.i32(1, TYPE_CODE[column.type]);
    out.i32(3, column.optional ? 1 : 0);
    out.string(4, column.name);
    if (column.type === 'text') out.i32(6, 0);
  }

  private rowGroup(out: ThriftWriter, group: RowGroup): void {
    out.list(1, 'struct', group.chunks.length);
    group.chunks.forEach((chunk, index) => {
      const column = this.columns[index]!;
      out.element(() => {
        out.i64(2, chunk.offset);
        out.struct(3, () => {
          out.i32(1, TYPE_CODE[column.type]);
          out.list(2, 'i32', 2);
          out.listI32(chunk.encoding);
          out.listI32(3);
          out.list(3, 'binary', 1);
          out.listString(column.name);
          out.i32(4, 0);
          out.i64(5, chunk.values);
          out.i64(6, chunk.bytes);
          out.i64(7, chunk.bytes);
          out.i64(9, chunk.offset);
        });
      });
    });
    out.i64(
      2,
      group.chunks.reduce((sum, chunk) => sum + chunk.bytes, 0),
    );
    out.i64(3, group.rows);
  }
}

function pageHeader(values: number, size: number, encoding: Encoding): Buffer {
  const out = new ThriftWriter();
  out.i32(1, 0);
  out.i32(2, size);
  out.i32(3, size);
  out.struct(5, () => {
    out.i32(1, values);
    out.i32(2, encoding);
    out.i32(3, 3);
    out.i32(4, 3);
  });
  return out.finish();
}
