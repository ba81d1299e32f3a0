import pc from 'picocolors';
import { progressText } from '../../workflows/bootstrap-state.js';
import { statusQuery, topicQuery } from '../../workflows/messages.js';
import { backfillWorkflowId, tableWorkflowId } from '../../workflows/names.js';
import type { Replay } from '../../workflows/replay-types.js';
import type { BootstrapBase, TableStatus } from '../../workflows/types.js';
import type { BackfillStatus } from '../../workflows/backfill-types.js';
import { backfillStatusQuery } from '../../workflows/reread-messages.js';
import { ServiceError } from '@temporalio/client';
import { errorMessage } from '../../common/errors.js';
import { formatInstant } from '../../common/zone.js';
import { backfillRows } from '../backfill-text.js';
import { isStale, lastHeard, withoutOldLag } from '../freshness.js';
import { pickTables, openSession, temporalTarget, type Session } from '../session.js';
import { renderTable, count, print, seconds } from '../output.js';
import { addFreshness, endedTable, fromInfo, overview, type TableOverview } from '../overview.js';
import { problems } from '../problems.js';
import { stuckActivities, stuckRereads, stuckText } from '../stuck.js';
import {
  age,
  ago,
  endedPage,
  lagText,
  neverStarted,
  pageText,
  STALE_WORDS,
  staleText,
  unansweredPage,
} from '../table-page.js';
import { ask, ifRunning, unlessSilent, withTemporal } from '../temporal.js';
import { workerMissing, workersAlive } from '../workers-alive.js';

interface Options {
  config: string;
  json?: boolean;
  watch?: boolean;
}

const WATCH_EVERY_MS = 2_000;
/** The page that people keep open; with a name, the whole story of one table. */
export async function status(table: string | undefined, options: Options): Promise<void> {
  const session = await openSession(options.config);
  const target = await temporalTarget(session.runtime.temporal);
  await withTemporal(target, async (client) => {
    const page = (): Promise<string> =>
      table === undefined ? all(client, session, options) : one(client, session, table, options);
    do {
      // A page that is kept open outlives an outage of Temporal, and says so.
      const text = await page().catch((error: unknown) => {
        if (!options.watch || !(error instanceof ServiceError)) throw error;
        return `Temporal does not answer: ${errorMessage(error.cause ?? error)}. Asked again every ${WATCH_EVERY_MS / 1_000} s.`;
      });
      if (options.watch && process.stdout.isTTY) process.stdout.write('\u001b[2J\u001b[H');
      print(text);
      if (options.watch) await new Promise((resolve) => setTimeout(resolve, WATCH_EVERY_MS));
    } while (options.watch);
  });
}

type TemporalClient = Parameters<Parameters<typeof withTemporal>[1]>[0];

async function all(client: TemporalClient, session: Session, options: Options): Promise<string> {
  const known = session.specs.map(({ name, mode, kafka, topic }) => ({
    name,
    mode,
    source: `${kafka}/${topic}`,
  }));
  const tables = await overview(client, known, session.runtime.temporal.taskQueue);
  if (options.json) return JSON.stringify(tables, null, 2);
  const lines = [
    renderTable(
      [
        { title: 'table' },
        { title: 'mode' },
        { title: 'phase' },
        { title: 'lag', right: true },
        { title: 'behind', right: true },
        { title: 'rows', right: true },
        { title: 'rows/s', right: true },
        { title: 'quarantined', right: true },
        { title: 'last complete' },
        { title: 'last snapshot' },
        { title: 'source' },
      ],
      tables.map((t) => [
        t.table,
        t.mode,
        colored(t),
        ...[
          t.lagRecords !== null ? count(t.lagRecords) : t.lagUnknown ? 'unknown' : '',
          t.lagSeconds === null ? '' : seconds(t.lagSeconds),
          t.phase === 'not started' ? '' : count(t.rows),
          t.rowsPerSecond === null ? '' : count(t.rowsPerSecond),
        ].map((number) => (t.stale ? pc.dim(number) : number)),
        t.quarantined > 0 ? pc.yellow(count(t.quarantined)) : t.phase === 'not started' ? '' : '0',
        t.lastComplete ?? '',
        snapshotText(t),
        t.source,
      ]),
    ),
    ...problems(tables),
    ...(tables.some(({ stale }) => stale) ? ['', pc.dim(STALE_WORDS)] : []),
  ];
  const { taskQueue } = session.runtime.temporal;
  if (tables.some(({ workflowId }) => workflowId !== null) && !(await workersAlive(client, taskQueue))) {
    lines.push(`\n${pc.red('WorkerMissing')}: ${workerMissing(taskQueue)}`);
  }
  return lines.join('\n');
}

