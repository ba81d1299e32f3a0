import { DateTime } from 'luxon';

/** The partition of a snapshot by the minute: the minute that the boundary closes. */
export function partitionClosedAt(boundaryMs: number, zone: string): { dt: string; hh: string; mi: string } {
  const wall = DateTime.fromMillis(boundaryMs - 1, { zone });
  return { dt: wall.toFormat('yyyy-MM-dd'), hh: wall.toFormat('HH'), mi: wall.toFormat('mm') };
}
