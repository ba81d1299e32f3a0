/** Rows landed at an instant. */
export interface PaceSample {
  atMs: number;
  rows: number;
}

/** Newest samples, oldest first. They span a little more than the window, so that the pace does not jump. */
export type Pace = PaceSample[];

const WINDOW_MS = 60_000;
/** Samples nearer to each other than this are not worth keeping apart. */
const APART_MS = 5_000;

/** Notes how many rows have landed by now. A count that went back (a table begun anew) begins anew too. */
export function notePace(pace: Pace, atMs: number, rows: number): Pace {
  const last = pace.at(-1);
  if (last && rows < last.rows) return [{ atMs, rows }];
  const before = pace.at(-2);
  const kept = last && before && last.atMs - before.atMs < APART_MS ? pace.slice(0, -1) : pace;
  const all = [...kept, { atMs, rows }];
  const firstInside = all.findIndex((sample) => sample.atMs > atMs - WINDOW_MS);
  return all.slice(Math.max(0, firstInside - 1));
}

/** Mean rows a second over about the last minute, to three digits; null while there is only one look. */
export function rowsPerSecond(pace: Pace): number | null {
  const first = pace[0];
  const last = pace.at(-1);
  if (!first || !last || last.atMs <= first.atMs) return null;
  return Number((((last.rows - first.rows) * 1_000) / (last.atMs - first.atMs)).toPrecision(3));
}
