import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { searchAttributes } from '../workflows/search-attributes.js';
import type { Fault } from '../workflows/ingest-types.js';
import type { PauseNote, TableMemo } from '../workflows/table-types.js';
import { ingestOfSource, tableOfWorkflow, tableWorkflowId } from '../workflows/names.js';
import { mapParallel } from '../warehouse/parallel.js';
import { isStale, lastHeard, withoutOldLag } from './freshness.js';
import { stuckActivities, stuckRereads, type StuckActivity } from './stuck.js';
import { ifRunning } from './temporal.js';
import { workersAlive } from './workers-alive.js';

/** Requests to Temporal at a time, where there is one for each table. */
const AT_ONCE = 16;

/** Of so many tables each one's own workflow is looked into; of more, those that say that something is wrong. */
const LOOKED_INTO = 100;

/** One line of `status`. */
export interface TableOverview {
  table: string;
  mode: string;
  phase: string;
  source: string;
  workflowId: string | null;
  /** Null while it is not known; `lagUnknown` then says why, unless the table does not run. */
  lagRecords: number | null;
  lagSeconds: number | null;
  lagUnknown: { code: string; message: string } | null;
  lastComplete: string | null;
  /** Name of the newest snapshot, and the boundary that it shows. */
  lastSnapshot: string | null;
  lastSnapshotMs: number | null;
  completeThroughMs: number | null;
  /** Null before its topic has told the table anything. */
  rows: number | null;
  /** Over about the last minute; null while it is not known. */
  rowsPerSecond: number | null;
  quarantined: number | null;
  /** Since when and why it is held by a person; null if it is not. */
  pause: PauseNote | null;
  fault: Fault | null;
  /** Activities that are being retried: of the table, its topic, its snapshots, bootstrap, backfills and verifications. */
  stuck: StuckActivity[];
  /** When its workflow ended, of a table that does not run; what else is told is then as of its end. */
  endedMs: number | null;
  /** When the table last heard of its topic; null where there are no numbers, or nobody had to look. */
  seenMs: number | null;
  /** The numbers are older than they should be: no worker is there, or the topic has told nothing for minutes. */
  stale: boolean;
}

/** What the config knows of a table, for those that do not run. */
export interface KnownTable {
  name: string;
  mode: string;
  source: string;
}

/**
 * All tables that run, and those of the config that do not. Reads the server's visibility store, so that it answers
 * with every worker down, and for hundreds of tables in a few requests.
 */
export async function overview(
  client: Client,
  known: KnownTable[],
  taskQueue: string,
): Promise<TableOverview[]> {
  const running = new Map<string, TableOverview>();
  const query = `WorkflowType = 'table' AND ExecutionStatus = 'Running' AND TaskQueue = '${taskQueue}'`;
  for await (const info of client.workflow.list({ query })) {
    const table = fromInfo(info);
    running.set(table.table, table);
  }
  const others = known.filter(({ name }) => !running.has(name));
  for (const table of await mapParallel(others, AT_ONCE, (one) => lookUp(client, one, taskQueue))) {
    running.set(table.table, table);
  }
  const alive = [...running.values()].filter(({ workflowId }) => workflowId !== null);
  if (alive.length > 0) {
    await addStuck(client, alive, taskQueue);
    await addFreshness(client, alive, await workersAlive(client, taskQueue));
  }
  return [...running.values()]
    .map((table) => withoutOldLag(table, table))
    .sort((a, b) => (a.table < b.table ? -1 : 1));
}

/** What both a list and a description tell of a workflow. */
export type KeptInfo = Pick<
  WorkflowExecutionInfo,
  'workflowId' | 'status' | 'closeTime' | 'memo' | 'typedSearchAttributes'
>;

/** A table of the config that visibility does not show as running: begun a moment ago, ended, or never started. */
async function lookUp(client: Client, known: KnownTable, taskQueue: string): Promise<TableOverview> {
  const handle = client.workflow.getHandle(tableWorkflowId(known.name));
  const info = await ifRunning(() => handle.describe());
  if (info?.taskQueue !== taskQueue) return notStarted(known);
  return info.status.name === 'RUNNING' ? fromInfo(info) : { ...endedTable(info), fault: null };
}

/** The last that is known of a table whose workflow has ended, its last fault included. */
export function endedTable(info: KeptInfo): TableOverview {
  const { name } = info.status;
  return {
    ...fromInfo(info),
    phase: name === 'COMPLETED' ? 'stopped' : name.toLowerCase().replaceAll('_', ' '),
    workflowId: null,
    // What waited in Kafka then is not what waits now.
    ...{ lagRecords: null, lagSeconds: null, lagUnknown: null, rowsPerSecond: null, pause: null },
    endedMs: info.closeTime?.getTime() ?? null,
  };
}

