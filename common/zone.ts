import { IANAZone } from 'luxon';

/**
 * Civil time: which day and hour of a time zone an instant belongs to, and where those begin and end. Daylight saving
 * included: a repeated hour is one partition, a skipped one has none. Safe in workflow code.
 */

export type Period = 'day' | 'hour' | 'minute';

/** Values of a partition's columns, as they read in Hive. */
export interface PartitionValues {
  /** `yyyy-mm-dd` */
  dt: string;
  /** `00` to `23`; absent for days. */
  hh?: string;
  /** `00` to `59`; for periods of a minute only. */
  mi?: string;
}

const HOUR = 3_600_000;
const LENGTH: Record<Period, number> = { day: 24 * HOUR, hour: HOUR, minute: 60_000 };
/** No zone has ever been further from UTC than this, so changes of its offset beyond it do not matter. */
const REACH = 26 * HOUR;
/** No zone has ever changed its offset twice within this. */
const APART = 13 * HOUR;

/** The partition that an instant (epoch ms) belongs to: what the zone's clock shows then. */
export function partitionOf(ms: number, zone: string, period: Period): PartitionValues {
  return valuesOf(wallTime(ms, zone), period);
}

/**
 * From the first instant of a partition to the one after its last. Where the clock was set back by a stretch that does
 * not fall into one partition (St John's once did so at 00:01), partitions overlap; a skipped one has equal bounds.
 */
export function partitionBounds(values: PartitionValues, zone: string): { startMs: number; endMs: number } {
  const period = periodOf(values);
  const wall = wallOf(values);
  const startMs = firstAtOrAfter(wall, zone);
  const endMs = lastBefore(wall + LENGTH[period], zone);
  return { startMs: Math.min(startMs, endMs), endMs };
}

/** The first boundary after an instant: where the clock has passed the end of a day or hour for good. */
export function boundaryAfter(ms: number, zone: string, period: Period): number {
  const step = LENGTH[period];
  let wall = floor(wallTime(ms, zone), step);
  // Inside a stretch that the clock repeats, an earlier partition may still have its end to come.
  while (lastBefore(wall, zone) > ms) wall -= step;
  let boundary = lastBefore(wall, zone);
  while (boundary <= ms) {
    wall += step;
    boundary = lastBefore(wall, zone);
  }
  return boundary;
}

/** The last boundary at or before an instant. */
export function boundaryAtOrBefore(ms: number, zone: string, period: Period): number {
  const step = LENGTH[period];
  let wall = floor(wallTime(ms, zone), step);
  while (lastBefore(wall + step, zone) <= ms) wall += step;
  while (lastBefore(wall, zone) > ms) wall -= step;
  return lastBefore(wall, zone);
}

/** Boundaries in `(fromMs, toMs]`, in order: those that a calendar still owes when it last stood at `fromMs`. */
export function boundariesBetween(fromMs: number, toMs: number, zone: string, period: Period): number[] {
  const boundaries: number[] = [];
  for (
    let next = boundaryAfter(fromMs, zone, period);
    next <= toMs;
    next = boundaryAfter(next, zone, period)
  ) {
    boundaries.push(next);
  }
  return boundaries;
}

/**
 * The first and the last instant (epoch ms) at which the clock shows a wall time (ms as if it were UTC). They differ where
 * clocks are put back; where they are put forward both are the moment at which that happened.
 */
export function instantsOf(wall: number, zone: string): { first: number; last: number } {
  return { first: firstAtOrAfter(wall, zone), last: lastBefore(wall, zone) };
}

/** The partition that a boundary closes: a snapshot at the end of 1 May has `dt=2024-05-01`. */
export function partitionClosedBy(boundaryMs: number, zone: string, period: Period): PartitionValues {
  return partitionOf(boundaryMs - 1, zone, period);
}

/** `dt=2024-05-01` or `dt=2024-05-01/hh=09`: the directory of a partition. */
export function partitionPath(values: PartitionValues): string {
  const { dt, hh, mi } = values;
  return [
    `dt=${dt}`,
    ...(hh === undefined ? [] : [`hh=${hh}`]),
    ...(mi === undefined ? [] : [`mi=${mi}`]),
  ].join('/');
}

