import { ActivityFailure, ApplicationFailure, condition, isCancellation } from '@temporalio/workflow';
import { run } from './run-activity.js';
import type { CommitReplayResult, Replay, ReplayRequest, WriteReplayResult } from './replay-types.js';
import type { CommitResult, IngestState, Member } from './ingest-types.js';

/** Requests that a member remembers, so that a duplicate is answered with the first one's outcome. */
const REMEMBERED = 10;
/** A replay that others overtake is planned anew, but not for ever. */
const MAX_TRIES = 5;

/** Adds a request; one whose id is known changes nothing. A table that the topic does not know has no quarantine here. */
export function askReplay(state: IngestState, request: ReplayRequest, nowMs: number): IngestState {
  const member = state.members[request.table];
  if (!request.shared && !member) return state;
  const known = (request.shared ? state.replays : member?.replays) ?? [];
  if (known.some(({ id }) => id === request.id)) return state;
  const asked: Replay = { ...request, status: 'waiting', askedMs: nowMs, tried: 0, landed: 0, reasons: {} };
  const settled = known.filter(({ status }) => status !== 'waiting');
  const waiting = known.filter(({ status }) => status === 'waiting');
  const kept = settled.slice(Math.max(0, settled.length + waiting.length + 1 - REMEMBERED));
  const replays = [...kept, ...waiting, asked];
  return request.shared ? { ...state, replays } : withMember(state, { ...member!, replays });
}

type Outcome = Pick<Replay, 'status' | 'tried' | 'landed' | 'moved' | 'reasons' | 'message'>;

function settle(replays: Replay[] | undefined, { id }: ReplayRequest, outcome: Outcome): Replay[] {
  return (replays ?? []).map((each) => (each.id === id ? { ...each, ...outcome } : each));
}

/** The counts of all tables that a replay of the topic's own quarantine gave something to, and the topic's memory of it. */
export function topicReplayed(
  state: IngestState,
  request: ReplayRequest,
  outcome: Outcome,
  tables: CommitResult['tables'],
): IngestState {
  let next: IngestState = { ...state, replays: settle(state.replays, request, outcome) };
  for (const [table, { rows, quarantined, minEventMs }] of Object.entries(tables)) {
    const member = next.members[table];
    if (!member) continue;
    next = withMember(next, {
      ...member,
      rows: member.rows + rows,
      ...lateEvents(member, minEventMs),
      quarantined: member.quarantined + quarantined,
      // They were set aside before; that they have an owner now is no reason to hold it.
      quarantineAccepted: member.quarantineAccepted + quarantined,
    });
    // The counts in storage move with the topic's next commit.
    next = { ...next, membershipChanged: true };
  }
  return next;
}

/** The member's counts and its memory of the request, after a replay has ended. */
export function replayed(
  state: IngestState,
  request: ReplayRequest,
  outcome: Outcome,
  added: { rows: number; minEventMs?: number },
): IngestState {
  const member = state.members[request.table];
  if (!member) return state;
  const quarantined = Math.max(0, member.quarantined - outcome.landed);
  return {
    ...withMember(state, {
      ...member,
      rows: member.rows + added.rows,
      ...lateEvents(member, added.minEventMs),
      quarantined,
      // What was accepted was counted before; less is left, and what comes now counts from here.
      quarantineAccepted: Math.min(member.quarantineAccepted, quarantined),
      replays: settle(member.replays, request, outcome),
    }),
    // The counts in storage move with the topic's next commit.
    membershipChanged: state.membershipChanged || outcome.landed > 0,
  };
}

/** What a replay lands is late as a rule: snapshots of its time must hear of it. */
function lateEvents(member: Member, minEventMs: number | undefined): { lateFromMs?: number } {
  if (minEventMs === undefined || minEventMs >= (member.completeThroughMs ?? -Infinity)) return {};
  return { lateFromMs: Math.min(member.lateFromMs ?? Infinity, minEventMs) };
}

function withMember(state: IngestState, member: Member): IngestState {
  return { ...state, members: { ...state.members, [member.table]: member } };
}

/** Requests that may begin: the oldest of each table. */
export function nextReplays(state: IngestState, running: ReadonlySet<string>): Replay[] {
  return [...Object.values(state.members), state].flatMap(({ replays }) => {
    const next = replays?.find(({ status }) => status === 'waiting');
    return next && !running.has(next.table) ? [next] : [];
  });
}

interface Written {
  request: ReplayRequest;
  /** Of the topic's own quarantine: pins of its tables as it was written by them. */
  pins: Record<string, string> | undefined;
  batch: string;
  tries: number;
  /** What was written; or why it could not be. */
  result: WriteReplayResult | { failure: string };
}

/**
 * Replays on their way. Reading a quarantine and landing its records again runs beside the batches; what it changes is changed
 * between two batches, so that no commit adds to a directory that is being replaced.
 */
export class Replays {
  private readonly running = new Map<string, ReplayRequest>();
  private readonly written: Written[] = [];

  constructor(
    private readonly kafka: string,
    private readonly topic: string,
    /** Called when something waits for `finish`, so that it need not wait until data come. */
    private readonly onReady: () => void,
    /** Repeats a commit until it is done: one that has begun is finished before anything else. */
    private readonly insist: <T>(work: () => Promise<T>) => Promise<T>,
  ) {}

  get ready(): boolean {
    return this.written.length > 0;
  }

