import { DateTime } from 'luxon';
import type { TableSpec } from '../config/spec.js';
import { boundaryAfter, boundaryAtOrBefore, formatInstant, partitionClosedBy } from '../common/zone.js';
import { partitionPath } from '../warehouse/layout.js';
import type { SnapshotBoundary } from '../workflows/snapshot-types.js';

/** Boundaries as pure functions of a table's spec; they run in activities, because zone data differ between releases of Node. */

/** A boundary of the table's calendar. */
export function boundaryAt(ms: number, spec: Pick<TableSpec, 'timezone' | 'snapshot'>): SnapshotBoundary {
  const { dt, hh, mi } = partitionClosedBy(ms, spec.timezone, spec.snapshot!.every);
  const partition = { dt, ...(hh !== undefined && { hh }), ...(mi !== undefined && { mi }) };
  return { ms, partition, name: partitionPath(partition), wall: wallOf(ms, spec.timezone) };
}

/** `yyyy-mm-dd hh:mm:ss` as the zone's clock shows an instant. */
export function wallOf(ms: number, zone: string): string {
  return formatInstant(ms, zone).slice(0, 19).replace('T', ' ');
}

/**
 * Boundaries in `(fromMs, throughMs]` whose snapshots retention would keep once the last of them is published; ascending. Counted
 * back from the end: a log may begin millions of minutes ago.
 */
export function owedBoundaries(
  fromMs: number,
  throughMs: number,
  spec: Pick<TableSpec, 'timezone' | 'snapshot'>,
): number[] {
  const { every, keep, keepMonthEnds } = spec.snapshot!;
  const newestFirst: number[] = [];
  let at = boundaryAtOrBefore(throughMs, spec.timezone, every);
  while (at > fromMs && newestFirst.length < keep) {
    newestFirst.push(at);
    at = boundaryAtOrBefore(at - 1, spec.timezone, every);
  }
  const monthEnds = keepMonthEnds && at > fromMs ? monthEndsBetween(fromMs, at, spec.timezone) : [];
  return [...monthEnds, ...newestFirst.reverse()];
}

/** Boundaries in `(fromMs, toMs]` that close a month; they close its last day, hour and minute alike. */
function monthEndsBetween(fromMs: number, toMs: number, zone: string): number[] {
  const ends: number[] = [];
  let month = DateTime.fromMillis(fromMs, { zone }).startOf('month');
  for (; month.toMillis() <= toMs; month = month.plus({ months: 1 })) {
    if (month.toMillis() > fromMs) ends.push(month.toMillis());
  }
  return ends;
}

/** The next boundary after an instant. */
export function nextBoundary(ms: number, spec: Pick<TableSpec, 'timezone' | 'snapshot'>): number {
  return boundaryAfter(ms, spec.timezone, spec.snapshot!.every);
}

/**
 * Which of the published boundaries retention takes away.
 * @param published ascending, ms
 */
export function retiredBoundaries(
  published: readonly number[],
  spec: Pick<TableSpec, 'timezone' | 'snapshot'>,
): number[] {
  return published
    .slice(0, Math.max(0, published.length - spec.snapshot!.keep))
    .filter((ms) => !isMonthEnd(ms, spec));
}

/** The last boundary of a month: the next instant on the zone's clock is the first of another. */
function isMonthEnd(ms: number, { timezone, snapshot }: Pick<TableSpec, 'timezone' | 'snapshot'>): boolean {
  if (!snapshot!.keepMonthEnds) return false;
  const wall = wallOf(ms, timezone);
  return (
    wall.slice(8) === '01 00:00:00' || (ms > 0 && wall.slice(0, 7) !== wallOf(ms - 1, timezone).slice(0, 7))
  );
}
