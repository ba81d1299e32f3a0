import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import type { MetricMeter } from '@temporalio/common';
import { recordTables, type TableSample } from '../activities/metrics.js';
import type { Logger } from '../common/log.js';
import { tableOfWorkflow } from '../workflows/names.js';
import { OLD_REPORT_MS } from '../workflows/table-status.js';
import { searchAttributes } from '../workflows/search-attributes.js';
import type { TableMemo } from '../workflows/table-types.js';

const LOOK_EVERY_MS = 15_000;

/** What Temporal's list of workflows tells of a table. */
export type ListedTable = Pick<
  WorkflowExecutionInfo,
  'workflowId' | 'startTime' | 'memo' | 'typedSearchAttributes'
>;

/**
 * Serves how every table stands, paused and failing ones too, whichever worker worked for it last: from Temporal's own list, as
 * `status` does, so that a worker knows it from its start on and forgets tables that were stopped.
 */
export class TableMetrics {
  private listed: ListedTable[] = [];
  private known = new Set<string>();

  constructor(
    private readonly client: Client,
    private readonly taskQueue: string,
    private readonly meter: MetricMeter,
    private readonly log: Logger,
  ) {}

  /** Looks again and again until `stop` fires. */
  async run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      await this.look();
      await sleep(LOOK_EVERY_MS, undefined, { signal: stop }).catch(() => undefined);
    }
  }

  /** One look. While Temporal does not answer, what is known grows old. */
  async look(nowMs = Date.now()): Promise<void> {
    try {
      const query = `WorkflowType = 'table' AND ExecutionStatus = 'Running' AND TaskQueue = '${this.taskQueue}'`;
      const listed: ListedTable[] = [];
      for await (const info of this.client.workflow.list({ query })) listed.push(info);
      this.listed = listed;
    } catch (error) {
      this.log.warn({ error }, 'tables cannot be listed for their metrics; tried again');
    }
    const samples = new Map<string, TableSample | null>([...this.known].map((table) => [table, null]));
    for (const info of this.listed) samples.set(tableOfWorkflow(info.workflowId), sampleOf(info, nowMs));
    this.known = new Set(samples.keys());
    recordTables(samples, this.meter);
  }
}

/** The numbers of a table; null where nobody can tell them. */
export function sampleOf(
  { startTime, memo, typedSearchAttributes }: ListedTable,
  nowMs: number,
): TableSample {
  const kept = (memo ?? {}) as Partial<TableMemo>;
  // Runs of older versions do not tell when they heard of their topic.
  const heardMs = kept.heardMs === undefined ? nowMs : (kept.heardMs ?? startTime.getTime());
  const old = nowMs - heardMs > OLD_REPORT_MS;
  return {
    heardMs,
    lagRecords: old ? null : (typedSearchAttributes.get(searchAttributes.lagRecords) ?? null),
    lagSeconds: old ? null : (typedSearchAttributes.get(searchAttributes.lagSeconds) ?? null),
    completeThroughMs: kept.completeThroughMs ?? null,
    rows: kept.rows ?? null,
    quarantined: kept.quarantined ?? null,
    waiting: (kept.fault ?? null) !== null,
    paused: typedSearchAttributes.get(searchAttributes.paused) ?? false,
    snapshotMs: kept.lastSnapshot?.boundaryMs ?? null,
  };
}
