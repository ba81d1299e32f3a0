import {
  ChildWorkflowFailure,
  ActivityFailure,
  CancellationScope,
  condition,
  isCancellation,
  ParentClosePolicy,
  patched,
  sleep,
  startChild,
  WorkflowIdReusePolicy,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { TableSpec } from '../config/spec.js';
import { faultOf } from './faults.js';
import { snapshotWorkflowId } from './names.js';
import { run } from './run-activity.js';
import type { snapshot } from './snapshot.js';
import * as reduce from './snapshot-state.js';
import type { DueSnapshots, SnapshotState } from './snapshot-types.js';
import type { BootstrapBase } from './bootstrap-types.js';

/** Boundaries that are asked for at a time. */
const ASKED_AT_A_TIME = 20;
/** A snapshot that failed is tried again, less and less often: a person may have mended it without a word to us. */
const FIRST_RETRY_MS = 60_000;
const LAST_RETRY_MS = 3_600_000;
const LEFT_BEHIND_MS = 5_000;
/** Versions before this one went on with later boundaries when an earlier one was outdated meanwhile. */
const REMAKE_RESTARTS = 'remake-restarts';

/** What the table's workflow knows and the snapshots need. */
export interface SnapshotHost {
  spec(): TableSpec;
  base(): BootstrapBase | null;
  /** False while the table is paused, prepares itself, or waits for its bootstrap. */
  ready(): boolean;
  completeThroughMs(): number | null;
  rows(): number;
  state(): SnapshotState;
  update(state: SnapshotState): void;
}

/**
 * A table's calendar: makes every snapshot that is owed, in order, one at a time, each as a child workflow of its own name.
 * Runs beside everything else that the table does: a snapshot that fails holds up the later ones, and nothing more.
 */
export class Snapshots {
  private asked: reduce.Readiness['asked'] = null;
  private retries = 0;
  private poked = false;
  private held = false;
  private current: CancellationScope | undefined;

  constructor(private readonly host: SnapshotHost) {}

  /** Whether a child workflow runs; a table does not continue as new then. */
  get busy(): boolean {
    return this.current !== undefined;
  }

  /** Tries at once what has failed: someone has changed something. */
  poke(): void {
    this.poked = true;
  }

  /** Gives up what is being made, and begins nothing until `go`. */
  stop(): void {
    this.held = true;
    this.current?.cancel();
  }

  go(): void {
    this.held = false;
  }

  /** Never ends but by cancellation. */
  async run(): Promise<void> {
    for (;;) {
      await condition(
        () => !this.held && this.host.ready() && reduce.worthAsking(this.host.state(), this.readiness()),
      );
      this.current = new CancellationScope();
      try {
        await this.current.run(() => this.makeOwed());
        this.retries = 0;
        if (this.host.state().fault !== null) this.set({ fault: null });
      } catch (error) {
        this.current = undefined;
        if (isCancellation(error)) {
          this.host.update(reduce.applyFailed(this.host.state(), null));
          this.asked = null;
          continue;
        }
        if (error instanceof WorkflowExecutionAlreadyStartedError) {
          // Left behind by a table before this one, whose end cancels it.
          this.host.update(reduce.applyFailed(this.host.state(), null));
          await sleep(LEFT_BEHIND_MS, { summary: 'an earlier snapshot of this name ends' });
          this.asked = null;
          continue;
        }
        if (!(error instanceof ActivityFailure || error instanceof ChildWorkflowFailure)) throw error;
        const fault = faultOf(error, this.host.state().fault, Date.now());
        this.host.update(reduce.applyFailed(this.host.state(), fault));
        this.poked = false;
        const delay = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.retries);
        await condition(() => this.poked, delay, { summary: `tries again after ${fault.code}` });
        this.retries += 1;
        this.asked = null;
      } finally {
        this.current = undefined;
      }
    }
  }

  private readiness(): reduce.Readiness {
    return {
      completeThroughMs: this.host.completeThroughMs(),
      rows: this.host.rows(),
      asked: this.asked,
      hasBase: this.host.base() !== null,
    };
  }

  private async makeOwed(): Promise<void> {
    const { host } = this;
    const throughMs = host.completeThroughMs()!;
    const rows = host.rows();
    const spec = host.spec();
    const { lastMs, remake } = host.state();
    const answer = await run('dueSnapshots', `which snapshots does ${spec.name} owe?`, {
      spec,
      base: host.base(),
      lastMs,
      throughMs,
      remake,
      limit: ASKED_AT_A_TIME,
    });
    this.asked = { completeThroughMs: throughMs, rows };
    host.update(reduce.applyDue(host.state(), answer));
    for (const due of answer.due) {
      // A late change that came meanwhile outdates what these would start from.
      if (host.state().remake !== null && !due.again) return;
      await this.make(due);
      if (!host.ready()) return;
      if (!reduce.goesOn(host.state(), due) && patched(REMAKE_RESTARTS)) return;
    }
    if (answer.due.some(({ again }) => !again)) await this.retire();
  }

  private async make({ boundary, previous, again }: DueSnapshots['due'][number]): Promise<void> {
    const { host } = this;
    const spec = host.spec();
    this.set({ running: { name: boundary.name, ms: boundary.ms } });
    const child = await startChild<typeof snapshot>('snapshot', {
      workflowId: snapshotWorkflowId(spec.name, boundary.name),
      args: [{ spec, base: host.base(), boundary, previous, again }],
      staticSummary: `${spec.name} at the end of ${boundary.name}${again ? ', made anew' : ''}`,
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
    });
    const before = host.state();
    const done = await child.result();
    // What came meanwhile counts. Tables that lost sight of it are replayed as they were.
    const outdated = host.state().outdatedFromMs !== before.outdatedFromMs;
    const now = outdated && !patched(REMAKE_RESTARTS) ? before : host.state();
    host.update(reduce.applyPublished(now, done, again));
  }

  private async retire(): Promise<void> {
    const { host } = this;
    const { throughMs } = await run('retireSnapshots', `snapshots that ${host.spec().name} keeps no more`, {
      spec: host.spec(),
      retiredThroughMs: host.state().retiredThroughMs,
    });
    this.set({ retiredThroughMs: throughMs });
  }

  private set(change: Partial<SnapshotState>): void {
    this.host.update({ ...this.host.state(), ...change });
  }
}
