import type { Client } from '@temporalio/client';
import pc from 'picocolors';
import { TributaryError } from '../../common/errors.js';
import type { TableSpec } from '../../config/spec.js';
import type { BackfillRequest, BackfillResult, BackfillStatus } from '../../workflows/backfill-types.js';
import {
  backfillEndedSignal,
  backfillStatusQuery,
  backfillUpdate,
  planBackfillUpdate,
} from '../../workflows/reread-messages.js';
import { statusQuery } from '../../workflows/messages.js';
import { backfillWorkflowId, tableWorkflowId } from '../../workflows/names.js';
import { argumentsText, planText, progressWords, resultText } from '../backfill-text.js';
import { driftWarning } from '../drift.js';
import { earlierRequest, forgotten, repeated, withTimes, type Earlier } from '../earlier-request.js';
import { follow } from '../follow.js';
import { parseInstant } from '../instant.js';
import { note, print, printJson } from '../output.js';
import { sendUpdate } from '../send-update.js';
import { openSession, pickTables, temporalTarget } from '../session.js';
import { ASK_AGAIN } from '../waiting.js';
import { ask, ifRunning, withTemporal } from '../temporal.js';
import { handedInOnly, workersComing } from '../workers-alive.js';

export interface BackfillOptions {
  config: string;
  from?: string;
  to?: string;
  plan?: boolean;
  id?: string;
  acceptMissing?: boolean;
  detach?: boolean;
  cancel?: boolean;
  json?: boolean;
}

/** Rebuilds partitions from Kafka, shows what it would do, or cancels one that runs. */
export async function backfill(table: string, options: BackfillOptions): Promise<void> {
  const session = await openSession(options.config);
  const spec = pickTables(session.specs, [table])[0]!;
  const target = await temporalTarget(session.runtime.temporal);
  await withTemporal(target, async (client) => {
    if (options.cancel) return cancel(client, table, options);
    const earlier =
      options.id === undefined || options.plan
        ? undefined
        : await earlierRequest<BackfillRequest, BackfillResult>(
            client,
            backfillWorkflowId(table, options.id),
          );
    if (earlier) return answerAgain(client, spec, options, earlier);
    const request = requestOf(spec, options);
    // People see what will be done before it is; machines ask for it by --plan.
    if (options.plan || (!options.json && !options.detach)) {
      const outline = await sendUpdate(client, table, planBackfillUpdate, request, ASK_AGAIN);
      const drift = await driftWarning(client, spec);
      if (drift !== undefined) note(`${pc.yellow('ConfigNotApplied')}: ${drift}`);
      if (options.json) printJson(outline);
      else print(planText(spec, request, outline));
      if (options.plan) return;
    }
    const accepted = await sendUpdate(client, table, backfillUpdate, request);
    if (accepted.state === 'known') throw forgotten(`backfill ${request.id} of ${table}`, request.id);
    if (options.detach) {
      if (options.json) printJson(accepted);
      else print(`${pc.bold(accepted.workflowId)}  started`);
      return;
    }
    await waitFor(client, accepted, options);
  });
}

/** An id that was used before: says so, and shows what became of that request. */
async function answerAgain(
  client: Client,
  spec: TableSpec,
  options: BackfillOptions,
  earlier: Earlier<BackfillRequest, BackfillResult>,
): Promise<void> {
  const { id } = earlier.request;
  const asked = options.from === undefined && options.to === undefined ? null : requestOf(spec, options);
  const zone = spec.timezone;
  const what = `backfill ${id} of ${spec.name}`;
  const argumentsOf = (request: BackfillRequest): string => argumentsText(request, zone);
  note(repeated(earlier, asked, { what, argumentsOf, zone, waits: !options.detach }));
  const workflowId = backfillWorkflowId(spec.name, id);
  if (earlier.result) return show(earlier.result, options, earlier);
  if (!options.detach) return waitFor(client, { workflowId }, options);
  if (options.json) printJson({ id, workflowId, state: 'known' });
  else print(`${pc.bold(workflowId)}  was asked for before`);
}

async function waitFor(
  client: Client,
  { workflowId }: { workflowId: string },
  options: BackfillOptions,
): Promise<void> {
  const result = await follow<BackfillStatus, BackfillResult>(
    client,
    workflowId,
    backfillStatusQuery,
    progressWords,
  );
  show(result, options);
}

