import { lit, type Duck } from '../warehouse/duckdb.js';

/**
 * A time zone as SQL sees it. DuckDB's time zone library decides (workers have the same one), but it costs as much as parsing
 * a record: where a zone's offset has not changed since some day and will not, instants after that day are plain sums.
 */
export interface ZoneClock {
  name: string;
  /** From this instant on the offset is constant; both in microseconds as decimal text. */
  stable?: { from: string; offset: string };
}

export const UTC: ZoneClock = { name: 'UTC', stable: { from: '-62135596800000000', offset: '0' } };

const learnt = new Map<string, Promise<ZoneClock>>();

/** A zone's clock, learnt from DuckDB once a process. */
export function zoneClock(duck: Duck, name: string): Promise<ZoneClock> {
  const known = learnt.get(name);
  if (known) return known;
  const asked = learn(duck, name);
  learnt.set(name, asked);
  asked.catch(() => learnt.delete(name));
  return asked;
}

async function learn(duck: Duck, name: string): Promise<ZoneClock> {
  if (name === 'UTC' || name === 'Etc/UTC') return UTC;
  const wall = `timezone(${lit(name)}, make_timestamptz(d))`;
  const [row] = await duck.rows<{ last: string | null; off: string }>(
    `SELECT max(d) FILTER (off <> before) AS last, max_by(off, d) AS off FROM (` +
      `SELECT d, off, lag(off) OVER (ORDER BY d) AS before FROM (SELECT d, epoch_us(${wall}) - d AS off FROM (` +
      `SELECT epoch_us(unnest(range(TIMESTAMP '1970-01-01', TIMESTAMP '2060-01-01', INTERVAL 1 DAY))) AS d)))`,
  );
  const from = row!.last ?? '86400000000';
  // A zone that still changes its clocks has no stable stretch that is of use.
  if (BigInt(from) > 1577836800000000n) return { name };
  return { name, stable: { from, offset: row!.off } };
}

/** Wall clock of an instant, both as SQL; the instant is microseconds since the epoch and is repeated in the result. */
export function wallOfMicros(micros: string, zone: ZoneClock): string {
  const library = `timezone(${lit(zone.name)}, make_timestamptz(${micros}))`;
  if (zone.name === 'UTC') return `make_timestamp(${micros})`;
  if (!zone.stable) return library;
  const { from, offset } = zone.stable;
  return `CASE WHEN ${micros} >= ${from} THEN make_timestamp(${micros} + ${offset}) ELSE ${library} END`;
}

/** Microseconds since the epoch of a wall clock (an SQL TIMESTAMP, repeated in the result). */
export function microsOfWall(wall: string, zone: ZoneClock): string {
  if (zone.name === 'UTC') return `epoch_us(${wall})`;
  const library = `epoch_us(timezone(${lit(zone.name)}, ${wall}))`;
  if (!zone.stable) return library;
  const { from, offset } = zone.stable;
  // A day of room: no stretch of repeated clock times reaches further.
  return `CASE WHEN epoch_us(${wall}) - ${offset} >= ${from} + 86400000000 THEN epoch_us(${wall}) - ${offset} ELSE ${library} END`;
}
