import type { Client } from '@temporalio/client';
import pc from 'picocolors';
import { TributaryError } from '../../common/errors.js';
import { formatInstant } from '../../common/zone.js';
import type { TableSpec } from '../../config/spec.js';
import type {
  BackfillOutline,
  BackfillRequest,
  BackfillResult,
  BackfillStatus,
} from '../../workflows/backfill-types.js';
import {
  backfillEndedSignal,
  backfillStatusQuery,
  backfillUpdate,
  planBackfillUpdate,
} from '../../workflows/reread-messages.js';
import { backfillWorkflowId, tableWorkflowId } from '../../workflows/names.js';
import { progressWords } from '../backfill-text.js';
import { driftWarning } from '../drift.js';
import { follow } from '../follow.js';
import { parseInstant } from '../instant.js';
import { count, note, print, printJson, renderTable } from '../output.js';
import { sendUpdate } from '../send-update.js';
import { openSession, pickTables, temporalTarget } from '../session.js';
import { ifRunning, withTemporal } from '../temporal.js';
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
    const request = requestOf(spec, options);
    // People see what will be done before it is; machines ask for it by --plan.
    if (options.plan || (!options.json && !options.detach)) {
      const outline = await sendUpdate(client, table, planBackfillUpdate, request);
      const drift = await driftWarning(client, spec);
      if (drift !== undefined) note(`${pc.yellow('ConfigNotApplied')}: ${drift}`);
      if (options.json) printJson(outline);
      else print(planText(spec, request, outline));
      if (options.plan) return;
    }
    const accepted = await sendUpdate(client, table, backfillUpdate, request);
    if (options.detach) {
      if (options.json) printJson(accepted);
      else
        print(
          `${pc.bold(accepted.workflowId)}  ${accepted.state === 'known' ? 'was asked for before' : 'started'}`,
        );
      return;
    }
    const result = await follow<BackfillStatus, BackfillResult>(
      client,
      accepted.workflowId,
      backfillStatusQuery,
      progressWords,
    );
    if (options.json) printJson(result);
    else print(resultText(result));
    if (result.outcome !== 'done') process.exitCode = 1;
  });
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
  const workflowId = backfillWorkflowId(table, id);
  const handle = client.workflow.getHandle(workflowId);
  const found = await ifRunning(async () => {
    const { taskQueue, status } = await handle.describe();
    await handle.cancel();
    // It ends when a worker has put its partitions in order: without one this would wait for ever and say nothing.
    if (status.name === 'RUNNING' && !(await workersComing(client, taskQueue))) {
      throw new TributaryError({
        code: 'WorkerMissing',
        message: `The cancellation of backfill ${id} of ${table} is ${handedInOnly(taskQueue)}`,
        retryable: true,
        attributes: { table, id },
      });
    }
    return (await handle.result()) as BackfillResult;
  });
  if (!found) {
    // The table may still wait for one that was ended by hand.
    await ifRunning(() =>
      client.workflow.getHandle(tableWorkflowId(table)).signal(backfillEndedSignal, gone(table, id)),
    );
    throw new TributaryError({
      code: 'BackfillUnknown',
      message: `No backfill ${id} of ${table} runs.`,
      attributes: { table, id },
    });
  }
  if (options.json) printJson(found);
  else print(resultText(found));
}

function gone(table: string, id: string): BackfillResult {
  return {
    ...{ id, table, outcome: 'failed', message: 'it does not run any more', partitions: 0 },
    ...{ rebuilt: 0, unchanged: 0, replaced: 0, kept: 0, fresh: 0, notAdded: 0 },
    ...{ refused: [], refusedCount: 0, firstMs: null },
  };
}

function planText(spec: TableSpec, request: BackfillRequest, outline: BackfillOutline): string {
  const time = (ms: number): string => formatInstant(ms, spec.timezone);
  const lines = [
    `${pc.bold(spec.name)}: partitions with event times from ${time(request.fromMs)} up to ${time(request.toMs)}`,
    '',
  ];
  if (outline.partitions === 0) return [...lines, 'no partition has rows in this interval'].join('\n');
  lines.push(
    renderTable(
      [
        { title: 'partition' },
        { title: 'rows', right: true },
        { title: 'bytes', right: true },
        { title: 'offsets', right: true },
        { title: '' },
        { title: 'read from' },
      ],
      outline.listed.map((p) => [
        p.partition,
        count(p.rows),
        count(p.bytes),
        p.taken ? count(p.offsets) : '',
        p.taken ? (p.verdict === 'partly' ? pc.yellow('in part') : pc.green('rebuild')) : pc.red('not'),
        p.taken ? `${p.ranges}${p.reason === null ? '' : `; ${p.reason}`}` : (p.reason ?? ''),
      ]),
    ),
  );
  const hidden = outline.partitions - outline.listed.length;
  if (hidden > 0) lines.push(`and ${count(hidden)} more`);
  lines.push(
    '',
    `${count(outline.taken)} partitions with ${count(outline.rows)} rows (${count(outline.bytes)} bytes) would be rebuilt from ` +
      `${count(outline.offsets)} offsets of ${spec.kafka}/${spec.topic}; ${count(outline.refusedCount)} cannot be.`,
  );
  return lines.join('\n');
}

function resultText(result: BackfillResult): string {
  const lines = [
    `${pc.bold(`backfill ${result.id}`)} of ${result.table}: ${result.outcome}`,
    `  ${count(result.rebuilt)} partitions rebuilt, ${count(result.unchanged)} as they were`,
    `  ${count(result.fresh)} rows read again in the place of ${count(result.replaced)}, ${count(result.kept)} kept`,
  ];
  if (result.notAdded > 0) {
    lines.push(
      `  ${count(result.notAdded)} records would be rows here by now and were not: they are in the quarantine or another partition`,
    );
  }
  if (result.message !== null) lines.push(`  ${result.message}`);
  if (result.refusedCount > 0) {
    lines.push('', `${count(result.refusedCount)} partitions were not rebuilt:`);
    lines.push(...result.refused.map(({ partition, reason }) => `  ${partition}  ${reason}`));
  }
  return lines.join('\n');
}
