import { errorMessage } from '../../common/errors.js';
import type { Carts } from './carts.js';
import type { MirrorPlaces } from './config.js';
import type { LogWriter } from './log-writer.js';
import { canalJson, drainerBinlog } from './records.js';
import type { Shop } from './shop.js';
import { payments } from './tables.js';

/** Transactions and changed carts a second. */
const TRADES = 12;
const CHANGES = 12;
/** MongoDB cannot be read as of an instant: around a boundary the carts stand still until they are written down. */
const STILL_BEFORE_MS = 1_500;

/** Trade in both databases, and the logs of it. */
export class Business {
  private going = false;
  private still: Promise<void> | undefined;
  private loops: Promise<void>[] = [];
  private trades = 0;
  private changes = 0;
  private failure: Error | undefined;

  constructor(
    private readonly places: MirrorPlaces,
    private readonly shop: Shop,
    private readonly carts: Carts,
    private readonly log: LogWriter,
  ) {}

  begin(): void {
    this.going = true;
    this.loops = [this.loop(TRADES, () => this.trade()), this.loop(CHANGES, () => this.changeCart())];
  }

  /** Waits for a boundary; answers the carts as they are then. */
  async passBoundary(boundaryMs: number): Promise<Map<string, string>> {
    await until(boundaryMs - STILL_BEFORE_MS);
    let release = (): void => undefined;
    this.still = new Promise((resolve) => {
      release = resolve;
    });
    try {
      await until(boundaryMs);
      this.rethrow();
      return await this.carts.dump();
    } finally {
      this.still = undefined;
      release();
    }
  }

  summary(): string {
    const { sent, twice, late } = this.log;
    const records = Object.values(sent).reduce((sum, count) => sum + count, 0);
    return (
      `${this.trades.toLocaleString('en-US')} transactions and ${this.changes.toLocaleString('en-US')} changed carts so far, ` +
      `${records.toLocaleString('en-US')} records in Kafka (${twice} of them twice, ${late} after their successors)`
    );
  }

  async end(): Promise<void> {
    if (!this.going) return;
    this.going = false;
    await Promise.all(this.loops);
    await this.log.close();
    this.rethrow();
  }

  private async trade(): Promise<void> {
    const { database, topics } = this.places;
    const { changes, commitTs } = await this.shop.trade();
    this.trades += 1;
    const paid = changes.filter(({ table }) => table === payments);
    const others = changes.filter(({ table }) => table !== payments);
    await this.log.send(
      topics.ticdc,
      others.map((change) => canalJson(database, change, commitTs, Date.now())),
    );
    if (paid.length > 0) await this.log.send(topics.drainer, [drainerBinlog(database, paid, commitTs)]);
  }

  private async changeCart(): Promise<void> {
    await this.still;
    await this.log.send(this.places.topics.shake, [await this.carts.shop()]);
    this.changes += 1;
  }

  private async loop(perSecond: number, body: () => Promise<void>): Promise<void> {
    while (this.going) {
      const next = Date.now() + 1000 / perSecond;
      try {
        await body();
      } catch (error) {
        this.failure = error instanceof Error ? error : new Error(errorMessage(error));
        return;
      }
      await until(next);
    }
  }

  /** What broke the trade must not look like a quiet shop. */
  private rethrow(): void {
    if (this.failure) throw this.failure;
  }
}

const until = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, Math.max(0, ms - Date.now())));