/** What Temporal itself keeps of a table; no worker is asked. */
export function fromInfo(info: KeptInfo): TableOverview {
  const attributes = info.typedSearchAttributes;
  const memo = (info.memo ?? {}) as Partial<TableMemo>;
  return {
    table: tableOfWorkflow(info.workflowId),
    mode: attributes.get(searchAttributes.mode) ?? '',
    phase: phaseOf(attributes.get(searchAttributes.phase) ?? 'starting', memo),
    source: attributes.get(searchAttributes.source) ?? '',
    workflowId: info.workflowId,
    lagRecords: attributes.get(searchAttributes.lagRecords) ?? null,
    lagSeconds: attributes.get(searchAttributes.lagSeconds) ?? null,
    lagUnknown: memo.lagUnknown ?? null,
    lastComplete: attributes.get(searchAttributes.lastComplete) ?? null,
    lastSnapshot: memo.lastSnapshot?.name ?? null,
    lastSnapshotMs: memo.lastSnapshot?.boundaryMs ?? null,
    completeThroughMs: memo.completeThroughMs ?? null,
    rows: memo.rows ?? null,
    rowsPerSecond: paceOf(memo),
    quarantined: memo.quarantined ?? null,
    pause: memo.pause ?? null,
    fault: memo.fault ?? null,
    ...{ stuck: [], endedMs: null, seenMs: memo.heardMs ?? null, stale: false },
  };
}

/** Of a table that its topic does not read the last pace may be of long ago. One that waits for a snapshot only goes on landing. */
function paceOf({ reading, rowsPerSecond }: Partial<TableMemo>): number | null {
  return reading === 'paused' || reading === 'waiting' ? 0 : (rowsPerSecond ?? null);
}

function phaseOf(phase: string, memo: Partial<TableMemo>): string {
  return phase === 'running' && memo.reading === 'catching-up' ? 'catching-up' : phase;
}

function notStarted({ name: table, mode, source }: KnownTable): TableOverview {
  return {
    table,
    mode,
    phase: 'not started',
    source,
    workflowId: null,
    lagRecords: null,
    lagSeconds: null,
    lagUnknown: null,
    lastComplete: null,
    lastSnapshot: null,
    lastSnapshotMs: null,
    completeThroughMs: null,
    rows: null,
    rowsPerSecond: null,
    quarantined: null,
    pause: null,
    fault: null,
    ...{ stuck: [], endedMs: null, seenMs: null, stale: false },
  };
}

/**
 * How old the numbers of tables are that have any. Tables of older versions do not tell: a topic tells all of its tables at once, so
 * one of them is looked at, or a page of hundreds of tables would be hundreds of questions.
 */
export async function addFreshness(client: Client, tables: TableOverview[], workers: boolean): Promise<void> {
  const bySource = new Map<string, TableOverview[]>();
  for (const table of tables) {
    if (table.seenMs !== null) table.stale = isStale(table, workers, Date.now());
    if (table.seenMs !== null || (table.lagRecords === null && !table.rows)) continue;
    bySource.set(table.source, [...(bySource.get(table.source) ?? []), table]);
  }
  await mapParallel([...bySource.values()], AT_ONCE, async (told) => {
    const read = told.find(({ phase }) => phase !== 'paused') ?? told[0]!;
    const seenMs = await lastHeard(client, read.workflowId!);
    for (const table of told) {
      table.seenMs = seenMs;
      // Older versions told paused tables nothing.
      table.stale = (table.phase !== 'paused' || !workers) && isStale(table, workers, Date.now());
    }
  });
}

async function addStuck(client: Client, tables: TableOverview[], taskQueue: string): Promise<void> {
  const topics = new Map<string, StuckActivity[]>();
  await mapParallel([...new Set(tables.map(({ source }) => source))], AT_ONCE, async (source) => {
    const workflowId = ingestOfSource(source);
    if (workflowId !== undefined) topics.set(source, await stuckActivities(client, workflowId));
  });
  const rereads = await stuckRereads(client, taskQueue);
  const few = tables.length <= LOOKED_INTO;
  await mapParallel(tables, AT_ONCE, async (table) => {
    const worth = few || table.phase === 'preparing' || table.fault !== null;
    const own = worth ? await stuckActivities(client, table.workflowId!) : [];
    table.stuck = [...own, ...(topics.get(table.source) ?? []), ...(rereads.get(table.table) ?? [])];
  });
}
