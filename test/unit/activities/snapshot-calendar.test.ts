import { describe, expect, it } from 'vitest';
import { boundaryAt, owedBoundaries, retiredBoundaries } from '../../../activities/snapshot-calendar.js';
import type { SnapshotSpec } from '../../../config/spec.js';

const DAY = 86_400_000;
const spec = (
  change: Partial<SnapshotSpec> = {},
  timezone = 'Asia/Shanghai',
): { timezone: string; snapshot: SnapshotSpec } => ({
  timezone,
  snapshot: { every: 'day', engine: 'auto', keep: 400, keepMonthEnds: false, late: 'rebuild', ...change },
});
/** Midnight in Shanghai. */
const midnight = (date: string): number => Date.parse(`${date}T00:00:00+08:00`);

describe('the calendar of snapshots', () => {
  it('names a boundary by the day or hour that it closes', () => {
    expect(boundaryAt(midnight('2026-03-02'), spec())).toEqual({
      ms: midnight('2026-03-02'),
      partition: { dt: '2026-03-01' },
      name: 'dt=2026-03-01',
      wall: '2026-03-02 00:00:00',
    });
    expect(boundaryAt(midnight('2026-03-02'), spec({ every: 'hour' })).name).toBe('dt=2026-03-01/hh=23');
  });

  it('owes every boundary that has passed, idle days too', () => {
    const owed = owedBoundaries(midnight('2026-03-01') + 1, midnight('2026-03-04'), spec());
    expect(owed).toEqual(['2026-03-02', '2026-03-03', '2026-03-04'].map(midnight));
  });

  // A table that begins with a year of history would make hundreds of snapshots that retention drops at once.
  it('leaves out what retention would drop at once, but for month ends that are kept', () => {
    const from = midnight('2026-01-30') - 1;
    const through = midnight('2026-03-10');
    expect(owedBoundaries(from, through, spec({ keep: 2 }))).toEqual(
      ['2026-03-09', '2026-03-10'].map(midnight),
    );
    expect(owedBoundaries(from, through, spec({ keep: 2, keepMonthEnds: true }))).toEqual(
      ['2026-02-01', '2026-03-01', '2026-03-09', '2026-03-10'].map(midnight),
    );
  });

  // Stepping through two years of minutes kept a worker busy for so long that Temporal took it for dead.
  it('counts back from the end, whenever the log began', () => {
    const through = midnight('2026-03-10') + 30_000;
    const owed = owedBoundaries(0, through, spec({ every: 'minute', keep: 2, keepMonthEnds: true }));
    expect(owed.slice(-3)).toEqual([
      midnight('2026-03-01'),
      midnight('2026-03-10') - 60_000,
      midnight('2026-03-10'),
    ]);
    // 1970-02 to 2026-03.
    expect(owed.length).toBe(56 * 12 + 2 + 2);
  });

  it('retires what is beyond `keep`, oldest first', () => {
    const published = Array.from({ length: 5 }, (_, i) => midnight('2026-02-27') + i * DAY);
    expect(retiredBoundaries(published, spec({ keep: 2 }))).toEqual(published.slice(0, 3));
    // 2026-03-01 00:00 closes February.
    expect(retiredBoundaries(published, spec({ keep: 2, keepMonthEnds: true }))).toEqual(
      published.slice(0, 2),
    );
    expect(retiredBoundaries(published, spec({ keep: 9 }))).toEqual([]);
  });

  it('of an hour knows the month by its last hour alone', () => {
    const last = midnight('2026-03-01');
    const hourly = spec({ every: 'hour', keep: 1, keepMonthEnds: true });
    expect(retiredBoundaries([last - 3_600_000, last, last + 3_600_000], hourly)).toEqual([last - 3_600_000]);
  });
});
