import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  boundariesBetween,
  boundaryAfter,
  boundaryAtOrBefore,
  formatInstant,
  partitionBounds,
  partitionClosedBy,
  partitionOf,
  partitionPath,
  type Period,
} from '../../../common/zone.js';

const HOUR = 3_600_000;
const at = (text: string): number => Date.parse(text);

const ZONES = [
  'UTC',
  'Asia/Shanghai',
  'Asia/Kolkata', // +05:30
  'Asia/Kathmandu', // +05:45
  'America/New_York',
  'America/Sao_Paulo', // days that began at 01:00
  'Europe/London',
  'Australia/Lord_Howe', // daylight saving of half an hour
  'Pacific/Apia', // a day that never was
  'Antarctica/Troll', // two hours set back at once
  'Africa/Casablanca',
  'Asia/Tehran',
];
const zones = fc.constantFrom(...ZONES);
const periods = fc.constantFrom<Period>('day', 'hour');
const instants = fc.integer({ min: at('1990-01-01T00:00:00Z'), max: at('2037-12-31T00:00:00Z') });
/** Instants near the changes of the clock, where the mistakes are. */
const oddInstants = fc
  .constantFrom(
    '2024-03-10T07:00:00Z',
    '2024-11-03T06:00:00Z',
    '2018-11-04T03:00:00Z',
    '2018-02-18T02:00:00Z',
    '2024-10-05T15:30:00Z',
    '2024-04-06T15:00:00Z',
    '2011-12-30T10:00:00Z',
    '2024-10-27T01:00:00Z',
    '2024-03-31T01:00:00Z',
  )
  .chain((text) => fc.integer({ min: -30 * HOUR, max: 30 * HOUR }).map((shift) => at(text) + shift));

describe('partitions in a time zone', () => {
  it('puts the first and last instant of a local day into that day, not into the UTC one', () => {
    expect(partitionOf(at('2024-05-01T00:00:00+08:00'), 'Asia/Shanghai', 'day')).toEqual({
      dt: '2024-05-01',
    });
    expect(partitionOf(at('2024-05-01T23:59:59.999+08:00'), 'Asia/Shanghai', 'day')).toEqual({
      dt: '2024-05-01',
    });
    expect(partitionOf(at('2024-05-01T09:30:00+05:45'), 'Asia/Kathmandu', 'hour')).toEqual({
      dt: '2024-05-01',
      hh: '09',
    });
  });

  it('gives a day of 23 and of 25 hours its real length, or an hour of rows would be missed', () => {
    const spring = partitionBounds({ dt: '2024-03-10' }, 'America/New_York');
    const autumn = partitionBounds({ dt: '2024-11-03' }, 'America/New_York');
    expect((spring.endMs - spring.startMs) / HOUR).toBe(23);
    expect((autumn.endMs - autumn.startMs) / HOUR).toBe(25);
  });

  it('keeps both occurrences of a repeated hour in one partition', () => {
    const first = at('2024-11-03T01:30:00-04:00');
    const second = at('2024-11-03T01:30:00-05:00');
    expect(partitionOf(first, 'America/New_York', 'hour')).toEqual({ dt: '2024-11-03', hh: '01' });
    expect(partitionOf(second, 'America/New_York', 'hour')).toEqual({ dt: '2024-11-03', hh: '01' });
    expect(partitionBounds({ dt: '2024-11-03', hh: '01' }, 'America/New_York')).toEqual({
      startMs: at('2024-11-03T01:00:00-04:00'),
      endMs: at('2024-11-03T02:00:00-05:00'),
    });
    expect(boundaryAfter(first, 'America/New_York', 'hour')).toBe(at('2024-11-03T02:00:00-05:00'));
  });

  it('has no boundary for a skipped hour, and empty bounds', () => {
    const change = at('2024-03-10T07:00:00Z');
    expect(boundariesBetween(change - HOUR, change + HOUR, 'America/New_York', 'hour')).toEqual([
      change,
      change + HOUR,
    ]);
    expect(partitionClosedBy(change, 'America/New_York', 'hour')).toEqual({ dt: '2024-03-10', hh: '01' });
    expect(partitionBounds({ dt: '2024-03-10', hh: '02' }, 'America/New_York')).toEqual({
      startMs: change,
      endMs: change,
    });
  });

  it('begins a day at 01:00 where midnight was skipped', () => {
    const bounds = partitionBounds({ dt: '2018-11-04' }, 'America/Sao_Paulo');
    expect(bounds.startMs).toBe(at('2018-11-04T01:00:00-02:00'));
    expect(boundaryAfter(bounds.startMs - 1, 'America/Sao_Paulo', 'day')).toBe(bounds.startMs);
    expect(partitionClosedBy(bounds.startMs, 'America/Sao_Paulo', 'day')).toEqual({ dt: '2018-11-03' });
  });

  it('closes a day that is set back from midnight only when it is over for good', () => {
    // At 00:00 on 18 February 2018 the clock went back to 23:00: the 17th had 25 hours.
    const { startMs, endMs } = partitionBounds({ dt: '2018-02-17' }, 'America/Sao_Paulo');
    expect((endMs - startMs) / HOUR).toBe(25);
    expect(boundaryAfter(startMs, 'America/Sao_Paulo', 'day')).toBe(endMs);
  });

  it('goes from 29 to 31 December where the day between never was', () => {
    const change = at('2011-12-30T10:00:00Z');
    expect(partitionClosedBy(change, 'Pacific/Apia', 'day')).toEqual({ dt: '2011-12-29' });
    expect(partitionOf(change, 'Pacific/Apia', 'day')).toEqual({ dt: '2011-12-31' });
    expect(partitionBounds({ dt: '2011-12-30' }, 'Pacific/Apia')).toEqual({ startMs: change, endMs: change });
  });

  it('has an hour of 90 minutes where the clock goes back by 30', () => {
    const { startMs, endMs } = partitionBounds({ dt: '2024-04-07', hh: '01' }, 'Australia/Lord_Howe');
    expect((endMs - startMs) / 60_000).toBe(90);
  });

  it('has minutes, for trials', () => {
    const now = at('2024-05-01T09:30:15+08:00');
    expect(partitionOf(now, 'Asia/Shanghai', 'minute')).toEqual({ dt: '2024-05-01', hh: '09', mi: '30' });
    expect(boundaryAfter(now, 'Asia/Shanghai', 'minute')).toBe(at('2024-05-01T09:31:00+08:00'));
    expect(partitionPath({ dt: '2024-05-01', hh: '09', mi: '30' })).toBe('dt=2024-05-01/hh=09/mi=30');
  });

  it('names an instant for people in the zone of the table', () => {
    expect(formatInstant(at('2024-05-01T00:00:00+08:00'), 'Asia/Shanghai')).toBe('2024-05-01T00:00:00+08:00');
    expect(formatInstant(at('2024-01-01T00:00:00.250Z'), 'America/St_Johns')).toBe(
      '2023-12-31T20:30:00.250-03:30',
    );
  });

  it('refuses a zone and a partition that are none, instead of computing NaN', () => {
    expect(() => partitionOf(0, 'Asia/Shanghi', 'day')).toThrow(/no time zone/);
    expect(() => partitionBounds({ dt: '2024-13-01' }, 'UTC')).toThrow(/no partition/);
  });
});

