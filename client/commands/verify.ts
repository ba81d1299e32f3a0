import pc from 'picocolors';
import { verifyStatusQuery, verifyUpdate } from '../../workflows/reread-messages.js';
import type { VerifyRequest, VerifyResult, VerifyStatus } from '../../workflows/verify-types.js';
import { TributaryError } from '../../common/errors.js';
import type { TableSpec } from '../../config/spec.js';
import { verifyWorkflowId } from '../../workflows/names.js';
import { parseInstant } from '../instant.js';
import { earlierRequest, repeated, withTimes, type Earlier } from '../earlier-request.js';
import { follow } from '../follow.js';
import { counted, note, print, printJson } from '../output.js';
import { sendUpdate } from '../send-update.js';
import { openSession, pickTables, temporalTarget } from '../session.js';
import { withTemporal } from '../temporal.js';
import { argumentsText, logText, olderThanAsked, snapshotText } from '../verify-text.js';

export interface VerifyOptions {
  config: string;
  id?: string;
  at?: string;
  repair?: boolean;
  log?: boolean;
  detach?: boolean;
  json?: boolean;
}

/** Compares a table with its source or its log; exit code 0 only if both were the same, or are so by the repair. */
export async function verify(table: string, options: VerifyOptions): Promise<void> {
  const session = await openSession(options.config);
  const spec = pickTables(session.specs, [table])[0]!;
  const request = requestOf(spec, options);
  const target = await temporalTarget(session.runtime.temporal);
  await withTemporal(target, async (client) => {
    const workflowId = verifyWorkflowId(table, request.id);
    const earlier =
      options.id === undefined
        ? undefined
        : await earlierRequest<VerifyRequest, VerifyResult>(client, workflowId);
    if (earlier) {
      const asked = options.log || options.repair || options.at !== undefined ? request : null;
      const what = `verification ${request.id} of ${table}`;
      const argumentsOf = (each: VerifyRequest): string => argumentsText(each, spec.timezone);
      note(repeated(earlier, asked, { what, argumentsOf, zone: spec.timezone, waits: !options.detach }));
      if (earlier.result) return show(earlier.result, options, earlier);
    }
    const accepted = earlier
      ? ({ id: request.id, workflowId, state: 'known' } as const)
      : await sendUpdate(client, table, verifyUpdate, request);
    if (options.detach) {
      if (options.json) return printJson(accepted);
      return print(
        `${pc.bold(accepted.workflowId)}  ${accepted.state === 'known' ? 'was asked for before' : 'started'}`,
      );
    }
    const result = await follow<VerifyStatus, VerifyResult>(
      client,
      accepted.workflowId,
      verifyStatusQuery,
      ({ done, of, what }) =>
        what === 'snapshot'
          ? 'reading both sides'
          : of === 0
            ? 'looking which offsets there are'
            : `${done} of ${counted(of, 'part')} compared`,
    );
    const older = olderThanAsked(result, request, spec);
    if (older !== undefined) note(`${pc.yellow('SnapshotOlder')}: ${older}`);
    show(result, options);
  });
}

/** @param earlier of a result that was there before */
function show(result: VerifyResult, options: VerifyOptions, earlier?: Earlier<unknown, unknown>): void {
  if (options.json) printJson(withTimes(result, earlier));
  else print(result.what === 'snapshot' ? snapshotText(result) : logText(result));
  const repaired = typeof result.snapshot?.repaired === 'number';
  if (result.outcome !== 'equal' && !repaired) process.exitCode = 1;
}

function requestOf(spec: TableSpec, options: VerifyOptions): VerifyRequest {
  const id = options.id ?? new Date().toISOString().replace(/[-:.]/g, '').slice(0, 18);
  const snapshot = spec.bootstrap !== undefined && options.log !== true;
  if (!snapshot && (options.at !== undefined || options.repair === true)) {
    throw new TributaryError({
      code: 'VerifyInvalid',
      message: `--at and --repair are for snapshots of mirrors with a \`bootstrap\`; the log of ${spec.name} is compared as a whole.`,
    });
  }
  if (!snapshot) return { id, what: 'log' };
  const atMs = options.at === undefined ? null : parseInstant(options.at, spec.timezone);
  return { id, what: 'snapshot', atMs, repair: options.repair ?? false };
}
