import { setTimeout as sleep } from 'node:timers/promises';

/** Waits of a retry loop: doubling from `firstMs` to `mostMs`, with jitter, until `budgetMs` have passed since the start. */
export class Backoff {
  private readonly end: number;
  private next: number;

  constructor(
    budgetMs: number,
    firstMs = 100,
    private readonly mostMs = 5_000,
  ) {
    this.end = Date.now() + budgetMs;
    this.next = firstMs;
  }

  /** Waits; false at once if the budget is used up. */
  async wait(signal?: AbortSignal): Promise<boolean> {
    const left = this.end - Date.now();
    if (left <= 0) return false;
    const pause = Math.min(left, this.next * (0.75 + Math.random() / 2));
    this.next = Math.min(this.mostMs, this.next * 2);
    try {
      await sleep(pause, undefined, { signal });
    } catch {
      signal?.throwIfAborted();
    }
    return true;
  }
}
