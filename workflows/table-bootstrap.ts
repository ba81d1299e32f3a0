import {
  CancellationScope,
  ChildWorkflowCancellationType,
  condition,
  executeChild,
  sleep,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { TableSpec } from '../config/spec.js';
import type { bootstrap } from './bootstrap.js';
import { newBootstrapProgress } from './bootstrap-state.js';
import { faultOf } from './faults.js';
import { bootstrapWorkflowId, tableWorkflowId } from './names.js';
import { searchAttributes } from './search-attributes.js';
import type { BootstrapProgress } from './bootstrap-types.js';
import type { TableState } from './table-types.js';

const RETRY_MS = 60_000;
/** An earlier bootstrap of the same id is being ended by the server, or by a table that is just going. */
const STRAGGLER_MS = 3_000;

/** The table that a bootstrap belongs to. */
export interface BootstrapHost {
  spec(): TableSpec;
  state(): TableState;
  update(change: Partial<TableState>): void;
}

/**
 * Keeps a mirror's bootstrap running beside everything else that the table does, until there is a base for its snapshots. The
 * source is not read before the topic has fixed where this table's log begins, so that the log has every change after the
 * instant that the bootstrap shows.
 */
export class TableBootstrap {
  private scope: CancellationScope | undefined;
  private running: Promise<void> | undefined;

  constructor(private readonly host: BootstrapHost) {}

  /** Whether the table waits for its first bootstrap. */
  get first(): boolean {
    const { mode, bootstrap } = this.host.spec();
    return mode === 'mirror' && bootstrap !== undefined && (this.host.state().base ?? null) === null;
  }

  /** Reads the source once more; the base there is stays until then. Nothing, if there is none yet. */
  again(): void {
    const { base } = this.host.state();
    if (!base || this.host.spec().bootstrap === undefined) return;
    this.host.update({ replacing: base.directory });
    this.ensure();
  }

  private get needed(): boolean {
    return this.first || (this.host.state().replacing ?? null) !== null;
  }

  /** Starts or goes on with the bootstrap, if one is needed and does not run. */
  ensure(): void {
    if (!this.needed || this.running) return;
    this.host.update({ bootstrap: newBootstrapProgress() });
    const scope = new CancellationScope();
    this.scope = scope;
    this.running = scope
      .run(() => this.keepGoing(scope))
      .catch((error: unknown) => {
        if (!scope.consideredCancelled) throw error;
      });
  }

  /** Ends it where it is; what it has read stays. */
  async stop(): Promise<void> {
    if (!this.running) return;
    this.scope?.cancel();
    await this.running;
    this.running = undefined;
    this.host.update({ bootstrap: null });
  }

  /** News of the running bootstrap. */
  heard(progress: BootstrapProgress): void {
    if (this.running) this.host.update({ bootstrap: progress });
  }

  private async keepGoing(scope: CancellationScope): Promise<void> {
    await condition(() => this.host.state().progress?.joined === true);
    for (;;) {
      try {
        const base = await this.child();
        this.running = undefined;
        const { phase } = this.host.state();
        this.host.update({
          base,
          replacing: null,
          bootstrap: null,
          phase: phase === 'bootstrap' ? 'running' : phase,
        });
        return;
      } catch (error) {
        if (scope.consideredCancelled) throw error;
        if (error instanceof WorkflowExecutionAlreadyStartedError) {
          await sleep(STRAGGLER_MS, { summary: 'an earlier bootstrap ends' });
          continue;
        }
        // It shows and mends its own faults; it fails only if someone ended it by hand.
        const now = this.host.state().bootstrap ?? newBootstrapProgress();
        this.host.update({ bootstrap: { ...now, fault: faultOf(error, now.fault, Date.now()) } });
        await sleep(RETRY_MS, { summary: 'bootstraps again' });
      }
    }
  }

  private child(): ReturnType<typeof bootstrap> {
    const spec = this.host.spec();
    const replaces = this.host.state().replacing ?? null;
    return executeChild<typeof bootstrap>('bootstrap', {
      workflowId: bootstrapWorkflowId(spec.name),
      args: [{ spec, pin: this.host.state().pin!, table: tableWorkflowId(spec.name), replaces }],
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
      staticSummary: `reads ${spec.bootstrap!.table} once`,
      typedSearchAttributes: [
        { key: searchAttributes.table, value: spec.name },
        { key: searchAttributes.mode, value: 'bootstrap' },
      ],
    });
  }
}
