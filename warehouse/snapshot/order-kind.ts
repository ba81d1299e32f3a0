import { orderBound } from './boundary.js';
import type { OrderKind } from './types.js';

/** A change whose order key and time are both known. */
export interface OrderSample {
  /** Decimal text. */
  cdcTs: string;
  /** Ms since the epoch. */
  eventMs: number;
}

/** What a format's order key may be, the likeliest first; a log shows which it is. */
const CANDIDATES: Record<string, readonly OrderKind[]> = {
  drainer: ['tso'],
  'open-protocol': ['tso'],
  // TiCDC with its extension, TiCDC without, Canal.
  'canal-json': ['tso', 'ms', 'offset'],
  mongoshake: ['oplog'],
  'mongo-change-stream': ['oplog'],
  // MongoDB's connector has the oplog's time, the others a position.
  debezium: ['offset', 'oplog'],
  'debezium-avro': ['offset', 'oplog'],
  maxwell: ['offset'],
};

/** An order key that is a time shows the change's own, give or take clocks that differ. */
const NEAR_MS = 26 * 3_600_000;

/**
 * What `cdc_ts` counts in a log: `canal-json`, say, comes from TiCDC with a TSO, from TiCDC without, and from Canal.
 * @param sample a change of the log; undefined while there is none
 */
export function orderKind(format: string, sample: OrderSample | undefined): OrderKind {
  const candidates = CANDIDATES[format] ?? ['offset'];
  const times = candidates.filter((order) => order !== 'offset');
  if (sample === undefined) return candidates[0]!;
  const ts = BigInt(sample.cdcTs);
  const near = times.find((order) => {
    const low = orderBound(order, Math.max(0, sample.eventMs - NEAR_MS))!;
    const high = orderBound(order, sample.eventMs + NEAR_MS)!;
    return low <= ts && ts <= high;
  });
  if (near !== undefined) return near;
  return candidates.includes('offset') ? 'offset' : candidates[0]!;
}