/** An instant as the zone's clock shows it, with its offset: `2024-05-01T00:00:00+08:00`. For people. */
export function formatInstant(ms: number, zone: string): string {
  const offset = offsetAt(ms, zone);
  const minutes = Math.round(Math.abs(offset) / 60_000);
  const sign = offset < 0 ? '-' : '+';
  const clock = new Date(ms + offset).toISOString().replace(/(\.000)?Z$/, '');
  return `${clock}${sign}${pad(Math.floor(minutes / 60))}:${pad(minutes % 60)}`;
}

/** Ms that the zone's clock is ahead of UTC at an instant. */
function offsetAt(ms: number, zone: string): number {
  const minutes = IANAZone.create(zone).offset(ms);
  if (Number.isNaN(minutes)) throw new RangeError(`no time zone "${zone}", or no time ${ms}`);
  return Math.round(minutes * 60_000);
}

/** What the clock shows, as if it were UTC: wall times are plain numbers, in which every day has 24 hours. */
export function wallTime(ms: number, zone: string): number {
  return ms + offsetAt(ms, zone);
}

interface Segment {
  start: number;
  end: number;
  offset: number;
}

/** The instant from which on the clock never shows less than `wall` again. */
function lastBefore(wall: number, zone: string): number {
  let latest = -Infinity;
  for (const { start, end, offset } of segmentsAround(wall, zone)) {
    if (wall - offset > start) latest = Math.max(latest, Math.min(end, wall - offset));
  }
  return latest;
}

/** The first instant at which the clock shows `wall` or more. */
function firstAtOrAfter(wall: number, zone: string): number {
  let earliest = Infinity;
  for (const { start, end, offset } of segmentsAround(wall, zone)) {
    if (wall - offset < end) earliest = Math.min(earliest, Math.max(start, wall - offset));
  }
  return earliest;
}

/** Stretches of one offset, from well before to well after the instants at which the clock may show `wall`. */
function segmentsAround(wall: number, zone: string): Segment[] {
  const from = wall - REACH;
  const to = wall + REACH;
  const first = offsetAt(from, zone);
  const last = offsetAt(to, zone);
  if (first === last && offsetAt(wall, zone) === first) return [{ start: from, end: to, offset: first }];
  const segments: Segment[] = [];
  let open: Segment = { start: from, end: to, offset: first };
  for (let at = from; at < to; at += APART) {
    const next = Math.min(at + APART, to);
    if (offsetAt(next, zone) === open.offset) continue;
    const change = firstOf(at, next, (ms) => offsetAt(ms, zone) !== open.offset);
    segments.push({ ...open, end: change });
    open = { start: change, end: to, offset: offsetAt(change, zone) };
  }
  return [...segments, open];
}

/** First number in `(low, high]` for which the test holds, where it holds at `high`, and not at `low`. */
function firstOf(low: number, high: number, test: (ms: number) => boolean): number {
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (test(middle)) high = middle;
    else low = middle;
  }
  return high;
}

function valuesOf(wall: number, period: Period): PartitionValues {
  const [dt = '', time = ''] = new Date(wall).toISOString().split('T');
  if (period === 'day') return { dt };
  const hh = time.slice(0, 2);
  return period === 'hour' ? { dt, hh } : { dt, hh, mi: time.slice(3, 5) };
}

function periodOf({ hh, mi }: PartitionValues): Period {
  return mi !== undefined ? 'minute' : hh !== undefined ? 'hour' : 'day';
}

function wallOf({ dt, hh = '00', mi = '00' }: PartitionValues): number {
  const wall = Date.parse(`${dt}T${hh}:${mi}:00Z`);
  if (Number.isNaN(wall)) throw new RangeError(`no partition dt=${dt} hh=${hh} mi=${mi}`);
  return wall;
}

const floor = (value: number, step: number): number => Math.floor(value / step) * step;

const pad = (value: number): string => String(value).padStart(2, '0');
