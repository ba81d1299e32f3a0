import { open, type FileHandle } from 'node:fs/promises';

/** Bytes gathered before they are written. */
const BATCH_BYTES = 1 << 20;

/** A local file of rows, each a JSON array of texts: keeps every character, and DuckDB reads it in parallel. */
export class RowSpool {
  private batch: string[] = [];
  private batchBytes = 0;
  private longestLine = 0;
  private count = 0;

  private constructor(
    readonly path: string,
    private readonly file: FileHandle,
  ) {}

  static async create(path: string): Promise<RowSpool> {
    return new RowSpool(path, await open(path, 'w'));
  }

  get rows(): number {
    return this.count;
  }

  /** Resolves when the row is written or waits in memory for its batch. */
  async add(row: readonly (string | null)[]): Promise<void> {
    const line = JSON.stringify(row) + '\n';
    this.count += 1;
    this.batch.push(line);
    this.batchBytes += line.length;
    if (line.length > this.longestLine) this.longestLine = line.length;
    if (this.batchBytes >= BATCH_BYTES) await this.flush();
  }

  async close(): Promise<void> {
    await this.flush();
    await this.file.close();
  }

  async abandon(): Promise<void> {
    await this.file.close();
  }

  /** DuckDB SQL of the rows: one column `v`, a list of texts. */
  scan(): string {
    // DuckDB allocates twice this. A character is at most 4 bytes; 3 of JavaScript's length.
    const largest = Math.max(1 << 20, this.longestLine * 3 + 1024);
    const path = `'${this.path.replaceAll("'", "''")}'`;
    return (
      `read_json(${path}, format = 'newline_delimited', records = false, columns = {v: 'VARCHAR[]'}, ` +
      `maximum_object_size = ${largest})`
    );
  }

  private async flush(): Promise<void> {
    const text = this.batch.join('');
    this.batch = [];
    this.batchBytes = 0;
    if (text !== '') await this.file.writeFile(text);
  }
}
