import {
  allHandlersFinished,
  ActivityFailure,
  CancellationScope,
  condition,
  continueAsNew,
  isCancellation,
  log,
  patched,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { topicDetails } from './details.js';
import { blamedTable, faultOf } from './faults.js';
import * as reduce from './ingest-state.js';
import { batchId } from './batch.js';
import * as membership from './membership.js';
import * as messages from './messages.js';
import { see, seeNothing, topicFault } from './lag.js';
import { progressOf } from './progress.js';
import { askReplay, Replays } from './replays.js';
import { quiet } from './quiet.js';
import { runBatch, type TopicRun } from './run-batch.js';
import { run } from './run-activity.js';
import { Completion } from './completion.js';
import { switchRebuiltSignal } from './reread-messages.js';
import { serveSwitch } from './serve-switch.js';
import { watchTopic } from './topic-watch.js';
import type { IngestInput, IngestState, Plan, TopicLook } from './ingest-types.js';

const IDLE_MS = 60_000;
const REPORT_EVERY_MS = 10_000;
const SWEEP_EVERY_MS = 3_600_000;
/** A fault that only a person can mend is tried again, less and less often: they may mend it without a word to us. */
const FIRST_RETRY_MS = 3_000;
const LAST_RETRY_MS = 60_000;
/** Versions before this one looked at a topic only while it was read, and ended where all of its tables are paused. */
const WATCHES = 'watches';
/** Versions before this one asked Kafka where the last table that left stands. */
const LEAVES_ALONE = 'leaves-alone';
/** Versions before this one missed a person's word that came while they told of a fault, until the next try. */
const HEARS_AT_ONCE = 'hears-at-once';
/** The server's hint counts events but not signals, which have a limit of their own (10,000 a run). */
const MAX_SIGNALS_A_RUN = 2_000;

type Change = (state: IngestState) => IngestState | Promise<IngestState>;

/**
 * One topic, read once for all its tables. A batch is a set of offset ranges fixed in this history before anything is
 * read; whoever retries it reads the same records and writes the same files.
 */
export async function ingest(input: IngestInput): Promise<void> {
  let state = input.state ?? reduce.newIngestState();
  const { kafka, topic } = input;
  const changes: Change[] = [];
  let signals = 0;
  let faults = 0;
  let planning: CancellationScope | undefined;
  let lookedMs = Date.now();
  let watching = false;

  /** Membership changes wait for the boundary between two batches; a plan that only waits for data is given up for them. */
  const enqueue = (change: Change): void => {
    signals += 1;
    changes.push(change);
    planning?.cancel();
  };
  setHandler(messages.joinSignal, (request) => enqueue((s) => membership.join(s, request)));
  setHandler(messages.watchSignal, (request) => {
    // Versions that did not know it passed over it.
    if (patched(WATCHES)) enqueue((s) => membership.watch(s, request));
  });
  setHandler(messages.pauseMemberSignal, ({ table }) => enqueue((s) => membership.pause(s, table)));
  setHandler(messages.leaveSignal, ({ table }) => enqueue((s) => membership.leave(s, table)));
  setHandler(messages.resumeMemberSignal, ({ table, acceptLoss }) =>
    enqueue(async (s) => membership.resume(acceptLoss ? await giveUpLost(s) : { ...s, fault: null }, table)),
  );
  setHandler(switchRebuiltSignal, (order) =>
    enqueue(async (s) => {
      await serveSwitch(kafka, topic, order);
      return s;
    }),
  );
  setHandler(messages.replayMemberSignal, (request) => enqueue((s) => askReplay(s, request, Date.now())));
  setHandler(messages.topicQuery, () => ({
    kafka,
    topic,
    seq: state.seq,
    positions: state.positions,
    members: state.members,
    lagRecords: state.lagRecords,
    freshAsOf: state.freshAsOf,
    fault: state.fault,
    replays: state.replays ?? [],
    losses: state.losses ?? [],
  }));

  const giveUpLost = async (s: IngestState): Promise<IngestState> => {
    const tables = Object.keys(s.members);
    const { starts, topicId, record, lost } = await run('recordLoss', `accept what ${topic} has lost`, {
      kafka,
      topic,
      topicId: s.topicId,
      positions: s.positions,
      tables,
      lastBatch: batchId(s.batch),
    });
    const accepted = membership.acceptLoss(s, starts, topicId);
    return membership.rememberLoss(accepted, { atMs: Date.now(), tables, record, lost });
  };

  const applyChanges = async (): Promise<void> => {
    while (changes.length > 0) state = await changes.shift()!(state);
  };

  /** Waits for data; undefined if a membership change or a rewritten partition came first. */
  const plan = async (): Promise<Plan | undefined> => {
    const settings = reduce.topicSettings(state);
    const scope = new CancellationScope();
    planning = scope;
    try {
      return await scope.run(() =>
        run('planBatch', `plan batch ${state.batch + 1}`, {
          kafka,
          topic,
          topicId: state.topicId,
          positions: state.positions,
          lanes: membership.openLanes(state),
          mainActive: membership.activeMembers(state).length > 0,
          flushMs: settings.flushMs,
          idleMs: IDLE_MS,
          maxRecords: reduce.batchRecords(state, settings),
          splitRecords: reduce.splitRecords(state, settings),
          immediate: state.membershipChanged,
        }),
      );
    } catch (error) {
      if (isCancellation(error) && (changes.length > 0 || completion.ready || replays.ready))
        return undefined;
      throw error;
    } finally {
      planning = undefined;
    }
  };

  const insist = async <T>(work: () => Promise<T>): Promise<T> => {
    for (;;) {
      const known = changes.length;
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof ActivityFailure) || blamedTable(error) !== undefined) throw error;
        await standStill(error, known);
      }
    }
  };

  /**
   * Shows a fault, and waits for a person or for the next try.
   * @param known changes that were asked for before what failed began: later ones may be the person's word
   */
  const standStill = async (error: unknown, known: number): Promise<void> => {
    const fault = faultOf(error, state.fault, Date.now());
    state = { ...state, fault };
    log.warn('topic waits', { topic, code: fault.code });
    await report(true);
    const waiting = patched(HEARS_AT_ONCE) ? known : changes.length;
    const delay = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** faults);
    await condition(() => changes.length > waiting, delay, {
      summary: `tries again after ${fault.code}`,
    });
    faults += 1;
  };

  const report = async (force: boolean): Promise<void> => {
    const now = Date.now();
    if (!force && now - state.lastReportMs < REPORT_EVERY_MS) return;
    const tables = Object.fromEntries(
      membership.toldMembers(state).map((member) => [member.table, progressOf(state, member, now)]),
    );
    state = { ...state, lastReportMs: now };
    setCurrentDetails(topicDetails(kafka, topic, state, now));
    const told = await run('reportProgress', `tell ${Object.keys(tables).length} tables`, { tables });
    state = membership.gone(reduce.lateEventsTold(state, tables), told?.gone ?? []);
  };

  const topicRun: TopicRun = {
    ...{ kafka, topic, report, insist },
    get state() {
      return state;
    },
    set state(next) {
      state = next;
    },
  };

  /** Directories that nobody reads any more, and what a run before this one left in staging. */
  const sweep = async (endedRun: string | null): Promise<void> => {
    const now = Date.now();
    if (endedRun === null && now - state.lastSweepMs < SWEEP_EVERY_MS) return;
    state = { ...state, lastSweepMs: now };
    try {
      await run('sweepGarbage', 'remove what nobody reads any more', { kafka, topic, nowMs: now, endedRun });
    } catch (error) {
      if (!(error instanceof ActivityFailure) || isCancellation(error)) throw error;
      // Garbage harms nobody; it is tried again at the next sweep.
      log.warn('sweep failed', { topic });
    }
  };

  /** Records that were quarantined, landed again by a mended config; between two batches only. */
  const replay = async (): Promise<void> => {
    replays.begin(state);
    if (!replays.ready) return;
    const finished = await replays.finish(state);
    state = finished.state;
    if (finished.landed) completion.rowsLanded();
    replays.begin(state);
    await report(true);
  };

  /** Where everyone stands once nobody reads any more. Kafka is not asked: its topic may be gone. */
  const keepMembership = async (): Promise<void> => {
    const begun = state.seq > 0 || Object.keys(state.positions).length > 0;
    if (begun) await runBatch(topicRun, reduce.standingPlan(state));
    state = { ...state, membershipChanged: false, fault: null };
    await report(true);
  };

  const found = async (look: TopicLook): Promise<void> => {
    lookedMs = Date.now();
    state = 'fault' in look ? seeNothing(state, look.fault, lookedMs) : see(state, look);
    await report(true);
  };

  const isFull = (): boolean => workflowInfo().continueAsNewSuggested || signals >= MAX_SIGNALS_A_RUN;

  const renew = async (): Promise<void> => {
    await completion.settle();
    state = await replays.settle(state);
    await condition(allHandlersFinished);
    await applyChanges();
    await continueAsNew<typeof ingest>({ kafka, topic, state: { ...state, finishedBatch: null } });
  };

  if (!input.state) {
    const stored = await run('recoverTopic', `look for ${topic} in storage`, { kafka, topic });
    if (stored) state = membership.restore(state, stored);
  }
  const completion = new Completion(kafka, topic, () => planning?.cancel());
  const replays = new Replays(kafka, topic, () => planning?.cancel(), insist);
  await sweep(workflowInfo().continuedFromExecutionRunId ?? null);

  // Tables of one `start` come one after the other, and each that comes after the first batch has to read that once more alone.
  if (state.seq === 0 && patched('gathers')) await quiet(() => signals);

  const wanted = (): boolean => membership.toldMembers(state).length > 0;

  const urgent = (): boolean =>
    !state.seen && !state.blind && membership.activeMembers(state).length === 0 && wanted();

  /** While nobody reads. Ends when that changes (`again`), when the run is full, or for good: storage keeps where everyone stands. */
  const rest = async (changed: boolean): Promise<'again' | 'full' | 'ended'> => {
    await report(changed);
    const full = (): boolean => (watching ? isFull() : signals >= MAX_SIGNALS_A_RUN);
    await condition(
      () => changes.length > 0 || replays.ready || full(),
      watching && !wanted() ? '1m' : '10m',
      { summary: 'nobody reads' },
    );
    if (changes.length > 0 || replays.busy) return 'again';
    // Those who will read some day hear how far they fall behind.
    if (watching && wanted()) return isFull() ? 'full' : 'again';
    await condition(allHandlersFinished);
    return changes.length > 0 ? 'again' : 'ended';
  };

  /** One batch, or a look in vain; false if something came that goes first. */
  const readOn = async (changed: boolean): Promise<boolean> => {
    if (completion.ready) {
      state = (await completion.finish(state)).state;
      await report(true);
    }
    const planned = await plan();
    if (!planned) return false;
    lookedMs = Date.now();
    const hadFault = topicFault(state) !== null;
    state = see(state, { ...planned.observed, topicId: planned.topicId });
    const newFault = Object.keys(planned.laneFaults).some((table) => !state.members[table]?.fault);
    state = reduce.applyLaneFaults(state, planned.laneFaults, Date.now());
    if (planned.splits.length > 0 || state.membershipChanged) {
      await runBatch(topicRun, planned);
      completion.rowsLanded();
    } else {
      state = { ...state, fault: null, lagRecords: planned.lagRecords };
    }
    faults = 0;
    state = reduce.observe(state, planned.observed);
    const completed = await completion.advance(state);
    state = completed.state;
    await report(changed || newFault || hadFault || completed.any);
    await sweep(null);
    return true;
  };

  for (;;) {
    if (!watching && patched(WATCHES)) {
      watching = true;
      void watchTopic({ kafka, topic, lookedMs: () => lookedMs, wanted, urgent, found }).catch(
        () => undefined,
      );
    }
    try {
      const changed = changes.length > 0;
      await applyChanges();
      await replay();
      const idle = membership.activeMembers(state).length === 0;
      if (idle && !state.membershipChanged) {
        const next = await rest(changed);
        if (next === 'ended') return;
        if (next === 'again') continue;
      } else if (idle && patched(LEAVES_ALONE)) await keepMembership();
      else if (!(await readOn(changed))) continue;
    } catch (error) {
      if (isCancellation(error) && !(error instanceof ActivityFailure)) throw error;
      await standStill(error, 0);
    }
    if (isFull()) await renew();
  }
}