describe('boundaries, in every zone and near every change of the clock', () => {
  const anyInstant = fc.oneof(instants, oddInstants);

  it('bounds contain the instant whose partition they are', () => {
    fc.assert(
      fc.property(anyInstant, zones, periods, (ms, zone, period) => {
        const { startMs, endMs } = partitionBounds(partitionOf(ms, zone, period), zone);
        expect(startMs).toBeLessThanOrEqual(ms);
        expect(endMs).toBeGreaterThan(ms);
      }),
      { numRuns: 600 },
    );
  });

  it('boundaries cut the line of time: the next of the last before is the next after, with no instant left out', () => {
    fc.assert(
      fc.property(anyInstant, zones, periods, (ms, zone, period) => {
        const before = boundaryAtOrBefore(ms, zone, period);
        const after = boundaryAfter(ms, zone, period);
        expect(before).toBeLessThanOrEqual(ms);
        expect(after).toBeGreaterThan(ms);
        expect(boundaryAfter(before, zone, period)).toBe(after);
        expect(boundaryAtOrBefore(after, zone, period)).toBe(after);
        expect(boundaryAtOrBefore(after - 1, zone, period)).toBe(before);
      }),
      { numRuns: 600 },
    );
  });

  it('every boundary closes one partition and no other, in growing order', () => {
    fc.assert(
      fc.property(anyInstant, zones, periods, (ms, zone, period) => {
        const boundaries = boundariesBetween(ms, ms + 60 * HOUR, zone, period);
        const names = boundaries.map((boundary) => partitionPath(partitionClosedBy(boundary, zone, period)));
        expect([...new Set(names)].sort()).toEqual(names);
        for (const [index, boundary] of boundaries.entries()) {
          expect(partitionBounds(partitionClosedBy(boundary, zone, period), zone).endMs).toBe(boundary);
          expect(boundary).toBeGreaterThan(boundaries[index - 1] ?? ms);
        }
      }),
      { numRuns: 120 },
    );
  });

  it('a row before a boundary never belongs to a partition that a later boundary has yet to open', () => {
    fc.assert(
      fc.property(anyInstant, zones, periods, (ms, zone, period) => {
        const boundary = boundaryAfter(ms, zone, period);
        const closed = partitionPath(partitionClosedBy(boundary, zone, period));
        for (const later of [boundary, boundary + 1, boundary + HOUR]) {
          expect(partitionPath(partitionOf(later, zone, period)) > closed).toBe(true);
        }
      }),
      { numRuns: 400 },
    );
  });
});
