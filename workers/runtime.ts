import { Runtime, type Logger as TemporalLogger, type LogLevel } from '@temporalio/worker';
import { METRICS } from '../activities/metrics.js';
import { errorMessage, TributaryError } from '../common/errors.js';
import type { Logger } from '../common/log.js';

const CHATTER = /^(Worker state changed|No .* registered, not polling)/;
/** From a table of some rows to one of a billion. */
const SNAPSHOT_SECONDS = [1, 2, 5, 10, 20, 60, 120, 300, 600, 1_800, 3_600, 7_200];
const LEVELS = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;

/**
 * Prepares the process for workers. Once a process, before any other use of the SDK.
 * @throws TributaryError MetricsAddressRefused
 */
export function installRuntime(log: Logger, options: { metricsAddress?: string }): void {
  try {
    install(log, options);
  } catch (error) {
    if (options.metricsAddress === undefined || !/prometheus/i.test(errorMessage(error))) throw error;
    throw new TributaryError({
      code: 'MetricsAddressRefused',
      message:
        `Metrics cannot be served at ${options.metricsAddress} (worker.metrics): ${errorMessage(error)}. Each worker of a machine needs an ` +
        "address of its own; take it from the environment, as in metrics: '127.0.0.1:${METRICS_PORT}'.",
      attributes: { address: options.metricsAddress },
      cause: error,
    });
  }
}

function install(log: Logger, options: { metricsAddress?: string }): void {
  Runtime.install({
    logger: bridge(log),
    telemetryOptions: {
      logging: { forward: {}, filter: { core: 'WARN', other: 'ERROR' } },
      ...(options.metricsAddress !== undefined && {
        metrics: {
          prometheus: {
            bindAddress: options.metricsAddress,
            countersTotalSuffix: true,
            // The SDK's own are made for milliseconds: every snapshot would be one of less than 50 s.
            histogramBucketOverrides: { [METRICS.snapshotSeconds]: SNAPSHOT_SECONDS },
          },
        },
      }),
    },
    // The worker command shuts both of its workers down itself, and tells what it waits for.
    shutdownSignals: [],
  });
}

function bridge(log: Logger): TemporalLogger {
  const write = (level: LogLevel, message: string, meta?: Record<string | symbol, unknown>): void => {
    // The workers' own states and what each of the two does not poll for: right, and of no use to the person on call.
    const chatter = meta?.['sdkComponent'] === 'worker' && CHATTER.test(message);
    log[chatter ? 'debug' : LEVELS[level]]({ ...meta }, message);
  };
  return {
    log: write,
    trace: (message, meta) => write('TRACE', message, meta),
    debug: (message, meta) => write('DEBUG', message, meta),
    info: (message, meta) => write('INFO', message, meta),
    warn: (message, meta) => write('WARN', message, meta),
    error: (message, meta) => write('ERROR', message, meta),
  };
}
