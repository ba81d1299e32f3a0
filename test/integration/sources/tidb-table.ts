import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConnection, type Connection } from 'mysql2/promise';
import { readEndpoints } from '../../../stack/endpoints.js';
import { MysqlSession } from '../../../sources/mysql-session.js';
import { planChunks, type Chunk } from '../../../sources/mysql-chunks.js';
import { readSourceTable, type SourceTable } from '../../../sources/mysql-table.js';
import type { MirrorColumn, ValueOptions } from '../../../sources/mysql-values.js';
import { readChunk, type LocalChunk, type ReadContext } from '../../../sources/read-chunk.js';
import { sourceTypeToHive } from '../../../changelog/types-map.js';
import { Duck } from '../../../warehouse/duckdb.js';
import { duckString } from '../../../warehouse/sql.js';

export const SHANGHAI: ValueOptions = { zone: 'Asia/Shanghai', timestamps: 'native' };

/** A database of its own in the real TiDB, and a place for files. */
export class TidbFixture {
  private constructor(
    readonly database: string,
    readonly url: string,
    readonly sql: Connection,
    readonly root: string,
    readonly duck: Duck,
  ) {}

  static async open(prefix: string, url = readEndpoints().tidb.url): Promise<TidbFixture> {
    const database = `${prefix}_${process.pid}_${Date.now().toString(36)}`;
    const sql = await createConnection({ uri: url, charset: 'utf8mb4' });
    if (url === readEndpoints().tidb.url) {
      // Without a safe point the embedded store refuses to go back in time (reference/local-stack.md).
      await sql.query(
        `INSERT IGNORE INTO mysql.tidb VALUES ('tikv_gc_safe_point', '20240101-00:00:00 +0000', '')`,
      );
    }
    await sql.query(`CREATE DATABASE ${database}`);
    await sql.query(`USE ${database}`);
    const root = await mkdtemp(join(tmpdir(), 'tributary-tidb-'));
    const duck = await Duck.open({ threads: 1, memoryLimitMb: 500, tempDirectory: join(root, 'spill') });
    return new TidbFixture(database, url, sql, root, duck);
  }

  async close(): Promise<void> {
    this.duck.close();
    await this.sql.query(`DROP DATABASE IF EXISTS ${this.database}`);
    await this.sql.end();
    await rm(this.root, { recursive: true, force: true });
  }

  session(tso?: string, signal?: AbortSignal): Promise<MysqlSession> {
    return MysqlSession.open({ url: this.url, ...(tso && { tso }), ...(signal && { signal }) });
  }

  context(name: string, more: Partial<ReadContext> = {}): ReadContext {
    return { workDir: join(this.root, name), duck: { threads: 1, memoryLimitMb: 500 }, ...more };
  }

  /** Reads a whole table chunk by chunk. */
  async readAll(
    table: string,
    chunkRows: number,
    tso?: string,
    types: Record<string, string> = {},
  ): Promise<{ source: SourceTable; chunks: Chunk[]; files: LocalChunk[]; columns: MirrorColumn[] }> {
    const session = await this.session(tso);
    try {
      const source = await readSourceTable(session, `${this.database}.${table}`);
      const columns = mirrorColumns(source, types);
      const chunks: Chunk[] = [];
      for await (const chunk of planChunks(session, source, chunkRows)) chunks.push(chunk);
      const files: LocalChunk[] = [];
      for (const chunk of chunks) {
        const request = { table: source, columns, options: SHANGHAI, chunk, cdcTs: tso ?? '0' };
        files.push(await readChunk(this.context(`${table}-${chunkRows}`), session, request));
      }
      return { source, chunks, files, columns };
    } finally {
      session.close();
    }
  }

  /** Rows of local Parquet files, in the order of the files. */
  async rows(files: readonly LocalChunk[], columns: string): Promise<Record<string, string | null>[]> {
    const list = files.map((file) => duckString(file.path)).join(', ');
    return this.duck.rows(`SELECT ${columns} FROM read_parquet([${list}])`);
  }
}

export function mirrorColumns(source: SourceTable, types: Record<string, string> = {}): MirrorColumn[] {
  return source.columns.map((column) => ({
    name: column.name.toLowerCase(),
    source: column.name,
    type: types[column.name] ?? sourceTypeToHive(column.type),
  }));
}
