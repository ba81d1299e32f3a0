import {
  ApplicationFailure,
  ActivityFailure,
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  isCancellation,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { backfillDetails, failed, newProgress, planned, rebuilt, resultOf } from './backfill-state.js';
import type {
  BackfillInput,
  BackfillProgress,
  BackfillResult,
  BackfillStatus,
  RebuildResult,
  SwitchReply,
} from './backfill-types.js';
import { allOrNone } from './batch.js';
import { faultOf } from './faults.js';
import { backfillEndedSignal, backfillReplySignal, backfillStatusQuery } from './reread-messages.js';
import { tableWorkflowId } from './names.js';
import { run } from './run-activity.js';
import { pick, sightings } from './sightings.js';

/** A partition that moves under the backfill (it was compacted, say) is made again, but not for ever. */
const TRIES = 5;
/** A topic that has not answered may have been ended by hand: the order is given again, which is harmless. */
const ANSWER_MS = 60_000;

/**
 * Rebuilds partitions of a table's landed rows from Kafka: wave by wave it reads offsets again into staging, makes new
 * directories from the old rows and those, and has the topic's workflow move one pointer each. Cancelled, it leaves every
 * partition old or new.
 */
export async function backfill(input: BackfillInput): Promise<BackfillResult> {
  const { table, request, spec } = input;
  const { kafka, topic } = spec;
  let progress: BackfillProgress = input.state ?? newProgress(input.pin, Date.now());
  let phase: BackfillStatus['phase'] = 'planning';
  const replies = new Map<string, SwitchReply>();
  let ordered: BackfillStatus['ordered'] = null;
  const whole = CancellationScope.current();

  const update = (next: BackfillProgress): void => {
    progress = next;
    setCurrentDetails(backfillDetails(input, progress));
  };
  setHandler(backfillReplySignal, (reply) => {
    if (!replies.has(reply.requestId)) replies.set(reply.requestId, reply);
  });
  setHandler(backfillStatusQuery, () => ({
    ...progress,
    id: request.id,
    table,
    fromMs: request.fromMs,
    toMs: request.toMs,
    phase: whole.consideredCancelled && phase !== 'ended' ? 'cancelling' : phase,
    ordered,
  }));

  const waveId = (wave: number): string => `backfill-${request.id}-w${String(wave).padStart(4, '0')}`;

  /** Reads a wave's offsets into staging; anew if the log shows columns that the table did not have. */
  const read = async (batch: string, opened: Awaited<ReturnType<typeof open>>): Promise<string[]> => {
    for (;;) {
      const results = [];
      const width = input.settings.parallelism;
      for (let i = 0; i < opened.splits.length; i += width) {
        const pins = [progress.pin];
        const splits = opened.splits.slice(i, i + width).map((split) => () => {
          const records = split.ranges.reduce((sum, range) => sum + range.to - range.from, 0);
          const summary = `${batch}/${split.id}: ${records} offsets`;
          return run('writeBatch', summary, {
            ...{ kafka, topic, topicId: opened.topicId, batch, split, pins },
          });
        });
        results.push(...(await allOrNone(splits)));
      }
      const { newColumns, retyped, shapes } = sightings(results);
      const seen = {
        newColumns: pick(newColumns, table),
        ...(retyped[table] && { retyped: pick(retyped, table) }),
        ...(shapes[table] && { shapes: pick(shapes, table) }),
      };
      if (!newColumns[table] && !seen.retyped && !seen.shapes) return results.map(({ manifest }) => manifest);
      const evolved = await run('evolveTables', `new columns in ${table}`, {
        pins: { [table]: progress.pin },
        ...seen,
      });
      const pin = evolved[table] ?? progress.pin;
      if (typeof pin !== 'string') {
        throw ApplicationFailure.nonRetryable(pin.fault.message, pin.fault.code);
      }
      if (pin === progress.pin) return results.map(({ manifest }) => manifest);
      update({ ...progress, pin });
    }
  };

  const open = (wave: number) =>
    run('openBackfillWave', `wave ${wave + 1}`, { plan: progress.outline!.plan!, wave });

  /** Orders the pointer move. Once ordered it is waited for even if the backfill is cancelled: it may have been made. */
  const move = async (partition: string, requestId: string, path: string): Promise<SwitchReply> =>
    CancellationScope.nonCancellable(async () => {
      const order = { requestId, table, rebuilt: path, replyTo: workflowInfo().workflowId };
      ordered = { partition, sinceMs: Date.now() };
      for (;;) {
        await run('orderSwitch', `order ${requestId}`, { kafka, topic, order });
        if (
          await condition(() => replies.has(requestId), ANSWER_MS, {
            summary: `the topic moves ${partition}`,
          })
        ) {
          break;
        }
      }
      ordered = null;
      return replies.get(requestId)!;
    });

  const rebuildOne = async (
    part: { index: number; partition: string; startMs: number },
    manifests: string[],
  ): Promise<void> => {
    for (let turn = 1; turn <= TRIES; turn++) {
      const made: RebuildResult = await run('rebuildPartition', `rebuild ${part.partition}`, {
        plan: progress.outline!.plan!,
        index: part.index,
        manifests,
      });
      if (made.rebuilt === null) return update(rebuilt(progress, part.startMs, made, false));
      const reply = await move(part.partition, `${part.partition}#${progress.wave}.${turn}`, made.rebuilt);
      if (reply.outcome === 'switched' || reply.outcome === 'already') {
        return update(rebuilt(progress, part.startMs, made, true));
      }
      if (reply.outcome === 'failed') {
        return update(failed(progress, [part.partition], reply.message ?? 'the pointer could not be moved'));
      }
    }
    update(failed(progress, [part.partition], `it was changed ${TRIES} times while it was rebuilt`));
  };

  const runWave = async (): Promise<void> => {
    const opened = await open(progress.wave);
    const batch = waveId(progress.wave);
    let done = 0;
    try {
      const manifests = await read(batch, opened);
      for (const part of opened.partitions) {
        await rebuildOne(part, manifests);
        done += 1;
      }
    } catch (error) {
      // The other waves go on: what Kafka has just deleted, say, concerns this one alone.
      if (isCancellation(error) || !explained(error)) throw error;
      const { code, message } = faultOf(error, null, Date.now());
      const left = opened.partitions.slice(done).map(({ partition }) => partition);
      update(failed(progress, left, `${code}: ${message}`));
    } finally {
      await close(batch, false);
    }
    update({ ...progress, wave: progress.wave + 1 });
  };

  const close = (batch: string | null, ended: boolean): Promise<void> =>
    CancellationScope.nonCancellable(() =>
      run('closeBackfillWave', batch === null ? 'remove the plan' : `remove what ${batch} staged`, {
        table,
        id: request.id,
        batch,
        ended,
      }),
    );

  const finish = async (end: { cancelled?: boolean; message?: string }): Promise<BackfillResult> =>
    CancellationScope.nonCancellable(async () => {
      const result = resultOf(input, progress, end);
      if (progress.outline) await close(null, true);
      phase = 'ended';
      try {
        await getExternalWorkflowHandle(tableWorkflowId(table)).signal(backfillEndedSignal, result);
      } catch {
        // The table was stopped meanwhile; the result is this workflow's own too.
      }
      await condition(allHandlersFinished);
      return result;
    });

  try {
    if (!progress.outline) {
      update(progress);
      const outline = await run('planBackfill', 'which partitions, from which offsets', {
        ...{ table, request, spec, pin: input.pin, settings: input.settings, dry: false },
      });
      update(planned(progress, outline));
    }
    phase = 'running';
    while (progress.wave < progress.outline!.waves) {
      await runWave();
      if (workflowInfo().continueAsNewSuggested && progress.wave < progress.outline!.waves) {
        await condition(allHandlersFinished);
        await continueAsNew<typeof backfill>({ ...input, state: progress });
      }
    }
    return await finish({});
  } catch (error) {
    if (isCancellation(error)) {
      phase = 'cancelling';
      return finish({ cancelled: true });
    }
    if (!explained(error)) throw error;
    const { code, message } = faultOf(error, null, Date.now());
    return finish({ message: `${code}: ${message}` });
  }
}

/** A failure with a code and words for a person; anything else is a defect and fails the workflow. */
function explained(error: unknown): boolean {
  return error instanceof ActivityFailure || error instanceof ApplicationFailure;
}
