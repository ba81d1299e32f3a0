import { setTimeout as sleep } from 'node:timers/promises';

/** Longest pause at a time: a server drops clients that stop reading for long. */
const LONGEST_PAUSE_MS = 1_000;

/** Holds a reader to a number of rows a second, evened out over a second. */
export class Throttle {
  private readonly startedMs: number;
  private rows = 0;

  constructor(
    private readonly rowsPerSecond: number | undefined,
    private readonly now: () => number = Date.now,
    private readonly pause: (ms: number, signal?: AbortSignal) => Promise<void> = (ms, signal) =>
      sleep(ms, undefined, signal && { signal }),
  ) {
    this.startedMs = now();
  }

  /** Counts rows, and waits while they are ahead of the rate. */
  async passed(rows: number, signal?: AbortSignal): Promise<void> {
    this.rows += rows;
    if (this.rowsPerSecond === undefined) return;
    for (;;) {
      const dueMs = this.startedMs + (this.rows / this.rowsPerSecond) * 1000;
      const ahead = dueMs - this.now();
      if (ahead <= 0) return;
      await this.pause(Math.min(ahead, LONGEST_PAUSE_MS), signal);
    }
  }
}
