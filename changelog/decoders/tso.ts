/** A TSO holds the physical clock in ms above 18 bits of a logical counter (change-log-formats 1.5). */
const LOGICAL_BITS = 18n;

/** Wall clock of a TSO, ms since the epoch. */
export function tsoMs(tso: bigint): number {
  return Number(tso >> LOGICAL_BITS);
}
