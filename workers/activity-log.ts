import { activityInfo } from '@temporalio/activity';
import type {
  ActivityExecuteInput,
  ActivityInboundCallsInterceptor,
  ActivityOutboundCallsInterceptor,
  GetLogAttributesInput,
  Next,
} from '@temporalio/worker';
import { logFields, type Logger } from '../common/log.js';

/** They only look, or are done every few seconds: a line for each would bury the others. */
const QUIET = new Set(['lookAtTopic', 'planBatch', 'planCompletion', 'reportProgress', 'sweepGarbage']);

/** Names under which requests say which table and batch they are about. */
const FIELDS = ['table', 'batch', 'kafka', 'topic', 'plan'] as const;
const NESTED = ['due', 'join', 'replay', 'args', 'spec'] as const;

/**
 * Gives every line that is logged inside an activity the table, the batch and the workflow it belongs to, and writes one line
 * when an activity has done its work. Failures are logged by the SDK, with the same fields.
 */
export class ActivityLog implements ActivityInboundCallsInterceptor, ActivityOutboundCallsInterceptor {
  private fields: Record<string, unknown> = {};

  constructor(private readonly log: Logger) {}

  /** The SDK writes a failure's line after the activity, outside of its context. */
  getLogAttributes(
    input: GetLogAttributesInput,
    next: Next<ActivityOutboundCallsInterceptor, 'getLogAttributes'>,
  ): Record<string, unknown> {
    return next({ ...input, ...this.fields });
  }

  async execute(
    input: ActivityExecuteInput,
    next: Next<ActivityInboundCallsInterceptor, 'execute'>,
  ): Promise<unknown> {
    const { activityType, attempt, workflowExecution } = activityInfo();
    const fields = {
      ...tableOf(workflowExecution?.workflowId),
      ...requestFields(input.args[0]),
      activity: activityType,
      attempt,
      ...(workflowExecution && { workflowId: workflowExecution.workflowId, runId: workflowExecution.runId }),
    };
    this.fields = fields;
    return logFields.run(fields, async () => {
      const begun = Date.now();
      const result = await next(input);
      const level = QUIET.has(activityType) ? 'debug' : 'info';
      this.log[level]({ ms: Date.now() - begun, ...resultFields(result) }, `${activityType} done`);
      return result;
    });
  }
}

/** Under which requests name several tables, by the keys of an object. */
const LISTS = ['pins', 'tables'] as const;
/** A topic may have hundreds. */
const NAMED_TABLES = 20;

/** Table, batch and topic of an activity's request, as far as it names them; several tables with commas between them. */
export function requestFields(request: unknown): Record<string, string> {
  const fields: Record<string, string> = {};
  if (typeof request !== 'object' || request === null) return fields;
  const own = request as Record<string, unknown>;
  for (const name of FIELDS) if (typeof own[name] === 'string') fields[name] = own[name];
  for (const name of NESTED) Object.assign(fields, requestFields(own[name]));
  const split = own['split'] as { id?: unknown } | undefined;
  if (typeof split?.id === 'string') fields['split'] = split.id;
  for (const name of LISTS) {
    const tables = own[name];
    if (typeof tables !== 'object' || tables === null || Array.isArray(tables)) continue;
    const names = Object.keys(tables);
    if (names.length === 0) continue;
    const more = names.length > NAMED_TABLES ? ',…' : '';
    fields['table'] = `${names.slice(0, NAMED_TABLES).join(',')}${more}`;
  }
  const specName = (own['spec'] as { name?: unknown } | undefined)?.name;
  if (typeof specName === 'string') fields['table'] = specName;
  return fields;
}

/** The table whose workflow, or whose child of it, asks: a piece of a snapshot is told its plan alone. */
export function tableOf(workflowId: string | undefined): { table?: string } {
  const table = /^(?:table|snapshot|bootstrap|backfill|verify)\/([^/]+)/.exec(workflowId ?? '')?.[1];
  return table === undefined ? {} : { table };
}

/** Counts of an activity's answer; never its lists, which may be long. */
export function resultFields(result: unknown): Record<string, number | string> {
  if (typeof result !== 'object' || result === null || Array.isArray(result)) return {};
  return Object.fromEntries(
    Object.entries(result).filter(
      (entry): entry is [string, number | string] =>
        typeof entry[1] === 'number' || (entry[0] === 'outcome' && typeof entry[1] === 'string'),
    ),
  );
}
