import {
  DuckDBInstance,
  DuckDBScalarFunction,
  INTEGER,
  VARCHAR,
  type DuckDBConnection,
} from '@duckdb/node-api';

import { errorMessage, TributaryError } from '../common/errors.js';

export interface DuckOptions {
  threads: number;
  memoryLimitMb: number;
  /** Where DuckDB spills; private to the caller. */
  tempDirectory: string;
  signal?: AbortSignal;
}

/**
 * What every Parquet file for Hive must say of itself, as DuckDB's KV_METADATA: without it Hive takes days before 1582-10-15 for
 * days of the Julian calendar, and shows 1000-01-01 as 0999-12-27.
 */
export const HIVE_PARQUET_METADATA = `{'writer.date.proleptic': 'true'}`;

/** Text as an SQL literal. */
export function lit(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A name as a quoted SQL identifier. */
export function ident(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** One in-memory DuckDB with limits, no extensions from the network, and UTC as its clock. */
export class Duck {
  private constructor(
    private readonly instance: DuckDBInstance,
    private readonly connection: DuckDBConnection,
    private readonly signal: AbortSignal | undefined,
  ) {}

  static async open(options: DuckOptions): Promise<Duck> {
    const instance = await DuckDBInstance.create(':memory:', {
      threads: String(options.threads),
      memory_limit: `${options.memoryLimitMb}MB`,
      temp_directory: options.tempDirectory,
      autoload_known_extensions: 'false',
      autoinstall_known_extensions: 'false',
    });
    const connection = await instance.connect();
    const duck = new Duck(instance, connection, options.signal);
    await duck.run("SET TimeZone = 'UTC'");
    return duck;
  }

  /**
   * Runs statements that give no rows.
   * @throws TributaryError as `duckError` says; the signal's reason if it fired
   */
  async run(sql: string): Promise<void> {
    await this.guarded(() => this.connection.run(sql));
  }

  /** All rows of a query as plain JSON values: 64-bit integers, decimals and times come as text, BLOBs as DuckDB's escaped text. */
  async rows<T = Record<string, unknown>>(sql: string): Promise<T[]> {
    const reader = await this.guarded(() => this.connection.runAndReadAll(sql));
    return reader.getRowObjectsJson() as T[];
  }

  /** Makes a function of (text, integer) to text, for the few values that DuckDB cannot compute. It is not called for NULLs. */
  registerTextFunction(name: string, call: (text: string, number: number) => string | null): void {
    this.connection.registerScalarFunction(
      DuckDBScalarFunction.create({
        name,
        returnType: VARCHAR,
        parameterTypes: [VARCHAR, INTEGER],
        mainFunction: (_info, input, output) => {
          const texts = input.getColumnVector(0);
          const numbers = input.getColumnVector(1);
          for (let i = 0; i < input.rowCount; i++) {
            const text = texts.getItem(i) as string | null;
            const number = numbers.getItem(i) as number | null;
            output.setItem(i, text === null || number === null ? null : call(text, number));
          }
          output.flush();
        },
      }),
    );
  }

  close(): void {
    this.connection.closeSync();
    this.instance.closeSync();
  }

  private async guarded<T>(call: () => Promise<T>): Promise<T> {
    this.signal?.throwIfAborted();
    const stop = () => this.connection.interrupt();
    this.signal?.addEventListener('abort', stop, { once: true });
    try {
      return await call();
    } catch (error) {
      this.signal?.throwIfAborted();
      throw duckError(error);
    } finally {
      this.signal?.removeEventListener('abort', stop);
    }
  }
}

/** DuckDB's error as a TributaryError: LocalDiskFull and DuckDbOutOfMemory are retryable, DuckDbFailed is not. */
export function duckError(error: unknown): TributaryError {
  const words = errorMessage(error);
  if (/No space left on device|max_temp_directory_size|Could not write all bytes/i.test(words)) {
    return new TributaryError({
      code: 'LocalDiskFull',
      message: `The worker's local disk is full: ${words}. Free space in its work directory; the work is tried again.`,
      retryable: true,
      cause: error,
    });
  }
  if (words.startsWith('Out of Memory Error')) {
    return new TributaryError({
      code: 'DuckDbOutOfMemory',
      message: `DuckDB ran out of its memory limit: ${words}. Give the worker more memory or make splits smaller.`,
      retryable: true,
      cause: error,
    });
  }
  return new TributaryError({ code: 'DuckDbFailed', message: `DuckDB: ${words}`, cause: error });
}
