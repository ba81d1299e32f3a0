import { availableParallelism } from 'node:os';
import { Client } from '@temporalio/client';
import {
  NativeConnection,
  Runtime,
  Worker,
  type NativeConnectionOptions,
  type WorkerOptions,
} from '@temporalio/worker';
import type { ActivityContext } from '../activities/context.js';
import { controlActivities, heavyActivities } from '../activities/index.js';
import { errorMessage, TributaryError } from '../common/errors.js';
import type { Logger } from '../common/log.js';
import { heavyTaskQueue } from '../workflows/names.js';
import { ActivityLog } from './activity-log.js';
import { ErrorInterceptor } from './error-interceptor.js';
import { TableMetrics } from './table-metrics.js';
import { ensureSearchAttributes } from './search-attributes.js';
import { workflowBundle } from './workflow-bundle.js';

export interface WorkerSettings {
  connection: NativeConnectionOptions;
  namespace: string;
  taskQueue: string;
  /** What this process is called in Temporal, where people and `tributary start` see it. */
  identity?: string;
  /** Whether anyone can ask for this process's metrics. */
  metrics?: boolean;
  /** Heavy activities at a time. */
  heavySlots?: number;
  shutdownGraceMs: number;
  redact: (text: string) => string;
}

/** Waiting for data takes an activity slot for each topic, so there are many of the light ones. */
const CONTROL_SLOTS = 1_000;

/**
 * Runs both workers of a process until `stop` fires: one for workflows and short activities, one for those that move
 * data. On `stop` no new work is taken, running activities may finish for the grace time, then they are cancelled.
 * @throws TributaryError TemporalUnavailable
 */
export async function runWorker(
  context: ActivityContext,
  settings: WorkerSettings,
  log: Logger,
  stop: AbortSignal,
): Promise<void> {
  const connection = await connect(settings);
  const ended = new AbortController();
  let watching: Promise<void> | undefined;
  try {
    const added = await ensureSearchAttributes(connection, settings.namespace);
    if (added.length > 0) log.info({ searchAttributes: added }, 'search attributes added');
    const common: Omit<WorkerOptions, 'taskQueue'> = {
      connection,
      namespace: settings.namespace,
      ...(settings.identity !== undefined && { identity: settings.identity }),
      shutdownGraceTime: settings.shutdownGraceMs,
      shutdownForceTime: settings.shutdownGraceMs + 30_000,
      maxHeartbeatThrottleInterval: '5s',
      interceptors: {
        activity: [
          () => {
            const lines = new ActivityLog(log);
            return { inbound: lines, outbound: lines };
          },
          () => ({ inbound: new ErrorInterceptor(settings.redact) }),
        ],
      },
    };
    const control = await Worker.create({
      ...common,
      taskQueue: settings.taskQueue,
      workflowBundle: await workflowBundle(),
      activities: controlActivities(context),
      maxConcurrentActivityTaskExecutions: CONTROL_SLOTS,
    });
    const heavy = await Worker.create({
      ...common,
      taskQueue: heavyTaskQueue(settings.taskQueue),
      activities: heavyActivities(context),
      maxConcurrentActivityTaskExecutions: settings.heavySlots ?? availableParallelism(),
    });
    const shutdown = (): void => {
      for (const worker of [control, heavy]) if (worker.getState() === 'RUNNING') worker.shutdown();
    };
    // If one worker fails the other must not go on alone: half a process looks alive and does nothing.
    const running = Promise.all([control.run(), heavy.run()].map((run) => run.finally(shutdown)));
    stop.addEventListener('abort', shutdown, { once: true });
    if (stop.aborted) shutdown();
    if (settings.metrics) {
      const client = new Client({ connection, namespace: settings.namespace });
      const tables = new TableMetrics(client, settings.taskQueue, Runtime.instance().metricMeter, log);
      watching = tables.run(AbortSignal.any([stop, ended.signal]));
    }
    log.info({ taskQueue: settings.taskQueue, namespace: settings.namespace }, 'worker runs');
    await running;
    log.info('worker stopped');
  } finally {
    ended.abort();
    await watching;
    await connection.close();
  }
}

async function connect(settings: WorkerSettings): Promise<NativeConnection> {
  try {
    return await NativeConnection.connect(settings.connection);
  } catch (error) {
    throw new TributaryError({
      code: 'TemporalUnavailable',
      message: `Cannot reach Temporal at ${settings.connection.address ?? 'its default address'}: ${errorMessage(error)}. Is it running, and is temporal.address in the config right?`,
      retryable: true,
      cause: error,
    });
  }
}