/** @param earlier of a result that was there before */
function show(result: BackfillResult, options: BackfillOptions, earlier?: Earlier<unknown, unknown>): void {
  if (options.json) printJson(withTimes(result, earlier));
  else print(resultText(result));
  if (result.outcome !== 'done') process.exitCode = 1;
}

function requestOf(spec: TableSpec, options: BackfillOptions): BackfillRequest {
  if (options.from === undefined || options.to === undefined) {
    throw new TributaryError({
      code: 'BackfillInvalid',
      message: `Say which event times to rebuild: tributary backfill ${spec.name} --from 2026-03-01 --to 2026-03-11`,
    });
  }
  const fromMs = parseInstant(options.from, spec.timezone);
  const toMs = parseInstant(options.to, spec.timezone);
  if (fromMs >= toMs) {
    throw new TributaryError({
      code: 'BackfillInvalid',
      message: `--from ${options.from} is not before --to ${options.to}; --to is the instant after the last.`,
    });
  }
  const id = options.id ?? new Date().toISOString().replace(/[-:.]/g, '').slice(0, 18);
  return { id, fromMs, toMs, acceptMissing: options.acceptMissing ?? false };
}

async function cancel(client: Client, table: string, options: BackfillOptions): Promise<void> {
  const { id } = options;
  if (id === undefined) {
    throw new TributaryError({
      code: 'BackfillInvalid',
      message: `Say which one: tributary backfill ${table} --cancel --id ID; tributary status ${table} names it.`,
    });
  }
  const alone: (keyof BackfillOptions)[] = ['plan', 'from', 'to', 'acceptMissing'];
  const beside = alone.filter((name) => options[name] !== undefined);
  if (beside.length > 0) {
    const named = beside.map((name) => `--${name === 'acceptMissing' ? 'accept-missing' : name}`).join(', ');
    throw new TributaryError({
      code: 'BackfillInvalid',
      message: `--cancel goes with --id alone, not with ${named}; nothing was cancelled.`,
    });
  }
  const workflowId = backfillWorkflowId(table, id);
  const handle = client.workflow.getHandle(workflowId);
  const found = await ifRunning(async () => {
    const { taskQueue, status } = await handle.describe();
    // One that was ended by hand has no result.
    if (status.name !== 'RUNNING' && status.name !== 'COMPLETED') return undefined;
    if (status.name === 'COMPLETED') {
      note(`backfill ${id} of ${table} had ended before; nothing was cancelled now. This is its result:`);
      return (await handle.result()) as BackfillResult;
    }
    await handle.cancel();
    // It ends when a worker has put its partitions in order: without one this would wait for ever and say nothing.
    if (!(await workersComing(client, taskQueue))) {
      throw new TributaryError({
        code: 'WorkerMissing',
        message: `The cancellation of backfill ${id} of ${table} is ${handedInOnly(taskQueue)}`,
        retryable: true,
        attributes: { table, id },
      });
    }
    const begun = `${workflowId} is being cancelled; Ctrl-C does not keep it from that`;
    return follow<BackfillStatus, BackfillResult>(
      client,
      workflowId,
      backfillStatusQuery,
      progressWords,
      begun,
    );
  });
  if (!found) {
    const freed = await ifRunning(() => freeTable(client, table, id));
    throw new TributaryError({
      code: 'BackfillUnknown',
      message: freed
        ? `Backfill ${id} of ${table} was ended by hand. ${table} waits for it no longer, and takes another one.`
        : `No backfill ${id} of ${table} runs.`,
      attributes: { table, id },
    });
  }
  if (options.json) printJson(found);
  else print(resultText(found));
}

/** Tells a table that a backfill which it waits for will not tell it of its end; false if it waits for none of this id. */
async function freeTable(client: Client, table: string, id: string): Promise<boolean> {
  const { backfill: memory } = await ask(client, tableWorkflowId(table), statusQuery);
  if (memory?.running?.id !== id) return false;
  await client.workflow.getHandle(tableWorkflowId(table)).signal(backfillEndedSignal, {
    ...{ id, table, outcome: 'failed', message: 'it was ended by hand', partitions: 0 },
    ...{ rebuilt: 0, unchanged: 0, replaced: 0, kept: 0, fresh: 0, notAdded: 0 },
    // How much of its interval it had rebuilt by then is not known.
    ...{ refused: [], refusedCount: 0, firstMs: memory.running.fromMs },
  });
  return true;
}
