import { activityInfo } from '@temporalio/activity';
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from '@temporalio/worker';
import { logFields, type Logger } from '../common/log.js';

/** They only look, or are done every few seconds: a line for each would bury the others. */
const QUIET = new Set(['planBatch', 'planCompletion', 'reportProgress', 'sweepGarbage']);

/** Names under which requests say which table and batch they are about. */
const FIELDS = ['table', 'batch', 'kafka', 'topic', 'plan'] as const;
const NESTED = ['due', 'join', 'replay', 'args', 'spec'] as const;

/**
 * Gives every line that is logged inside an activity the table, the batch and the workflow it belongs to, and writes one line
 * when an activity has done its work. Failures are logged by the SDK, with the same fields.
 */
export class ActivityLog implements ActivityInboundCallsInterceptor {
  constructor(private readonly log: Logger) {}

  async execute(
    input: ActivityExecuteInput,
    next: Next<ActivityInboundCallsInterceptor, 'execute'>,
  ): Promise<unknown> {
    const { activityType, attempt, workflowExecution } = activityInfo();
    const fields = {
      ...requestFields(input.args[0]),
      activity: activityType,
      attempt,
      ...(workflowExecution && { workflowId: workflowExecution.workflowId, runId: workflowExecution.runId }),
    };
    return logFields.run(fields, async () => {
      const begun = Date.now();
      const result = await next(input);
      const level = QUIET.has(activityType) ? 'debug' : 'info';
      this.log[level]({ ms: Date.now() - begun, ...resultFields(result) }, `${activityType} done`);
      return result;
    });
  }
}

/** Table, batch and topic of an activity's request, as far as it names them. */
export function requestFields(request: unknown): Record<string, string> {
  const fields: Record<string, string> = {};
  if (typeof request !== 'object' || request === null) return fields;
  const own = request as Record<string, unknown>;
  for (const name of FIELDS) if (typeof own[name] === 'string') fields[name] = own[name];
  for (const name of NESTED) Object.assign(fields, requestFields(own[name]));
  const split = own['split'] as { id?: unknown } | undefined;
  if (typeof split?.id === 'string') fields['split'] = split.id;
  const specName = (own['spec'] as { name?: unknown } | undefined)?.name;
  if (typeof specName === 'string') fields['table'] = specName;
  return fields;
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
