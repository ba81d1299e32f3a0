import { describe, expect, it } from 'vitest';
import { notePace, rowsPerSecond, type Pace } from '../../../workflows/pace.js';

const noted = (samples: [atSeconds: number, rows: number][]): Pace =>
  samples.reduce<Pace>((pace, [at, rows]) => notePace(pace, at * 1_000, rows), []);

describe('rows a second', () => {
  it('is not known from one look', () => {
    expect(rowsPerSecond([])).toBeNull();
    expect(rowsPerSecond(noted([[0, 500]]))).toBeNull();
  });

  it('is the mean of about the last minute, not of all time', () => {
    const steady = noted(Array.from({ length: 20 }, (_, i) => [i * 10, i * 10_000]));
    expect(rowsPerSecond(steady)).toBe(1_000);
    const stopped = [0, 10, 20, 30, 40, 50, 60, 70].reduce(
      (pace, at) => notePace(pace, (200 + at) * 1_000, 190_000),
      steady,
    );
    expect(rowsPerSecond(stopped)).toBe(0);
  });

  // A table that reports often must not fill its workflow's state, nor lose the minute.
  it('keeps few samples however often the table reports', () => {
    const often = noted(Array.from({ length: 1_000 }, (_, i) => [i / 10, i * 100]));
    expect(often.length).toBeLessThan(20);
    expect(rowsPerSecond(often)).toBe(1_000);
  });

  it('begins anew when the count went back: a table that was begun anew has no negative pace', () => {
    expect(
      rowsPerSecond(
        noted([
          [0, 900],
          [10, 1_000],
          [20, 5],
        ]),
      ),
    ).toBeNull();
  });

  it('has three digits, so that it does not change with every breath', () => {
    expect(
      rowsPerSecond(
        noted([
          [0, 0],
          [7, 123_456],
        ]),
      ),
    ).toBe(17_600);
  });
});
