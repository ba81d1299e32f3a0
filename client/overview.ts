import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { searchAttributes } from '../workflows/search-attributes.js';
import type { Fault, TableMemo } from '../workflows/types.js';
import { ingestWorkflowId } from '../workflows/names.js';
import { stuckActivities, type StuckActivity } from './stuck.js';

/** One line of `status`. */
export interface TableOverview {
  table: string;
  mode: string;
  phase: string;
  source: string;
  workflowId: string | null;
  lagRecords: number | null;
  lagSeconds: number | null;
  lastComplete: string | null;
  /** Name of the newest snapshot, and the boundary that it shows. */
  lastSnapshot: string | null;
  lastSnapshotMs: number | null;
  completeThroughMs: number | null;
  rows: number;
  /** Over about the last minute; null while it is not known. */
  rowsPerSecond: number | null;
  quarantined: number;
  fault: Fault | null;
  /** Activities of the table or its topic that are being retried. */
  stuck: StuckActivity[];
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
  await addStuck(client, [...running.values()]);
  for (const { name, mode, source } of known) {
    if (!running.has(name)) running.set(name, notStarted(name, mode, source));
  }
  return [...running.values()].sort((a, b) => (a.table < b.table ? -1 : 1));
}

function fromInfo(info: WorkflowExecutionInfo): TableOverview {
  const attributes = info.typedSearchAttributes;
  const memo = (info.memo ?? {}) as Partial<TableMemo>;
  return {
    table: info.workflowId.replace(/^table\//, ''),
    mode: attributes.get(searchAttributes.mode) ?? '',
    phase: phaseOf(attributes.get(searchAttributes.phase) ?? 'starting', memo),
    source: attributes.get(searchAttributes.source) ?? '',
    workflowId: info.workflowId,
    lagRecords: attributes.get(searchAttributes.lagRecords) ?? null,
    lagSeconds: attributes.get(searchAttributes.lagSeconds) ?? null,
    lastComplete: attributes.get(searchAttributes.lastComplete) ?? null,
    lastSnapshot: memo.lastSnapshot?.name ?? null,
    lastSnapshotMs: memo.lastSnapshot?.boundaryMs ?? null,
    completeThroughMs: memo.completeThroughMs ?? null,
    rows: memo.rows ?? 0,
    rowsPerSecond: memo.rowsPerSecond ?? null,
    quarantined: memo.quarantined ?? 0,
    fault: memo.fault ?? null,
    stuck: [],
  };
}

function phaseOf(phase: string, memo: Partial<TableMemo>): string {
  return phase === 'running' && memo.reading === 'catching-up' ? 'catching-up' : phase;
}

function notStarted(table: string, mode: string, source: string): TableOverview {
  return {
    table,
    mode,
    phase: 'not started',
    source,
    workflowId: null,
    lagRecords: null,
    lagSeconds: null,
    lastComplete: null,
    lastSnapshot: null,
    lastSnapshotMs: null,
    completeThroughMs: null,
    rows: 0,
    rowsPerSecond: null,
    quarantined: 0,
    fault: null,
    stuck: [],
  };
}

async function addStuck(client: Client, tables: TableOverview[]): Promise<void> {
  const topics = new Map<string, StuckActivity[]>();
  for (const { source } of tables) topics.set(source, []);
  for (const source of topics.keys()) {
    const slash = source.indexOf('/');
    if (slash < 0) continue;
    const workflowId = ingestWorkflowId(source.slice(0, slash), source.slice(slash + 1));
    topics.set(source, await stuckActivities(client, workflowId));
  }
  for (const table of tables) {
    const own =
      table.phase === 'preparing' || table.fault ? await stuckActivities(client, table.workflowId!) : [];
    table.stuck = [...own, ...(topics.get(table.source) ?? [])];
  }
}
