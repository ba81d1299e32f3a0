import {
  ActivityFailure,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  isCancellation,
  log,
  setCurrentDetails,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import { allOrNone } from './batch.js';
import * as reduce from './bootstrap-state.js';
import type { BootstrapInput, BootstrapPage, BootstrapStarted } from './bootstrap-types.js';
import { bootstrapDetails } from './details.js';
import { faultOf } from './faults.js';
import * as messages from './messages.js';
import { run } from './run-activity.js';
import type { BootstrapBase, BootstrapProgress } from './bootstrap-types.js';

/** A table that bootstraps for hours must not drown in news of it. */
const TELL_EVERY_MS = 10_000;

/**
 * Reads a table from its source, once. All that is known of it is in storage, so this workflow decides only what to do next: it
 * may be killed, cancelled or lost at any point, and another one goes on. It ends with the base of the table's snapshots; what
 * only a person can mend it shows, and tries again.
 */
export async function bootstrap(input: BootstrapInput): Promise<BootstrapBase> {
  const { spec, pin } = input;
  const config = spec.bootstrap!;
  let progress: BootstrapProgress = input.carried?.progress ?? reduce.newBootstrapProgress();
  let lost: { generation: number; reason: string } | null = null;
  let faults = 0;
  let resumed = input.carried;
  let toldMs = 0;
  let telling = false;
  const read = { rows: 0, sinceMs: Date.now() };

  const tell = async (): Promise<void> => {
    telling = true;
    toldMs = Date.now();
    try {
      await getExternalWorkflowHandle(input.table).signal(messages.bootstrapSignal, progress);
    } catch (error) {
      if (isCancellation(error)) return;
      log.warn('the table does not hear of its bootstrap', { table: spec.name });
    } finally {
      telling = false;
    }
  };
  const show = (next: BootstrapProgress, force = false): void => {
    progress = next;
    setCurrentDetails(bootstrapDetails(spec, progress));
    if (!telling && (force || Date.now() - toldMs >= TELL_EVERY_MS)) void tell();
  };
  setHandler(messages.bootstrapQuery, () => progress);

  const plan = (directory: string, page: number): Promise<BootstrapPage> => {
    const planning = run('planBootstrap', `cut page ${page} into chunks`, {
      spec,
      directory,
      page,
      chunkRows: reduce.chunkRowsOf(config),
    });
    // It is waited for when the page before has been read; a failure until then is no one's yet.
    planning.catch(() => undefined);
    return planning;
  };

  const readPage = async (directory: string, page: number, todo: readonly number[]): Promise<void> => {
    const waiting = [...todo];
    const inFlight = reduce.readers(config, waiting.length);
    const rowsPerSecond = reduce.rateOf(config, inFlight);
    const reader = async (): Promise<void> => {
      for (let index = waiting.shift(); index !== undefined; index = waiting.shift()) {
        const request = { spec, directory, page, index, rowsPerSecond };
        const { rows } = await run('readBootstrapChunk', `chunk ${index}`, request);
        read.rows += rows;
        faults = 0;
        show(reduce.chunkRead(progress, rows, read, Date.now()));
      }
    };
    await allOrNone(Array.from({ length: inFlight }, () => reader));
  };

  const readAll = async ({ generation, directory }: BootstrapStarted): Promise<void> => {
    // Pages before the carried one are done and counted; whoever comes here after a fault counts anew.
    const carried = resumed?.generation === generation ? resumed : undefined;
    resumed = undefined;
    if (!carried) progress = { ...progress, chunksDone: 0, chunksPlanned: 0, rows: 0 };
    let page = carried?.page ?? 1;
    for (let next = plan(directory, page); ; page++) {
      const current = await next;
      show(reduce.planned(progress, current), page === 1);
      if (!current.last) next = plan(directory, page + 1);
      await readPage(directory, page, current.todo);
      if (current.last) return;
      if (!workflowInfo().continueAsNewSuggested) continue;
      await next.catch(() => undefined);
      await condition(() => !telling);
      await continueAsNew<typeof bootstrap>({ ...input, carried: { generation, page: page + 1, progress } });
    }
  };

  for (;;) {
    try {
      const begun = await run('startBootstrap', `begin to read ${config.table}`, {
        spec,
        pin,
        lost,
        replaces: input.replaces ?? null,
      });
      lost = null;
      if (begun.base) return begun.base;
      show(reduce.started(progress, begun), true);
      await readAll(begun);
      show({ ...progress, phase: 'finishing', fault: null }, true);
      return await run('finishBootstrap', `${progress.rows} rows`, { spec, directory: begun.directory });
    } catch (error) {
      if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
      const fault = faultOf(error, progress.fault, Date.now());
      show({ ...progress, fault }, true);
      const gone = fault.code === 'SourceSnapshotLost';
      if (gone) lost = { generation: progress.generation, reason: fault.message };
      const delay = gone ? reduce.restartDelay(progress.generation) : reduce.retryDelay(faults);
      await sleep(delay, {
        summary: gone ? `begins anew after ${fault.code}` : `tries again after ${fault.code}`,
      });
      faults += 1;
    }
  }
}
