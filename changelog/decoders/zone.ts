import { IANAZone } from 'luxon';
import { TributaryError } from '../../common/errors.js';

const MINUTE = 60_000;
const LOCAL = /^(\d{4})-(\d{2})-(\d{2}) (\d{2}):(\d{2}):(\d{2})(\.\d+)?$/;
const CACHE_LIMIT = 20_000;

/** Rewrites the text of a TIMESTAMP from the zone in which the producer rendered it to an instant. */
export type TimestampZone = (text: string) => string;

export const AS_WRITTEN: TimestampZone = (text) => text;

/**
 * Drainer and TiCDC render TIMESTAMP columns in their own zone and do not say which (change-log-formats 1.8 trap 5).
 * With the zone declared the text becomes an instant that explains itself, `2024-03-01 00:00:00Z`, so that nobody shifts
 * it twice; without one (empty) it stays a wall clock as written. Text that is no moment (zero dates) stays as it is. A
 * local time that occurs twice when clocks go back is taken as the first one: the log does not tell.
 */
export function timestampZone(zone: string): TimestampZone {
  if (zone === '') return AS_WRITTEN;
  if (!IANAZone.isValidZone(zone)) {
    throw new TributaryError({
      code: 'ConfigInvalid',
      message: `format option zone: ${JSON.stringify(zone)} is not an IANA time zone such as Asia/Shanghai`,
      attributes: { option: 'zone' },
    });
  }
  const iana = IANAZone.create(zone);
  // Clocks change on quarter hours, so one offset serves each quarter.
  const offsets = new Map<string, number>();
  return (text) => {
    const parts = LOCAL.exec(text);
    if (parts === null) return text;
    const [, year, month, day, hour, minute, second, fraction = ''] = parts as unknown as string[];
    if (month === '00' || day === '00') return text;
    const local = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute));
    const quarter = `${text.slice(0, 14)}${Math.floor(Number(minute) / 15)}`;
    let offset = offsets.get(quarter);
    if (offset === undefined) {
      offset = offsetOfLocal(iana, local);
      if (offsets.size >= CACHE_LIMIT) offsets.clear();
      offsets.set(quarter, offset);
    }
    const utc = new Date(local - offset * MINUTE).toISOString();
    return `${utc.slice(0, 10)} ${utc.slice(11, 17)}${second ?? ''}${fraction}Z`;
  };
}

/** Minutes east of UTC at a local time given as if it were UTC. */
function offsetOfLocal(zone: IANAZone, local: number): number {
  const before = zone.offset(local - 24 * 60 * MINUTE);
  const after = zone.offset(local + 24 * 60 * MINUTE);
  // The larger offset is the earlier instant; it is right if the zone had it at that instant.
  const [first, second] = before >= after ? [before, after] : [after, before];
  return zone.offset(local - first * MINUTE) === first ? first : second;
}