/** The newest snapshot and how old what it shows is. */
function snapshotText({ lastSnapshot, lastSnapshotMs }: TableOverview): string {
  if (lastSnapshot === null) return '';
  if (lastSnapshotMs === null) return lastSnapshot;
  return `${lastSnapshot} (${seconds(Math.max(0, Math.round((Date.now() - lastSnapshotMs) / 1_000)))} old)`;
}

function colored({ phase, stuck, stale, seenMs, endedMs }: TableOverview): string {
  if (endedMs !== null) return `${phase} ${ago(endedMs)}`;
  if (stale) return pc.yellow(`${phase}, stale${seenMs === null ? '' : ` ${age(seenMs)}`}`);
  if (phase === 'waiting') return pc.red(phase);
  if (stuck.length > 0) return pc.yellow(`${phase}, retrying`);
  return phase === 'running' ? pc.green(phase) : phase;
}

async function one(
  client: TemporalClient,
  session: Session,
  name: string,
  options: Options,
): Promise<string> {
  const handle = client.workflow.getHandle(tableWorkflowId(name));
  const description = await ifRunning(() => handle.describe());
  const inConfig = session.specs.find((spec) => spec.name === name);
  // One zone on the page: partitions and boundaries are named in the table's.
  const zone = inConfig?.timezone ?? 'UTC';
  process.exitCode = 0;
  if (!description) {
    pickTables(session.specs, [name]);
    throw neverStarted(name);
  }
  if (description.status.name !== 'RUNNING') {
    const ended = endedTable(description);
    if (options.json) return JSON.stringify(ended, null, 2);
    const hive = session.runtime.catalog.kind === 'hive';
    return endedPage(ended, {
      zone,
      link: link(session, handle.workflowId),
      inConfig: Boolean(inConfig),
      hive,
    });
  }
  const workers = await workersAlive(client, description.taskQueue);
  const state = workers ? await unlessSilent(ask(client, handle.workflowId, statusQuery)) : undefined;
  if (!state) {
    const known = fromInfo(description);
    await addFreshness(client, [known], false);
    const kept = withoutOldLag(known, known);
    // The whole story was asked for, and nobody is there to tell it.
    process.exitCode = 1;
    if (options.json) return JSON.stringify(kept, null, 2);
    const why = workers
      ? `no worker has answered for ${handle.workflowId}: they may be busy, or just starting`
      : workerMissing(description.taskQueue);
    return unansweredPage(kept, { zone, link: link(session, handle.workflowId), why });
  }
  const topic = await unlessSilent(ifRunning(() => ask(client, state.ingestWorkflowId, topicQuery)));
  const heard = fromInfo(description).seenMs;
  const seenMs = heard ?? (state.progress ? await lastHeard(client, handle.workflowId) : null);
  // Older versions told paused tables nothing.
  const silent = heard === null && state.phase === 'paused';
  const stale = state.progress !== null && !silent && isStale({ seenMs }, true, Date.now());
  const stuck = [
    ...(await stuckActivities(client, handle.workflowId)),
    ...(await stuckActivities(client, state.ingestWorkflowId)),
    ...((await stuckRereads(client, description.taskQueue)).get(name) ?? []),
  ];
  const progress = state.progress && withoutOldLag(state.progress, { stale, seenMs, stuck });
  if (options.json) {
    return JSON.stringify({ ...state, progress, topic: topic ?? null, stuck, seenMs, stale }, null, 2);
  }
  const member = topic?.members[name];
  const rows: [string, string][] = [
    [
      'phase',
      state.stopping
        ? 'stopping'
        : state.phase === 'running' && progress
          ? `${state.phase} (${progress.phase})`
          : state.phase,
    ],
    ['source', `${state.source} (${state.format})`],
    ...(state.bootstrap ? [['bootstrap', progressText(state.bootstrap)] satisfies [string, string]] : []),
    ...(state.bootstrap?.warning ? [['', state.bootstrap.warning] satisfies [string, string]] : []),
    ...(state.base ? [['base', baseText(state.base, zone)] satisfies [string, string]] : []),
    ...(stale ? [['numbers', staleText(seenMs)] satisfies [string, string]] : []),
    ['rows', count(progress?.rows ?? 0)],
    ['quarantined', quarantined(name, progress?.quarantined ?? 0)],
    ['lag', progress ? lagText(progress) : 'not known yet'],
    ['last complete', progress?.lastCompletePartition ?? 'none yet'],
    [
      'complete through',
      typeof progress?.completeThroughMs === 'number'
        ? formatInstant(progress.completeThroughMs, zone)
        : 'not known yet',
    ],
    ...snapshotRows(state.snapshots, zone),
    ...backfillRows(state.backfill, await backfillProgress(client, name, state), zone),
    ['commit', String(topic?.seq ?? '')],
    ['positions', topic ? positionsText(topic.positions) : ''],
    ...(member?.lanes ?? []).map((lane): [string, string] => [
      'catching up',
      `${positionsText(lane.positions)} of ${positionsText(lane.until)}`,
    ]),
    ...(member?.replays ?? [])
      .slice(-1)
      .map((replay): [string, string] => ['last replay', replayText(replay)]),
    ['pinned spec', state.pin ?? ''],
    ['workflow', link(session, handle.workflowId)],
    ['topic workflow', link(session, state.ingestWorkflowId)],
  ];
  const lines = [pageText(name, rows)];
  if (state.fault)
    lines.push(
      '',
      `${pc.red(state.fault.code)} since ${formatInstant(state.fault.sinceMs, zone)}`,
      `  ${state.fault.message}`,
    );
  for (const s of stuck)
    lines.push(
      '',
      `${pc.yellow(s.code)} in ${stuckText(s, Date.now())}; it is tried again by itself`,
      `  ${s.message}`,
    );
  return lines.join('\n');
}

