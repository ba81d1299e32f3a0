import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  patched,
  setCurrentDetails,
  setHandler,
  sleep,
  upsertMemo,
  upsertSearchAttributes,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import { Backfills, ENDS_WITH_TABLE } from './backfills.js';
import { tableDetails } from './details.js';
import { faultOf } from './faults.js';
import * as messages from './messages.js';
import { notePace } from './pace.js';
import { run } from './run-activity.js';
import { lateChanges, newSnapshotState, outdate } from './snapshot-state.js';
import { Snapshots } from './snapshots.js';
import { attributesOf, memoOf, statusOf } from './table-status.js';
import { TableBootstrap } from './table-bootstrap.js';
import type { TaskKind } from './table-requests.js';
import { TableTasks } from './table-tasks.js';
import { TopicSeat } from './topic-seat.js';
import type { TableInput, TableState } from './table-types.js';
import { Verifications } from './verifications.js';

/** The server's hint counts events but not signals, which have a limit of their own (10,000 a run). */
const MAX_SIGNALS_A_RUN = 2_000;
/** A table with a snapshot under way goes on in its run up to here. */
const LAST_SIGNALS_A_RUN = 8_000;
const FAULT_RETRY_MS = 60_000;
/** A topic tells its tables at least every minute how it stands. If it is silent for this long, it is started anew. */
const SILENCE_MS = 300_000;

/** Versions before this one told nobody when a table had last heard of its topic. */
const HEARD = 'heard';
/** Versions before this one left paused tables alone. */
const WATCHED = 'watched';

/** Phases in which the topic is read for the table. */
const READING = new Set<TableState['phase']>(['running', 'bootstrap']);

/**
 * One table: the workflow that people look at and steer. It makes sure that its topic is read for it, and shows how far
 * that has come.
 */
