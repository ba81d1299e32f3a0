import pc from 'picocolors';
import { TributaryError } from '../../common/errors.js';
import { boundaryAtOrBefore, formatInstant, partitionClosedBy, partitionPath } from '../../common/zone.js';
import { snapshotSignal, statusQuery } from '../../workflows/messages.js';
import { tableWorkflowId } from '../../workflows/names.js';
import { parseInstant } from '../instant.js';
import { note, print, printJson } from '../output.js';
import { openSession, pickTables, temporalTarget } from '../session.js';
import { ASK_AGAIN, reasonToWait, telling } from '../waiting.js';
import { ask, ifRunning, withTemporal } from '../temporal.js';

interface Options {
  config: string;
  json?: boolean;
  from?: string;
  plan?: boolean;
}

/**
 * Makes snapshots of a mirror anew: the newest one, or all of boundaries after `--from`, in order. What readers see changes a
 * partition at a time, each with one pointer move.
 * @throws TributaryError NoSnapshots, TableNotRunning, InstantInvalid
 */
export async function snapshot(table: string, options: Options): Promise<void> {
  const { specs, runtime } = await openSession(options.config);
  const [spec] = pickTables(specs, [table]);
  if (!spec?.snapshot) {
    throw new TributaryError({
      code: 'NoSnapshots',
      message: `${table} has no snapshots: it is ${spec?.mode === 'append' ? 'an append table' : 'a mirror with snapshot: false'}.`,
    });
  }
  const { timezone, snapshot: policy } = spec;
  const target = await temporalTarget(runtime.temporal);
  await withTemporal(target, async (client) => {
    const workflowId = tableWorkflowId(table);
    const state = await telling(
      ifRunning(() => ask(client, workflowId, statusQuery)),
      () => reasonToWait(client, workflowId, ASK_AGAIN),
    );
    if (!state) {
      throw new TributaryError({
        code: 'TableNotRunning',
        message: `${table} does not run. Start it with: tributary start ${table}`,
      });
    }
    const lastMs = state.snapshots?.lastMs ?? null;
    if (lastMs === null) {
      throw new TributaryError({
        code: 'NoSnapshots',
        message: `${table} has no snapshot yet; the first is made when its first boundary is complete.`,
      });
    }
    // The newest alone: those of boundaries after the one before it.
    const fromMs = options.from === undefined ? lastMs - 1 : parseInstant(options.from, timezone);
    const first = boundaryAtOrBefore(fromMs, timezone, policy.every);
    if (fromMs >= lastMs) {
      throw new TributaryError({
        code: 'NoSnapshots',
        message: `${table} has no snapshot of a boundary after ${formatInstant(fromMs, timezone)}; its newest shows ${formatInstant(lastMs, timezone)}.`,
      });
    }
    const name = partitionPath(partitionClosedBy(lastMs, timezone, policy.every));
    const answer = {
      table,
      after: formatInstant(options.from === undefined ? first : fromMs, timezone),
      through: name,
      sent: options.plan !== true,
    };
    if (!options.plan) await client.workflow.getHandle(workflowId).signal(snapshotSignal, { fromMs });
    if (options.json) printJson(answer);
    else {
      print(
        `${pc.bold(table)}  snapshots of boundaries after ${answer.after} up to ${name} ${options.plan ? 'would be' : 'are'} made anew`,
      );
      if (!options.plan) note(`Watch it: tributary status ${table}`);
    }
  });
}
