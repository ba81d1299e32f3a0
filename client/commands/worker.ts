import { hostname } from 'node:os';
import { createLogger } from '../../common/log.js';
import { connectionPrints, printsText } from '../../config/fingerprint.js';
import { redact } from '../../config/secret.js';
import { installRuntime } from '../../workers/runtime.js';
import { openContext } from '../../workers/open-context.js';
import { runWorker } from '../../workers/worker.js';
import { connectionOptions, openSession, readRuntime } from '../session.js';

/** Runs a worker until SIGTERM or SIGINT; a second signal ends it at once. */
export async function worker(options: { config: string }): Promise<void> {
  const { runtime } = await openSession(options.config, 'required');
  const log = createLogger({ redact });
  installRuntime(log, {
    ...(runtime.worker.metrics !== undefined && { metricsAddress: runtime.worker.metrics }),
  });
  const stop = new AbortController();
  const context = openContext(runtime, log, stop.signal, () => readRuntime(options.config));
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      if (stop.signal.aborted) process.exit(1);
      log.info({ signal: name }, 'stopping: running activities may finish');
      stop.abort();
    });
  }
  try {
    await runWorker(
      context,
      {
        connection: await connectionOptions(runtime.temporal),
        namespace: runtime.temporal.namespace,
        taskQueue: runtime.temporal.taskQueue,
        identity: `${process.pid}@${hostname()} ${printsText(connectionPrints(runtime))}`,
        ...(runtime.worker.activities !== undefined && { heavySlots: runtime.worker.activities }),
        metrics: runtime.worker.metrics !== undefined,
        shutdownGraceMs: runtime.worker.shutdownGraceMs,
        redact,
      },
      log,
      stop.signal,
    );
  } finally {
    await context.close();
  }
}