export async function table(input: TableInput): Promise<void> {
  let { spec, settings } = input;
  let state: TableState = input.state ?? {
    phase: 'preparing',
    pin: null,
    paused: false,
    progress: null,
    fault: null,
    startedMs: Date.now(),
  };
  // Runs that began before there was a pace show none: a memo that changes oftener is another history.
  const paced = patched('pace');
  const tasks = new TableTasks();
  const snapshots = new Snapshots({
    spec: () => spec,
    base: () => state.base ?? null,
    ready: () =>
      spec.mode === 'mirror' &&
      spec.snapshot !== undefined &&
      state.phase === 'running' &&
      !state.paused &&
      (spec.bootstrap === undefined || Boolean(state.base)),
    completeThroughMs: () => state.progress?.completeThroughMs ?? null,
    rows: () => state.progress?.rows ?? 0,
    state: () => state.snapshots ?? newSnapshotState(),
    update: (next) => {
      state = { ...state, snapshots: next };
    },
  });
  let signals = 0;
  let shown = '';
  /** Whether the spec has changed since it was pinned. */
  let stale = input.stale ?? false;

  const bootstrapping = new TableBootstrap({
    spec: () => spec,
    state: () => state,
    update: (change) => {
      state = { ...state, ...change };
    },
  });

  const enqueue = (kind: TaskKind, task: () => Promise<void>): void => {
    signals += 1;
    tasks.add({ kind, run: task });
  };

  const seat = new TopicSeat({
    spec: () => spec,
    settings: () => settings,
    state: () => state,
    update: (change) => {
      state = { ...state, ...change };
    },
  });
  const prepare = async (): Promise<void> => {
    await seat.prepare();
    stale = false;
  };

  const join = async (): Promise<void> => {
    // A reload that was given up half way has left the rules of another config.
    if (state.pin === null || stale) await prepare();
    await seat.join();
    const { pause: _over, ...rest } = state;
    state = {
      ...rest,
      ...{ phase: bootstrapping.first ? 'bootstrap' : 'running', paused: false, fault: null },
      reads: `${spec.kafka}/${spec.topic}`,
    };
    bootstrapping.ensure();
  };

  /** Snapshots of boundaries after `fromMs` are made anew, in order: what they were made of has changed. */
  const snapshotsOutdated = (fromMs: number): void => {
    if (spec.snapshot)
      state = { ...state, snapshots: outdate(state.snapshots ?? newSnapshotState(), fromMs) };
  };

  const begin = async (): Promise<void> => {
    if (patched(ENDS_WITH_TABLE)) await backfills.adopt();
    await prepare();
    if (!state.paused) await join();
  };

  setHandler(messages.pauseSignal, (options) => {
    const pause = { sinceMs: Date.now(), reason: options?.reason ?? null };
    enqueue('pause', async () => {
      if (state.paused) {
        if (pause.reason !== null && patched('pause-reason')) {
          state = { ...state, pause: { ...pause, sinceMs: state.pause?.sinceMs ?? pause.sinceMs } };
        }
        return;
      }
      await bootstrapping.stop();
      await seat.tell('pauseMember');
      state = { ...state, paused: true, phase: 'paused', pause };
    });
  });
  setHandler(messages.resumeSignal, (options) =>
    enqueue('resume', async () => {
      // A loss that Kafka suffered may be accepted without a pause before it; joining again is harmless.
      const held = state.paused || (state.progress?.fault ?? null) !== null;
      if (!held && !options?.acceptLoss && state.phase === 'running') return;
      await join();
      snapshots.poke();
      await seat.tell('resumeMember', { acceptLoss: options?.acceptLoss ?? false });
    }),
  );
  setHandler(messages.reloadSignal, (next) =>
    enqueue('reload', async () => {
      const moved = next.spec.topic !== spec.topic || next.spec.kafka !== spec.kafka;
      await bootstrapping.stop();
      const leaves = moved && (!state.paused || patched(WATCHED));
      if (leaves) await seat.tell('leave');
      ({ spec, settings } = next);
      stale = true;
      await prepare();
      snapshots.poke();
      if (!state.paused) await join();
      else if (leaves) await seat.watch();
    }),
  );
  setHandler(messages.planReloadUpdate, (next) =>
    run('planColumns', `what another config would do to ${spec.name}`, next),
  );
  setHandler(messages.replayQuarantineSignal, (options) =>
    enqueue('replay', async () => {
      // Columns that the log has shown since are part of what the records are read by.
      await prepare();
      const { id = uuid4(), ...filter } = options ?? {};
      const replay = { ...filter, table: spec.name, id, pin: state.pin! };
      await run('requestReplay', `replay the quarantine of ${spec.name}`, {
        kafka: spec.kafka,
        topic: spec.topic,
        replay,
      });
    }),
  );
  setHandler(messages.stopSignal, () =>
    enqueue('stop', async () => {
      snapshots.stop();
      if (patched(ENDS_WITH_TABLE)) await backfills.stop();
      await bootstrapping.stop();
      await seat.tell('leave');
      // Someone who spoke later wants the table to live on.
      if (tasks.revived) {
        if (!state.paused) await join();
        snapshots.go();
      } else state = { ...state, phase: 'stopped' };
    }),
  );
  setHandler(messages.progressSignal, (progress) => {
    signals += 1;
    const pace = notePace(state.pace ?? [], Date.now(), progress.rows);
    state = { ...state, progress, pace, heardMs: Date.now() };
    if (spec.snapshot && state.snapshots) {
      state = { ...state, snapshots: lateChanges(state.snapshots, progress, spec.snapshot.late) };
    }
  });
  setHandler(messages.snapshotSignal, ({ fromMs }) => {
    signals += 1;
    snapshotsOutdated(fromMs);
    snapshots.poke();
  });
  setHandler(messages.rebootstrapSignal, () =>
    enqueue('rebootstrap', async () => {
      bootstrapping.again();
      return Promise.resolve();
    }),
  );
  setHandler(messages.bootstrapSignal, (progress) => {
    signals += 1;
    bootstrapping.heard(progress);
  });
  new Verifications({
    ...{ spec: () => spec, settings: () => settings, pin: () => state.pin },
    remember: (verified) => {
      signals += 1;
      state = { ...state, verified };
    },
  });
  /** Nobody wants the table to go on. */
  const stopping = (): boolean => state.phase === 'stopped' || (tasks.stopping && !tasks.revived);
  const backfills = new Backfills({
    spec: () => spec,
    settings: () => settings,
    pin: () => state.pin,
    idle: () => tasks.idle,
    stopping,
    memory: () => state.backfill,
    remember: (backfill) => (state = { ...state, backfill }),
    changedFrom: (fromMs) => {
      snapshotsOutdated(fromMs);
      snapshots.poke();
    },
  });
  setHandler(messages.specQuery, () => ({ spec, settings }));
  setHandler(messages.statusQuery, () => statusOf(spec, state, { stale, stopping: stopping() }));

  /** Search attributes, memo and the details panel; written only when what they say has changed. */
  const show = (): void => {
    const attributes = attributesOf(spec, state);
    const memo = memoOf(state, { paced, heard: patched(HEARD) });
    setCurrentDetails(tableDetails(spec, state));
    const text = JSON.stringify([attributes, memo]);
    if (text === shown) return;
    shown = text;
    upsertSearchAttributes(attributes);
    upsertMemo({ ...memo });
  };

  /** The topic's workflow may have been terminated by hand, or lost: joining again starts it, and is harmless otherwise. */
  const watchTopic = async (): Promise<void> => {
    for (;;) {
      const before = state.progress;
      await sleep(SILENCE_MS, { summary: 'is the topic read?' });
      if (state.progress !== before || !tasks.idle) continue;
      if (READING.has(state.phase)) tasks.add({ kind: 'join', run: join });
      else if (state.phase === 'paused' && patched(WATCHED))
        tasks.add({ kind: 'join', run: () => seat.watch() });
    }
  };

  /** A snapshot under way would have to end with the run, and signals have room for hours more. */
  const runIsFull = (): boolean => signals >= (snapshots.busy ? LAST_SIGNALS_A_RUN : MAX_SIGNALS_A_RUN);

  if (!input.state || state.phase === 'preparing') tasks.add({ kind: 'begin', run: begin });
  else if (!state.paused) bootstrapping.ensure();
  const watching = new CancellationScope();
  void watching.run(watchTopic).catch(() => undefined);
  const calendar = new CancellationScope();
  let broken: { error: unknown } | undefined;
  void calendar
    .run(() => snapshots.run())
    .catch((error: unknown) => {
      if (!calendar.consideredCancelled) broken = { error };
    });
  let seen: TableState | undefined;

  while (state.phase !== 'stopped') {
    show();
    seen = state;
    await condition(() => tasks.pending || state !== seen || broken !== undefined || runIsFull());
    if (broken) throw broken.error;
    while (tasks.pending && (state.phase as string) !== 'stopped') {
      const outcome = await tasks.runNext();
      if (outcome === 'done') state = { ...state, fault: null };
      if (typeof outcome === 'string') continue;
      state = { ...state, fault: faultOf(outcome.error, state.fault, Date.now()) };
      show();
      await tasks.waitToRetry(outcome.failed, FAULT_RETRY_MS);
    }
    if (runIsFull() || (workflowInfo().continueAsNewSuggested && !snapshots.busy)) {
      snapshots.stop();
      await condition(() => allHandlersFinished() && !snapshots.busy);
      if (!tasks.pending) await bootstrapping.stop();
      // What came while the bootstrap was being ended would be lost with this run.
      if (tasks.pending || (state.phase as string) === 'stopped') {
        snapshots.go();
        if (!state.paused && READING.has(state.phase)) bootstrapping.ensure();
        continue;
      }
      await continueAsNew<typeof table>({ spec, settings, state, ...(stale && { stale }) });
    }
  }
  show();
  watching.cancel();
  calendar.cancel();
  await condition(allHandlersFinished);
}
