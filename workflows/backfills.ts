import {
  ApplicationFailure,
  condition,
  getExternalWorkflowHandle,
  ParentClosePolicy,
  patched,
  setHandler,
  startChild,
  WorkflowIdReusePolicy,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type {
  BackfillAccepted,
  BackfillEntry,
  BackfillMemory,
  BackfillOutline,
  BackfillRequest,
  BackfillResult,
} from './backfill-types.js';
import type { TableSpec } from '../config/spec.js';
import * as messages from './reread-messages.js';
import { backfillWorkflowId } from './names.js';
import { run } from './run-activity.js';
import { rereadSettings } from './reread-settings.js';
import type { IngestSettings } from './ingest-types.js';

const REMEMBERED = 20;
const RELOAD_MS = 60_000;
const BEFORE = { summary: 'what was asked for before is done first' };
/** A cancelled backfill ends when the pointer move that it has ordered is made or refused; an outage may hold that up. */
const END_MS = 60_000;
/** Versions before this one let a backfill run on when its table was stopped, and the next start knew nothing of it. */
export const ENDS_WITH_TABLE = 'backfill-ends-with-table';
const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** What a table's backfills need of the table. */
export interface BackfillHost {
  spec(): TableSpec;
  settings(): IngestSettings;
  pin(): string | null;
  /** Nothing that people asked of the table before is still to be done, such as a reload. */
  idle(): boolean;
  /** Nobody wants the table to go on. */
  stopping(): boolean;
  memory(): BackfillMemory | undefined;
  remember(memory: BackfillMemory): void;
  /** Landed rows of partitions from this instant on are not what they were. */
  changedFrom(fromMs: number): void;
}

const none: BackfillMemory = { running: null, recent: [], refused: null };

/** Why a request is refused; null if it is not. Pure. */
export function refusal(
  request: BackfillRequest,
  memory: BackfillMemory,
  table: { name: string; ready: boolean; stopping?: boolean },
): { code: string; message: string } | null {
  const { id, fromMs, toMs } = request;
  const invalid = (message: string) => ({ code: 'BackfillInvalid', message });
  if (typeof id !== 'string' || !ID.test(id)) {
    return invalid(
      `A backfill's id is 1 to 64 letters, digits, '.', '_' and '-'; not ${JSON.stringify(id)}.`,
    );
  }
  if (!Number.isSafeInteger(fromMs) || !Number.isSafeInteger(toMs) || fromMs >= toMs) {
    return invalid('fromMs and toMs are instants in ms since the epoch, and fromMs is the earlier one.');
  }
  const known = [memory.running, ...memory.recent].find((entry) => entry?.id === id);
  if (known) {
    if ('outcome' in known && known.outcome === 'cancelled') {
      return invalid(`Backfill ${id} of ${table.name} was cancelled. To do it now take another id.`);
    }
    if (known.fromMs === fromMs && known.toMs === toMs) return null;
    return invalid(`Backfill ${id} of ${table.name} was asked for with another interval. Take another id.`);
  }
  if (!table.ready) {
    return {
      code: 'TableNotReady',
      message: `${table.name} is still being prepared. Ask again when it runs.`,
    };
  }
  if (table.stopping) return stopped(table.name);
  if (memory.running) {
    const running = memory.running;
    const overlap = running.fromMs < toMs && fromMs < running.toMs;
    return {
      code: overlap ? 'BackfillOverlaps' : 'BackfillRunning',
      message:
        `Backfill ${running.id} of ${table.name} is running${overlap ? ' over a part of this interval' : ''}. ` +
        `Wait for its end, or: tributary backfill ${table.name} --cancel --id ${running.id}`,
    };
  }
  return null;
}

function stopped(table: string): { code: string; message: string } {
  return {
    code: 'TableStopping',
    message: `${table} is being stopped. Once it runs again (tributary start ${table}), ask again.`,
  };
}

/** The memory after a backfill has ended; undefined if that was known already. */
export function ended(memory: BackfillMemory, result: BackfillResult): BackfillMemory | undefined {
  const running = memory.running;
  if (running?.id !== result.id) return undefined;
  const entry = { ...running, outcome: result.outcome, rebuilt: result.rebuilt };
  return { ...memory, running: null, recent: [...memory.recent, entry].slice(-REMEMBERED) };
}

/** A table's part in its backfills: takes requests, one at a time, and remembers what became of them. */
export class Backfills {
  /** Requests that are taken and have no workflow yet. */
  private starting = 0;

  constructor(private readonly host: BackfillHost) {
    setHandler(messages.backfillUpdate, (request) => this.start(request), {
      validator: (request: BackfillRequest) => {
        const refused = this.refusal(request);
        if (refused) throw ApplicationFailure.nonRetryable(refused.message, refused.code);
      },
    });
    setHandler(messages.planBackfillUpdate, (request) => this.plan(request), {
      validator: (request: BackfillRequest) => {
        const { pin } = this;
        const refused = refusal(request, none, { name: this.name, ready: pin !== null });
        if (refused) throw ApplicationFailure.nonRetryable(refused.message, refused.code);
      },
    });
    setHandler(messages.backfillSignal, async (request) => {
      const refuse = (message: string): void => {
        const id = typeof request?.id === 'string' ? request.id : 'without an id';
        host.remember({ ...this.memory, refused: { id, message, atMs: Date.now() } });
      };
      const refused = this.refusal(request);
      if (refused) return refuse(refused.message);
      try {
        await this.start(request);
      } catch (error) {
        // A refusal that is thrown from a signal would fail the table.
        if (!(error instanceof ApplicationFailure)) throw error;
        refuse(error.message);
      }
    });
    setHandler(messages.backfillEndedSignal, (result) => this.end(result));
  }

  /**
   * Takes up a backfill that a run of the table before this one has left behind: terminated by hand, it could not cancel it. Another
   * one beside it could be overtaken by what it writes by an older config.
   */
  async adopt(): Promise<void> {
    const [entry] = await run('runningBackfills', `does a backfill of ${this.name} run?`, {
      table: this.name,
    });
    if (entry) this.host.remember({ ...this.memory, running: entry });
  }

  /** Cancels the backfill that runs, and gives it time to put its partitions in order: a stopped table writes nothing. */
  async stop(): Promise<void> {
    const { running } = this.memory;
    if (!running) return;
    const over = (): boolean => this.memory.running?.id !== running.id;
    // It may be about to be started, which it is not any more once the table is being stopped.
    await condition(() => this.starting === 0 || !this.host.stopping());
    // Someone who spoke since wants the table to live on, and its backfill with it.
    if (over() || !this.host.stopping()) return;
    try {
      await getExternalWorkflowHandle(backfillWorkflowId(this.name, running.id)).cancel();
    } catch {
      // It has ended by itself, or by hand.
      return this.lost(running.id);
    }
    await condition(over, END_MS, { summary: `backfill ${running.id} ends` });
  }

  private get memory(): BackfillMemory {
    return this.host.memory() ?? none;
  }

  private get name(): string {
    return this.host.spec().name;
  }

  private get pin(): string | null {
    return this.host.pin();
  }

  private refusal(request: BackfillRequest): ReturnType<typeof refusal> {
    const table = { name: this.name, ready: this.pin !== null, stopping: this.host.stopping() };
    return refusal(request ?? {}, this.memory, table);
  }

  private settings() {
    return rereadSettings(this.host.settings());
  }

  private async plan(request: BackfillRequest): Promise<BackfillOutline> {
    await condition(() => this.host.idle(), RELOAD_MS, BEFORE);
    return run('planBackfill', `what backfill ${request.id} would do`, {
      table: this.name,
      request,
      spec: this.host.spec(),
      pin: this.pin!,
      settings: this.settings(),
      dry: true,
    });
  }

  private async start(request: BackfillRequest): Promise<BackfillAccepted> {
    const { id, fromMs, toMs } = request;
    const workflowId = backfillWorkflowId(this.name, id);
    const known = [this.memory.running, ...this.memory.recent].some((entry) => entry?.id === id);
    if (known) return { id, workflowId, state: 'known' };
    const entry: BackfillEntry = { id, fromMs, toMs, startedMs: Date.now() };
    this.host.remember({ ...this.memory, running: entry, refused: null });
    this.starting += 1;
    try {
      const ending = (): boolean => this.host.stopping() && patched(ENDS_WITH_TABLE);
      // A reload that came just before must count; one that cannot be done must not hold this up for ever.
      await condition(() => this.host.idle() || ending(), RELOAD_MS, BEFORE);
      if (ending()) {
        const { message, code } = stopped(this.name);
        throw ApplicationFailure.nonRetryable(message, code);
      }
      const child = await startChild('backfill', {
        workflowId,
        args: [
          { table: this.name, request, spec: this.host.spec(), pin: this.pin!, settings: this.settings() },
        ],
        workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
        // It outlives this run of the table, which continues as new now and then.
        parentClosePolicy: ParentClosePolicy.ABANDON,
        staticSummary: `rebuilds partitions of ${this.name} from Kafka`,
      });
      void (child.result() as Promise<BackfillResult>).then(
        (result) => this.end(result),
        () => this.lost(id),
      );
      return { id, workflowId, state: 'started' };
    } catch (error) {
      this.host.remember({ ...this.memory, running: null });
      // Longer ago than the table remembers: its result is still there to be read.
      if (error instanceof WorkflowExecutionAlreadyStartedError) return { id, workflowId, state: 'known' };
      throw error;
    } finally {
      this.starting -= 1;
    }
  }

  private end(result: BackfillResult): void {
    const next = ended(this.memory, result);
    if (!next) return;
    this.host.remember(next);
    if (result.firstMs !== null) this.host.changedFrom(result.firstMs);
  }

  /** Terminated by hand: what it had rebuilt by then is not known, so all of its interval may have changed. */
  private lost(id: string): void {
    const running = this.memory.running;
    if (running?.id !== id) return;
    this.end({
      ...{ id, table: this.name, outcome: 'failed', message: 'it was ended by hand', partitions: 0 },
      ...{ rebuilt: 0, unchanged: 0, replaced: 0, kept: 0, fresh: 0, notAdded: 0 },
      ...{ refused: [], refusedCount: 0, firstMs: running.fromMs },
    });
  }
}
