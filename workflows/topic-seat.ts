import type { TableSpec } from '../config/spec.js';
import type { IngestSettings, JoinRequest } from './ingest-types.js';
import { run } from './run-activity.js';
import type { TableState } from './table-types.js';

/** What a table's seat at its topic needs of the table. */
export interface SeatHost {
  spec(): TableSpec;
  settings(): IngestSettings;
  state(): TableState;
  update(change: Pick<TableState, 'pin'>): void;
}

/** A table's seat among the tables that its topic is read for: taken, watched from outside, and left. */
export class TopicSeat {
  /** Whether the log may show columns that the table does not have. */
  private learns: boolean | undefined;

  constructor(private readonly host: SeatHost) {}

  /** Pins what the topic reads for the table. */
  async prepare(): Promise<void> {
    const spec = this.host.spec();
    const made = await run('prepareTable', `make sure that ${spec.name} exists in the catalog`, { spec });
    this.learns = made.learns;
    this.host.update({ pin: made.pin });
  }

  async join(): Promise<void> {
    const { kafka, topic, name } = this.host.spec();
    await run('joinIngest', `read ${topic} for ${name}`, { kafka, topic, join: this.request() });
  }

  /** A table that is paused falls behind, and the topic tells it how far; nothing is read for it. */
  async watch(): Promise<void> {
    const { paused, pin } = this.host.state();
    if (!paused || pin === null) return;
    const { kafka, topic, name } = this.host.spec();
    await run('watchIngest', `how far does ${name} fall behind?`, { kafka, topic, join: this.request() });
  }

  async tell(
    signal: 'pauseMember' | 'resumeMember' | 'leave',
    extra: { acceptLoss?: boolean } = {},
  ): Promise<void> {
    const { kafka, topic, name } = this.host.spec();
    await run('signalIngest', `${signal} ${name}`, { kafka, topic, signal, args: { table: name, ...extra } });
  }

  private request(): JoinRequest {
    const spec = this.host.spec();
    return {
      table: spec.name,
      pin: this.host.state().pin!,
      settings: this.host.settings(),
      latenessMs: spec.latenessSeconds * 1000,
      quarantineLimit: spec.quarantine,
      ...(this.learns !== undefined && { learns: this.learns }),
    };
  }
}
