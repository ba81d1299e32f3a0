import pc from 'picocolors';
import { statusQuery, topicQuery } from '../../workflows/messages.js';
import { backfillWorkflowId, tableWorkflowId } from '../../workflows/names.js';
import type { TableStatus } from '../../workflows/table-types.js';
import type { BackfillStatus } from '../../workflows/backfill-types.js';
import { backfillStatusQuery } from '../../workflows/reread-messages.js';
import { ServiceError } from '@temporalio/client';
import { errorMessage } from '../../common/errors.js';
import { driftOf } from '../drift.js';
import { isStale, lastHeard, withoutOldLag } from '../freshness.js';
import { runningPage } from '../running-page.js';
import { pickTables, openSession, temporalTarget, type Session } from '../session.js';
import { renderTable, count, print, seconds } from '../output.js';
import { addFreshness, endedTable, fromInfo, overview, type TableOverview } from '../overview.js';
import { problems } from '../problems.js';
import { stuckActivities, stuckRereads } from '../stuck.js';
import { age, ago, endedPage, neverStarted, pauseText, STALE_WORDS, unansweredPage } from '../table-page.js';
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
        const message = `Temporal does not answer: ${errorMessage(error.cause ?? error)}. Asked again every ${WATCH_EVERY_MS / 1_000} s.`;
        return options.json ? json({ error: 'TemporalUnavailable', message }, options) : message;
      });
      if (options.watch && process.stdout.isTTY) process.stdout.write('\u001b[2J\u001b[H');
      print(text);
      if (options.watch) await new Promise((resolve) => setTimeout(resolve, WATCH_EVERY_MS));
    } while (options.watch);
  });
}

/** One document; of a page that is shown again and again one a line, for programs that read along. */
const json = (value: unknown, { watch }: Options): string => JSON.stringify(value, null, watch ? 0 : 2);

type TemporalClient = Parameters<Parameters<typeof withTemporal>[1]>[0];

async function all(client: TemporalClient, session: Session, options: Options): Promise<string> {
  const known = session.specs.map(({ name, mode, kafka, topic }) => ({
    name,
    mode,
    source: `${kafka}/${topic}`,
  }));
  const tables = await overview(client, known, session.runtime.temporal.taskQueue);
  if (options.json) return json(tables, options);
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
          t.rows === null ? '' : count(t.rows),
          t.rowsPerSecond === null ? '' : count(t.rowsPerSecond),
        ].map((number) => (t.stale ? pc.dim(number) : number)),
        t.quarantined ? pc.yellow(count(t.quarantined)) : t.quarantined === null ? '' : '0',
        t.lastComplete ?? '',
        snapshotText(t),
        t.source,
      ]),
    ),
    ...problems(tables),
    ...pauses(tables, zoneOf(session)),
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

/** Why tables are held, and since when; each reason once. */
function pauses(tables: TableOverview[], zoneOfTable: (table: string) => string): string[] {
  const told = new Map<string, string[]>();
  for (const { table, pause } of tables) {
    if (!pause) continue;
    const text = `paused ${pauseText(pause, zoneOfTable(table))}`;
    told.set(text, [...(told.get(text) ?? []), table]);
  }
  return [...told].map(([text, names]) => `\n${names.join(', ')}\n  ${text}`);
}

/** One that is not in the config any more has no zone of its own. */
const zoneOf =
  ({ specs, runtime }: Session) =>
  (table: string): string =>
    specs.find(({ name }) => name === table)?.timezone ?? runtime.timezone;

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
    if (options.json) return json(ended, options);
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
    if (options.json) return json(kept, options);
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
  const differs = inConfig ? await unlessSilent(driftOf(client, inConfig)) : undefined;
  if (options.json) {
    const known = { topic: topic ?? null, stuck, seenMs, stale, differsFromFile: differs ?? null };
    return json({ ...state, progress, ...known }, options);
  }
  return runningPage(
    { ...state, progress },
    {
      ...{ topic, stuck, seenMs, stale, zone, drift: differs },
      backfill: await backfillProgress(client, name, state),
      link: link(session, handle.workflowId),
      topicLink: link(session, state.ingestWorkflowId),
    },
  );
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

function link({ runtime }: Session, workflowId: string): string {
  const { ui, namespace } = runtime.temporal;
  return ui === undefined
    ? workflowId
    : `${ui}/namespaces/${namespace}/workflows/${encodeURIComponent(workflowId)}`;
}
