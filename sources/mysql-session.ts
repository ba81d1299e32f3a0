import { createConnection, type Connection, type ConnectionOptions, type QueryOptions } from 'mysql2';
import { connectingTo, mysqlError, sourceError } from './errors.js';

/** A row as the server's own texts; binary columns of the result as bytes. */
export type TextRow = (string | null)[];
export type BytesRow = (Buffer | null)[];

export interface SessionOptions {
  /** `mysql://user:password@host:port/`. */
  url: string;
  /** Read everything as of this TSO (TiDB). */
  tso?: string;
  connectTimeoutMs?: number;
  signal?: AbortSignal;
}

/**
 * One connection whose every value is exact: texts as the server writes them, UTC as the session's clock, and no mode that
 * would refuse zero dates in comparisons.
 */
export class MysqlSession {
  private readonly onAbort = (): void => this.connection.destroy();

  private constructor(
    private readonly connection: Connection,
    private readonly signal: AbortSignal | undefined,
  ) {
    // Without a listener a broken idle connection would end the process; the next query reports it.
    connection.on('error', () => undefined);
    signal?.addEventListener('abort', this.onAbort, { once: true });
  }

  static async open(options: SessionOptions): Promise<MysqlSession> {
    options.signal?.throwIfAborted();
    const address = urlOptions(options.url);
    const connection = createConnection({
      ...address,
      charset: 'utf8mb4',
      connectTimeout: options.connectTimeoutMs ?? 20_000,
      enableKeepAlive: true,
      multipleStatements: false,
    });
    const session = new MysqlSession(connection, options.signal);
    try {
      await new Promise<void>((resolve, reject) => {
        connection.connect((error) => (error ? reject(error) : resolve()));
      });
      await session.run(`SET time_zone = '+00:00', sql_mode = ''`, 'preparing the session');
      if (options.tso !== undefined) {
        if (!/^\d+$/.test(options.tso)) throw sourceError('SourceRefused', `${options.tso} is not a TSO.`);
        await session.run(`SET @@tidb_snapshot = '${options.tso}'`, `going back to TSO ${options.tso}`);
      }
      return session;
    } catch (error) {
      session.close();
      throw mysqlError(error, connectingTo(`${address.host}:${address.port}`));
    }
  }

  /** Runs a query for all of its rows, as texts. */
  async rows(sql: string, what: string): Promise<TextRow[]> {
    const rows = await this.call<BytesRow[]>(sql, what);
    return rows.map((row) => row.map((value) => value?.toString('utf8') ?? null));
  }

  async run(sql: string, what: string): Promise<void> {
    await this.call(sql, what);
  }

  /** Rows of a query one by one, as bytes; the server waits while the reader does. */
  async *stream(sql: string, what: string): AsyncGenerator<BytesRow> {
    this.signal?.throwIfAborted();
    const stream = this.connection.query(exact(sql)).stream({ highWaterMark: 2_000 });
    let done = false;
    try {
      for await (const row of stream) yield row as BytesRow;
      done = true;
    } catch (error) {
      this.signal?.throwIfAborted();
      throw mysqlError(error, what);
    } finally {
      // A result that is not read to its end blocks the connection for good.
      if (!done) this.connection.destroy();
    }
    this.signal?.throwIfAborted();
  }

  close(): void {
    this.signal?.removeEventListener('abort', this.onAbort);
    this.connection.destroy();
  }

  private async call<T>(sql: string, what: string): Promise<T> {
    this.signal?.throwIfAborted();
    try {
      return await new Promise<T>((resolve, reject) => {
        this.connection.query(exact(sql), (error, result) => (error ? reject(error) : resolve(result as T)));
      });
    } catch (error) {
      this.signal?.throwIfAborted();
      throw mysqlError(error, what);
    }
  }
}

function exact(sql: string): QueryOptions {
  // `field.string()` would decode JSON columns, which are labelled binary, as Latin-1.
  return { sql, rowsAsArray: true, typeCast: (field) => field.buffer() };
}

function urlOptions(text: string): ConnectionOptions & { host: string; port: number } {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!/^(mysql|tidb|mariadb):$/.test(url?.protocol ?? '') || !url) {
    // The text may hold a password: it is not repeated.
    throw sourceError('SourceRefused', 'The URL of the database is not one: write mysql://user@host:port/.');
  }
  const ssl = url.searchParams.get('ssl');
  return {
    host: decodeURIComponent(url.hostname),
    port: url.port === '' ? 3306 : Number(url.port),
    user: decodeURIComponent(url.username || 'root'),
    password: decodeURIComponent(url.password),
    ...(ssl !== null && ssl !== 'false' && { ssl: { rejectUnauthorized: ssl !== 'insecure' } }),
  };
}
