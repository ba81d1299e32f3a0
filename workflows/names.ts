/** Workflow ids are names that people type and search for: one table, one topic, never two at a time. */
export const tableWorkflowId = (table: string): string => `table/${table}`;
export const bootstrapWorkflowId = (table: string): string => `bootstrap/${table}`;
export const backfillWorkflowId = (table: string, id: string): string => `backfill/${table}/${id}`;
export const verifyWorkflowId = (table: string, id: string): string => `verify/${table}/${id}`;
export const ingestWorkflowId = (kafka: string, topic: string): string => `ingest/${kafka}/${topic}`;

/** The workflow that reads a table's source, `kafka/topic`; undefined if that names no topic. */
export function ingestOfSource(source: string): string | undefined {
  const slash = source.indexOf('/');
  return slash < 0 ? undefined : ingestWorkflowId(source.slice(0, slash), source.slice(slash + 1));
}

/** The table whose own workflow this is. */
export const tableOfWorkflow = (workflowId: string): string => workflowId.replace(/^table\//, '');

/** The table whose snapshot, bootstrap, backfill or verification this is. */
export const tableOfReread = (workflowId: string): string | undefined =>
  /^(?:snapshot|bootstrap|backfill|verify)\/([^/]+)/.exec(workflowId)?.[1];

export const snapshotWorkflowId = (table: string, name: string): string => `snapshot/${table}/${name}`;

export const DEFAULT_TASK_QUEUE = 'tributary';

/** Activities that move much data poll a queue of their own, so that they never hold up the decisions. */
export function heavyTaskQueue(controlQueue: string): string {
  return `${controlQueue}-heavy`;
}
