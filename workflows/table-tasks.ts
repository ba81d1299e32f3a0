import { ActivityFailure, CancellationScope, condition, isCancellation } from '@temporalio/workflow';
import { afterFault, arrange, LIVING, type TableTask } from './table-requests.js';

export type Outcome = 'done' | 'superseded' | { failed: TableTask; error: ActivityFailure };

/** What people asked a table for, done one after the other; see `arrange` for what becomes of requests that contradict each other. */
export class TableTasks {
  private waiting: TableTask[] = [];
  private running: { task: TableTask; scope: CancellationScope; superseded: boolean } | undefined;

  get pending(): boolean {
    return this.waiting.length > 0;
  }

  get idle(): boolean {
    return !this.pending && this.running === undefined;
  }

  /** Whether the table is being stopped, or will be. */
  get stopping(): boolean {
    return this.running?.task.kind === 'stop' || this.waiting.some(({ kind }) => kind === 'stop');
  }

  /** Whether someone wants the table to live on who spoke after the request that is being done. */
  get revived(): boolean {
    return this.waiting.some(({ kind }) => LIVING.has(kind));
  }

  add(task: TableTask): void {
    const { waiting, cancel } = arrange(this.waiting, this.running?.task, task);
    this.waiting = waiting;
    if (!cancel || !this.running) return;
    this.running.superseded = true;
    this.running.scope.cancel();
  }

  /** Does the oldest request. Anything but a failed activity, or its own cancellation, is raised. */
  async runNext(): Promise<Outcome> {
    const task = this.waiting.shift()!;
    const running = { task, scope: new CancellationScope(), superseded: false };
    this.running = running;
    try {
      await running.scope.run(task.run);
      return 'done';
    } catch (error) {
      if (running.superseded && isCancellation(error)) return 'superseded';
      if (!(error instanceof ActivityFailure) || isCancellation(error)) throw error;
      return { failed: task, error };
    } finally {
      this.running = undefined;
    }
  }

  /** Waits to try a failed request again, unless people ask for something else first. */
  async waitToRetry(failed: TableTask, ms: number): Promise<void> {
    await condition(() => this.pending, ms, { summary: `tries ${failed.kind} again` });
    this.waiting = afterFault(failed, this.waiting);
  }
}
