import { TributaryError } from '../../common/errors.js';
import type { Boundary, OrderKind } from './types.js';

/** Bits of a TSO below its milliseconds. */
const TSO_LOGICAL_BITS = 18n;
/** Bits of an oplog timestamp below its seconds. */
const OPLOG_INCREMENT_BITS = 32n;

/** The first `cdc_ts` at or after an instant; undefined where `cdc_ts` is no time. */
export function orderBound(order: OrderKind, ms: number): bigint | undefined {
  if (!Number.isSafeInteger(ms) || ms < 0) {
    throw new TributaryError({
      code: 'BoundaryInvalid',
      message: `A boundary is a whole number of milliseconds since 1970, not ${ms}.`,
    });
  }
  switch (order) {
    case 'tso':
      return BigInt(ms) << TSO_LOGICAL_BITS;
    case 'oplog':
      // The oplog knows seconds only: a second that has begun is after the boundary as a whole.
      return BigInt(Math.ceil(ms / 1000)) << OPLOG_INCREMENT_BITS;
    case 'ms':
      return BigInt(ms);
    case 'offset':
      return undefined;
  }
}

/** SQL (DuckDB and Hive) that is true for changelog rows before the boundary. */
export function beforeBoundary(boundary: Boundary): string {
  const bound = orderBound(boundary.order, boundary.ms);
  if (bound !== undefined) return `cdc_ts < CAST(${bound} AS BIGINT)`;
  return `event_time < CAST('${wallLiteral(boundary)}' AS TIMESTAMP)`;
}

/**
 * DuckDB SQL of the instant (ms since the epoch) at which a change happened. Where `cdc_ts` is no time, wall clocks stand
 * in for it, read as if they were UTC; `tombstoneFloor` counts in the same way.
 */
export function changeInstant(order: OrderKind): string {
  switch (order) {
    case 'tso':
      return `(cdc_ts >> ${TSO_LOGICAL_BITS})`;
    case 'oplog':
      return `((cdc_ts >> ${OPLOG_INCREMENT_BITS}) * 1000)`;
    case 'ms':
      return 'cdc_ts';
    case 'offset':
      return 'epoch_ms(event_time)';
  }
}

/** The same instant of one `cdc_ts`; undefined where it is no time. */
export function orderInstant(order: OrderKind, ts: bigint): number | undefined {
  switch (order) {
    case 'tso':
      return Number(ts >> TSO_LOGICAL_BITS);
    case 'oplog':
      return Number(ts >> OPLOG_INCREMENT_BITS) * 1000;
    case 'ms':
      return Number(ts);
    case 'offset':
      return undefined;
  }
}

/** Tombstones of deletes before this instant (as `changeInstant` counts) have outlived the lateness window. */
export function tombstoneFloor(boundary: Boundary, latenessMs: number): number {
  return boundaryInstant(boundary) - latenessMs;
}

/** The boundary itself as `changeInstant` counts. */
export function boundaryInstant(boundary: Boundary): number {
  return boundary.order === 'offset'
    ? Date.parse(wallLiteral(boundary).replace(' ', 'T') + 'Z')
    : boundary.ms;
}

/** `--from` of the command that makes a snapshot anew: just before its boundary, so that it is the first of those made anew. */
export function madeAnewFrom(boundaryMs: number): string {
  return new Date(boundaryMs - 1_000).toISOString().replace('.000Z', 'Z');
}

function wallLiteral(boundary: Boundary): string {
  if (/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,3})?$/.test(boundary.wall)) return boundary.wall;
  throw new TributaryError({
    code: 'BoundaryInvalid',
    message: `A boundary's wall clock is written yyyy-mm-dd hh:mm:ss, not ${JSON.stringify(boundary.wall)}.`,
  });
}