/** A backfill ends between two looks, or its worker is away: its line then says less, and the page is shown all the same. */
async function backfillProgress(
  client: TemporalClient,
  table: string,
  { backfill }: TableStatus,
): Promise<BackfillStatus | undefined> {
  if (!backfill?.running) return undefined;
  const workflowId = backfillWorkflowId(table, backfill.running.id);
  return ask(client, workflowId, backfillStatusQuery).catch(() => undefined);
}

function baseText({ rows, boundaryMs }: BootstrapBase, zone: string): string {
  return `${count(rows)} rows of the source as of ${formatInstant(boundaryMs, zone)}`;
}

function snapshotRows(snapshots: TableStatus['snapshots'], zone: string): [string, string][] {
  if (!snapshots) return [];
  const { last, running, remake, nextMs } = snapshots;
  return [
    [
      'last snapshot',
      last
        ? `${last.name} (revision ${last.revision}): ${count(last.rows)} rows, +${count(last.inserted)} ~${count(last.updated)} -${count(last.deleted)}, made in ${seconds(Math.round(last.tookMs / 1000))}`
        : 'none yet',
    ],
    ...(last ? ([['engine', last.reason]] as [string, string][]) : []),
    ...(running ? ([['making', running.name]] as [string, string][]) : []),
    ...(remake
      ? ([['made anew', `boundaries after ${formatInstant(remake.fromMs, zone)}`]] as [string, string][])
      : []),
    ['next boundary', nextMs === null ? 'not known yet' : formatInstant(nextMs, zone)],
  ];
}

function replayText({ id, status, tried, landed, message }: Replay): string {
  if (status === 'done') return `${count(landed)} of ${count(tried)} records landed (${id})`;
  return `${status}${message === undefined ? '' : `: ${message}`} (${id})`;
}

function quarantined(table: string, records: number): string {
  return records === 0 ? '0' : `${pc.yellow(count(records))}  (tributary quarantine show ${table})`;
}

function positionsText(positions: Record<number, number>): string {
  return Object.entries(positions)
    .map(([partition, offset]) => `${partition}:${offset}`)
    .join(' ');
}

function link({ runtime }: Session, workflowId: string): string {
  const { ui, namespace } = runtime.temporal;
  return ui === undefined
    ? workflowId
    : `${ui}/namespaces/${namespace}/workflows/${encodeURIComponent(workflowId)}`;
}