  get busy(): boolean {
    return this.ready || this.running.size > 0;
  }

  begin(state: IngestState): void {
    const tables = new Set([...this.running.keys(), ...this.written.map(({ request }) => request.table)]);
    for (const request of nextReplays(state, tables)) void this.write(request, 1, pinsFor(request, state));
  }

  /** Commits what is written; true if rows have landed. */
  async finish(state: IngestState): Promise<{ state: IngestState; landed: boolean }> {
    let next = state;
    let landed = false;
    while (this.written.length > 0) {
      const written = this.written.shift()!;
      const { request, pins, tries, result } = written;
      const end = (outcome: Outcome, done: Partial<CommitReplayResult> = {}): void => {
        next = request.shared
          ? topicReplayed(next, request, outcome, done.tables ?? {})
          : replayed(next, request, outcome, { ...done, rows: done.rows ?? 0 });
      };
      if ('failure' in result) {
        end({ status: 'failed', tried: 0, landed: 0, reasons: {}, message: result.failure });
        continue;
      }
      const { tried, reasons } = result;
      if (result.manifest === null) {
        end({ status: 'done', tried, landed: 0, reasons });
        continue;
      }
      const done = await this.commit(written, result, result.manifest);
      if (done.outcome === 'committed') {
        landed = true;
        const moved = result.moved === undefined ? {} : { moved: result.moved };
        end({ status: 'done', tried, landed: result.landed, ...moved, reasons }, done);
      } else if (tries < MAX_TRIES) {
        void this.write(request, tries + 1, pins);
      } else {
        const message = 'The quarantine kept changing under it. Nothing was changed by it; ask again.';
        end({ status: 'failed', tried, landed: 0, reasons, message });
      }
    }
    return { state: next, landed };
  }

  /** Waits for those under way and commits them; what still waits for its turn is begun by the next run. */
  async settle(state: IngestState): Promise<IngestState> {
    let next = state;
    while (this.busy) {
      await condition(() => this.running.size === 0);
      next = (await this.finish(next)).state;
    }
    return next;
  }

  private async write(
    request: ReplayRequest,
    tries: number,
    shared: Record<string, string> | undefined,
  ): Promise<void> {
    const batch = `replay-${request.id}${tries === 1 ? '' : `.${tries}`}`;
    this.running.set(request.table, request);
    let result: Written['result'];
    let pins = shared ?? { [request.table]: request.pin };
    try {
      const what = { kafka: this.kafka, topic: this.topic, batch };
      for (;;) {
        const replay = { ...plain(request), pin: shared ? '' : pins[request.table]! };
        result = await run('writeReplay', `land quarantined records of ${request.table} again`, {
          ...what,
          replay,
          ...(shared && { pins }),
        });
        const { newColumns } = result;
        const tables = Object.keys(newColumns);
        if (tables.length === 0) break;
        const before = Object.fromEntries(tables.map((table) => [table, pins[table]!]));
        const evolved = await run('evolveTables', `new columns in ${tables.join(', ')}`, {
          pins: before,
          newColumns,
        });
        const now = { ...pins };
        for (const table of tables) {
          const outcome = evolved[table]!;
          if (typeof outcome !== 'string') {
            throw ApplicationFailure.nonRetryable(outcome.fault.message, outcome.fault.code);
          }
          now[table] = outcome;
        }
        if (tables.every((table) => now[table] === pins[table])) break;
        pins = now;
      }
    } catch (error) {
      result = { failure: reasonOf(error) };
    }
    this.running.delete(request.table);
    const pin = shared ? '' : pins[request.table]!;
    this.written.push({
      ...{ request: { ...request, pin }, batch, tries, result },
      pins: shared ? pins : undefined,
    });
    this.onReady();
  }

  private async commit(
    { request: { table, pin }, pins, batch }: Written,
    { seq }: WriteReplayResult,
    manifest: string,
  ): Promise<CommitReplayResult> {
    const what = {
      ...{ kafka: this.kafka, topic: this.topic, batch, table, pin, seq, manifest },
      ...(pins && { pins }),
    };
    return this.insist(async () => {
      try {
        return await run('commitReplay', `commit ${batch} of ${table}`, what);
      } catch (error) {
        if (codeOf(error) === 'CommitOutdated') return { outcome: 'outrun', rows: 0 };
        throw error;
      }
    });
  }
}

/** Pins of the topic's tables; a table that was not started since the topic's history was lost has none. */
function pinsFor({ shared }: ReplayRequest, { members }: IngestState): Record<string, string> | undefined {
  if (!shared) return undefined;
  const pinned = Object.values(members).filter(({ pin }) => pin !== '');
  return Object.fromEntries(pinned.map(({ table, pin }) => [table, pin]));
}

function plain({ table, id, pin, reason, day }: ReplayRequest): ReplayRequest {
  return { table, id, pin, ...(reason !== undefined && { reason }), ...(day !== undefined && { day }) };
}

function codeOf(error: unknown): string | undefined {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  return cause instanceof ApplicationFailure ? (cause.type ?? undefined) : undefined;
}

function reasonOf(error: unknown): string {
  if (isCancellation(error)) return 'It was cancelled.';
  const cause = error instanceof ActivityFailure ? error.cause : error;
  const words = cause instanceof Error ? cause.message : String(cause);
  const code = codeOf(error);
  return code === undefined ? words : `${code}: ${words}`;
}
