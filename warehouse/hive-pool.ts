import { HiveConnection, type HiveConnectionOptions, type RunOptions } from './hive-connection.js';
import { HiveConnectionError } from './hive-errors.js';
import type { HiveRow } from './hive-rows.js';

/** Connections that are idle for longer are given back to the server. */
const IDLE_MS = 60_000;

interface Idle {
  connection: HiveConnection;
  timer: NodeJS.Timeout;
}

interface Turn {
  take: () => void;
  signal: AbortSignal | undefined;
}

/** A few sessions, one a concurrent statement. A connection with any fault is dropped and a new one made. */
export class HivePool {
  private readonly idle: Idle[] = [];
  private readonly waiting: Turn[] = [];
  private busy = 0;
  private closed = false;

  constructor(
    private readonly options: HiveConnectionOptions,
    private readonly limit: number,
  ) {}

  /**
   * Runs a statement that may be repeated: where a kept connection turns out to be dead (the server was restarted), it is
   * run once more on a new one.
   */
  async run(sql: string, options: RunOptions): Promise<HiveRow[]> {
    return this.inTurn(options.signal, async () => {
      const kept = this.takeIdle();
      if (kept !== undefined) {
        try {
          return await this.runOn(kept, sql, options);
        } catch (error) {
          if (!(error instanceof HiveConnectionError) || !kept.broken) throw error;
        }
      }
      return this.runOn(await HiveConnection.open(this.options), sql, options);
    });
  }

  /** Runs a statement once, on a session of its own with further settings. */
  async runAlone(sql: string, settings: Record<string, string>, options: RunOptions): Promise<HiveRow[]> {
    return this.inTurn(options.signal, async () => {
      const own = { ...this.options, settings: { ...this.options.settings, ...settings } };
      const connection = await HiveConnection.open(own);
      try {
        return await connection.run(sql, options);
      } finally {
        await connection.close();
      }
    });
  }

  async close(): Promise<void> {
    this.closed = true;
    const idle = this.idle.splice(0);
    for (const { timer } of idle) clearTimeout(timer);
    await Promise.all(idle.map(({ connection }) => connection.close()));
  }

  private async runOn(connection: HiveConnection, sql: string, options: RunOptions): Promise<HiveRow[]> {
    try {
      return await connection.run(sql, options);
    } finally {
      await this.giveBack(connection);
    }
  }

  private async inTurn<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    signal?.throwIfAborted();
    if (this.busy >= this.limit) await this.turn(signal);
    else this.busy += 1;
    try {
      return await work();
    } finally {
      this.next();
    }
  }

  private turn(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const turn: Turn = { take: resolve, signal };
      this.waiting.push(turn);
      signal?.addEventListener(
        'abort',
        () => {
          const at = this.waiting.indexOf(turn);
          if (at >= 0) this.waiting.splice(at, 1);
          reject(signal.reason as Error);
        },
        { once: true },
      );
    });
  }

  private next(): void {
    const turn = this.waiting.shift();
    if (turn === undefined) this.busy -= 1;
    else turn.take();
  }

  private takeIdle(): HiveConnection | undefined {
    for (let entry = this.idle.pop(); entry !== undefined; entry = this.idle.pop()) {
      clearTimeout(entry.timer);
      if (!entry.connection.broken) return entry.connection;
    }
    return undefined;
  }

  private async giveBack(connection: HiveConnection): Promise<void> {
    if (this.closed || connection.broken) {
      await connection.close();
      return;
    }
    const timer = setTimeout(() => {
      const at = this.idle.findIndex((entry) => entry.connection === connection);
      if (at >= 0) this.idle.splice(at, 1);
      void connection.close();
    }, IDLE_MS);
    timer.unref();
    this.idle.push({ connection, timer });
  }
}
