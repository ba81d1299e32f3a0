import { errorMessage, TributaryError, type ErrorAttributes } from '../common/errors.js';

export type SourceErrorCode =
  /** Not reachable, overloaded, or the connection broke: tried again. */
  | 'SourceUnavailable'
  | 'SourceDenied'
  | 'SourceTableMissing'
  /** The database no longer keeps the versions that the read needs. */
  | 'SourceSnapshotLost'
  /** The database refused a statement, in its own words. */
  | 'SourceRefused'
  /** A value or type that the mirror's column cannot hold without loss. */
  | 'SourceValueDoesNotFit'
  /** The node or table is not one that may be read in this way. */
  | 'SourceUnsuitable';

export function sourceError(
  code: SourceErrorCode,
  message: string,
  attributes: ErrorAttributes = {},
  cause?: unknown,
): TributaryError {
  return new TributaryError({
    code,
    message,
    retryable: code === 'SourceUnavailable',
    attributes,
    ...(cause !== undefined && { cause }),
  });
}

const MYSQL_CODES: Record<number, SourceErrorCode> = {
  1044: 'SourceDenied',
  1045: 'SourceDenied',
  1142: 'SourceDenied',
  1143: 'SourceDenied',
  1227: 'SourceDenied',
  1049: 'SourceTableMissing',
  1146: 'SourceTableMissing',
  8055: 'SourceSnapshotLost',
  9006: 'SourceSnapshotLost',
  // Overload, shutdown, lock waits, and TiKV or PD not answering.
  1040: 'SourceUnavailable',
  1053: 'SourceUnavailable',
  1105: 'SourceRefused',
  1158: 'SourceUnavailable',
  1159: 'SourceUnavailable',
  1160: 'SourceUnavailable',
  1161: 'SourceUnavailable',
  1205: 'SourceUnavailable',
  1213: 'SourceUnavailable',
  1317: 'SourceUnavailable',
  8027: 'SourceUnavailable',
  9001: 'SourceUnavailable',
  9002: 'SourceUnavailable',
  9003: 'SourceUnavailable',
  9004: 'SourceUnavailable',
  9005: 'SourceUnavailable',
};

/** What is being done when a source does not let itself be connected to, with where its address comes from. */
export const connectingTo = (address: string): string =>
  `connecting to ${address} (the table's bootstrap.url; check that it runs and that workers reach it there)`;

/**
 * A fault of the MySQL client as one of ours.
 * @param what what was being done, e.g. `reading shop.orders`
 */
export function mysqlError(error: unknown, what: string): TributaryError {
  if (error instanceof TributaryError) return error;
  const { errno, code, fatal } = error as { errno?: number; code?: string; fatal?: boolean };
  const known = errno === undefined ? undefined : MYSQL_CODES[errno];
  const kind = known ?? (fatal === true || isNetworkCode(code) ? 'SourceUnavailable' : 'SourceRefused');
  return sourceError(
    kind,
    `${ADVICE[kind] ?? 'The database failed'} while ${what}: ${errorMessage(error)}`,
    { ...(code !== undefined && { sourceCode: code }) },
    error,
  );
}

const ADVICE: Partial<Record<SourceErrorCode, string>> = {
  SourceUnavailable: 'The database did not answer; it is tried again,',
  SourceDenied: 'The database denied access (check the user and its SELECT privilege)',
  SourceTableMissing: 'The database has no such table (check `bootstrap.table`)',
  SourceSnapshotLost:
    'The versions that this read began with were collected as garbage (raise tidb_gc_life_time, then start the bootstrap again)',
  SourceRefused: 'The database refused a statement',
};

function isNetworkCode(code: string | undefined): boolean {
  return code !== undefined && /^(PROTOCOL_|ECONN|ETIMEDOUT|EPIPE|ENOTFOUND|EAI_AGAIN|EHOST|ENET)/.test(code);
}
