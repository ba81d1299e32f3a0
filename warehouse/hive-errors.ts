import { errorMessage, TributaryError } from '../common/errors.js';
import { redactForeign } from '../common/redact.js';

/** What HiveServer2 says of a statement. */
export interface HiveFault {
  message: string;
  /** Hive's error number, e.g. 10001 for a missing table; -1 where it gives none. */
  code: number;
}

/** Raised inside the room for a statement that Hive did not carry out. */
export class HiveStatementError extends Error {
  readonly code: number;

  constructor(fault: HiveFault) {
    super(redactForeign(cleaned(fault.message)));
    this.name = 'HiveStatementError';
    const inText = /\[Error (\d{5})\]/.exec(fault.message)?.[1];
    this.code = inText === undefined ? fault.code : Number(inText);
  }
}

/** Raised inside the room when the connection is of no use any more. */
export class HiveConnectionError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'HiveConnectionError';
  }
}

export const TABLE_NOT_FOUND = 10001;
export const PARTITION_NOT_FOUND = 10006;
export const DATABASE_NOT_FOUND = 10072;
export const DUPLICATE_COLUMN = 10036;

/** Faults of what stands behind HiveServer2, which pass. */
const PASSING = [
  // Two that make one database at the same time: IF NOT EXISTS does not help the slower one, and the next try finds it made.
  /MetaException.*unable to create database (managed|external)? ?directory/is,
  // The metastore's database under the load of others. A value that does not fit its columns is no such fault: it never will.
  /^(?!.*(truncat|too long|out of range)).*(JDO\w*Exception|Exception thrown (flushing changes|when executing query))/is,
  /could not connect to meta ?store/i,
  /TTransportException|TApplicationException/,
  /communicating with the metastore/i,
  /(connection|read|socket|connect) ?(refused|reset|timed? ?out)|SocketTimeoutException|ConnectException/i,
  /MetaException.*(time ?out|lock|transport|connection|deadlock|retry)/is,
  /LockException|could not be acquired|unable to acquire|deadlock/i,
  /in safe mode|SafeModeException|StandbyException|RetriableException/i,
  /server is shutting down|shutdown in progress|service is not running/i,
  /too many (open )?(sessions|operations|connections)|limit of (concurrent|user) /i,
];

/** A job that failed on the cluster: containers die, nodes go, and the same statement may succeed. */
const JOB = /return code \d+ from \S*(TezTask|MapRedTask|SparkTask)|Vertex failed|DAG did not succeed/;

/**
 * The error that a caller of the catalog sees. Errors of ours, aborts and defects pass through.
 * @param statement its beginning goes into the message
 */
export function toCatalogError(error: unknown, statement: string, server: string): unknown {
  if (error instanceof HiveConnectionError) {
    return new TributaryError({
      code: 'CatalogUnavailable',
      message:
        `HiveServer2 at ${server} (warehouse.catalog.host and port): ${error.message}. It is tried again by itself; ` +
        'check that it runs, that workers reach it there, and that `auth` is what it speaks.',
      retryable: true,
      attributes: { server },
      cause: error,
    });
  }
  if (!(error instanceof HiveStatementError)) return error;
  const beginning = shortened(statement, 200);
  const attributes = { server, statement: shortened(statement, 1000), hiveCode: error.code };
  if (error.code === TABLE_NOT_FOUND || error.code === DATABASE_NOT_FOUND) {
    return new TributaryError({
      code: 'CatalogTableMissing',
      message: `Hive: ${error.message}. Statement: ${beginning}`,
      ...{ attributes, cause: error },
    });
  }
  if (PASSING.some((pattern) => pattern.test(error.message))) {
    return new TributaryError({
      code: 'CatalogUnavailable',
      message: `Hive: ${error.message}. It is tried again by itself. Statement: ${beginning}`,
      retryable: true,
      ...{ attributes, cause: error },
    });
  }
  return new TributaryError({
    code: 'CatalogRefused',
    message: `Hive: ${error.message}. Statement: ${beginning}`,
    retryable: JOB.test(error.message),
    ...{ attributes, cause: error },
  });
}

/** What the driver throws, as an error of this room. The driver's own errors are not all Errors. */
export function fromDriver(error: unknown): Error {
  const { name, message, code } = (error ?? {}) as { name?: unknown; message?: unknown; code?: unknown };
  if (name === 'Status Error') {
    const text = typeof message === 'string' ? message : '';
    if (
      text === '' ||
      /invalid (session|operation)handle|session .* (does not exist|is closed)/i.test(text)
    ) {
      return new HiveConnectionError(`the session is gone (${text || 'no reason given'})`);
    }
    return new HiveStatementError({ message: text, code: typeof code === 'number' ? code : -1 });
  }
  return new HiveConnectionError(errorMessage(error), error);
}

function cleaned(message: string): string {
  const line = message.split('\n', 1)[0] ?? '';
  return shortened(
    line.replace(/^(Error while (compiling|processing|running) [^:]*: )?(FAILED: )?/, ''),
    500,
  );
}

function shortened(text: string, length: number): string {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length <= length ? line : `${line.slice(0, length)}…`;
}
