import { ActivityFailure, getExternalWorkflowHandle, isCancellation, sleep } from '@temporalio/workflow';
import { faultOf } from './faults.js';
import { snapshotSignal } from './messages.js';
import { tableWorkflowId } from './names.js';
import { run } from './run-activity.js';
import type { SnapshotReport, VerifyInput, VerifyResult } from './verify-types.js';

/** How often it is looked whether the table has made a snapshot anew, and for how long. */
const LOOK_MS = 5_000;
const PATIENCE_MS = 1_800_000;

/** Compares a snapshot with its source, and puts it right if it was asked to. */
export async function verifyOneSnapshot(input: VerifyInput): Promise<VerifyResult> {
  const { table, request, spec } = input;
  const { atMs = null } = request;
  const answer = (outcome: VerifyResult['outcome'], message: string | null, snapshot?: SnapshotReport) => ({
    ...{ id: request.id, table, what: request.what, log: null },
    ...{ outcome, message, snapshot: snapshot ?? null },
  });
  try {
    const at = atMs === null ? 'the newest snapshot' : `the snapshot at ${new Date(atMs).toISOString()}`;
    const found = (await run('verifySnapshot', `compare ${at} with its source`, { spec, request }))!;
    if (found.repaired !== null) await outdate(table, found.boundaryMs).catch(() => undefined);
    if (same(found)) return answer('equal', null, found);
    if (!request.repair || spec.bootstrap?.kind !== 'mongodb') return answer('different', null, found);
    const again = await madeAnew(input, found);
    if (again === null) return answer('different', notYet(table, found), found);
    if (same(again)) return answer('equal', null, { ...again, repaired: again.revision });
    return answer('different', stillDifferent(table, again), again);
  } catch (error) {
    if (isCancellation(error)) return answer('cancelled', null);
    if (!(error instanceof ActivityFailure)) throw error;
    const { code, message } = faultOf(error, null, Date.now());
    return answer('failed', `${code}: ${message}`);
  }
}

/**
 * A source that cannot be read as of the boundary gives no rows to put in: the table makes the snapshot anew from the one before it
 * and the log. Null if it has not done so by the end of our patience.
 */
async function madeAnew(
  { table, request, spec }: VerifyInput,
  { boundaryMs, revision }: SnapshotReport,
): Promise<SnapshotReport | null> {
  try {
    await outdate(table, boundaryMs - 1);
  } catch (error) {
    if (isCancellation(error)) throw error;
    return null;
  }
  for (let waited = 0; waited < PATIENCE_MS; waited += LOOK_MS) {
    await sleep(LOOK_MS, { summary: 'the table makes it anew' });
    const again = await run('verifySnapshot', 'compare it once it is made anew', {
      ...{ spec, request: { ...request, atMs: boundaryMs }, after: revision },
    });
    if (again !== null) return again;
  }
  return null;
}

/** Snapshots of boundaries after an instant were made of something that is not so any more. */
async function outdate(table: string, fromMs: number): Promise<void> {
  await getExternalWorkflowHandle(tableWorkflowId(table)).signal(snapshotSignal, { fromMs });
}

function same({ different, sourceRows, mirrorRows }: SnapshotReport): boolean {
  return different === 0 && sourceRows === mirrorRows;
}

function notYet(table: string, { name }: SnapshotReport): string {
  return (
    `${name} was to be made anew from the snapshot before it and the log, and is not yet: ${table} does not run, is paused, or ` +
    `waits for something. tributary status ${table} says what; then verify again.`
  );
}

function stillDifferent(table: string, { name, revision }: SnapshotReport): string {
  return (
    `${name} was made anew from the snapshot before it and the log, as revision ${revision}, and differs still. Documents that changed since ` +
    `the boundary do; if it is more than that, read the source once more: tributary start ${table} --rebootstrap`
  );
}
