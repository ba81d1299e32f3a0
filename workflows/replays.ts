import { ActivityFailure, ApplicationFailure, condition, isCancellation } from '@temporalio/workflow';
import { run } from './run-activity.js';
import type { CommitReplayResult, Replay, ReplayRequest, WriteReplayResult } from './replay-types.js';
import type { IngestState, Member } from './types.js';

/** Requests that a member remembers, so that a duplicate is answered with the first one's outcome. */
const REMEMBERED = 10;
/** A replay that others overtake is planned anew, but not for ever. */
const MAX_TRIES = 5;
const NO_ROWS = { rows: 0 };

/** Adds a request; one whose id is known changes nothing. A table that the topic does not know has no quarantine here. */
export function askReplay(state: IngestState, request: ReplayRequest, nowMs: number): IngestState {
  const member = state.members[request.table];
  if (!member || member.replays?.some(({ id }) => id === request.id)) return state;
  const asked: Replay = { ...request, status: 'waiting', askedMs: nowMs, tried: 0, landed: 0, reasons: {} };
  const known = member.replays ?? [];
  const settled = known.filter(({ status }) => status !== 'waiting');
  const waiting = known.filter(({ status }) => status === 'waiting');
  const kept = settled.slice(Math.max(0, settled.length + waiting.length + 1 - REMEMBERED));
  return withMember(state, { ...member, replays: [...kept, ...waiting, asked] });
}

/** The member's counts and its memory of the request, after a replay has ended. */
export function replayed(
  state: IngestState,
  request: ReplayRequest,
  outcome: Pick<Replay, 'status' | 'tried' | 'landed' | 'reasons' | 'message'>,
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
      replays: (member.replays ?? []).map((each) =>
        each.id === request.id ? { ...each, ...outcome } : each,
      ),
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
  return Object.values(state.members).flatMap((member) => {
    const next = member.replays?.find(({ status }) => status === 'waiting');
    return next && !running.has(member.table) ? [next] : [];
  });
}

interface Written {
  request: ReplayRequest;
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
    for (const request of nextReplays(state, tables)) void this.write(request, 1);
  }

  /** Commits what is written; true if rows have landed. */
  async finish(state: IngestState): Promise<{ state: IngestState; landed: boolean }> {
    let next = state;
    let landed = false;
    while (this.written.length > 0) {
      const { request, batch, tries, result } = this.written.shift()!;
      if ('failure' in result) {
        const nothing = { tried: 0, landed: 0, reasons: {}, message: result.failure };
        next = replayed(next, request, { status: 'failed', ...nothing }, NO_ROWS);
        continue;
      }
      const { tried, reasons } = result;
      if (result.manifest === null) {
        next = replayed(next, request, { status: 'done', tried, landed: 0, reasons }, NO_ROWS);
        continue;
      }
      const done = await this.commit(request, batch, result, result.manifest);
      if (done.outcome === 'committed') {
        landed = true;
        next = replayed(next, request, { status: 'done', tried, landed: result.landed, reasons }, done);
      } else if (tries < MAX_TRIES) {
        void this.write(request, tries + 1);
      } else {
        const message = 'The quarantine kept changing under it. Nothing was changed by it; ask again.';
        next = replayed(next, request, { status: 'failed', tried, landed: 0, reasons, message }, NO_ROWS);
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

  private async write(request: ReplayRequest, tries: number): Promise<void> {
    const batch = `replay-${request.id}${tries === 1 ? '' : `.${tries}`}`;
    this.running.set(request.table, request);
    let result: Written['result'];
    let pin = request.pin;
    try {
      const what = { kafka: this.kafka, topic: this.topic, batch };
      for (;;) {
        const replay = { ...plain(request), pin };
        result = await run('writeReplay', `land quarantined records of ${request.table} again`, {
          ...what,
          replay,
        });
        if (Object.keys(result.newColumns).length === 0) break;
        const pins = { [request.table]: pin };
        const evolved = await run('evolveTables', `new columns in ${request.table}`, {
          pins,
          newColumns: result.newColumns,
        });
        const outcome = evolved[request.table]!;
        if (typeof outcome !== 'string') {
          throw ApplicationFailure.nonRetryable(outcome.fault.message, outcome.fault.code);
        }
        if (outcome === pin) break;
        pin = outcome;
      }
    } catch (error) {
      result = { failure: reasonOf(error) };
    }
    this.running.delete(request.table);
    this.written.push({ request: { ...request, pin }, batch, tries, result });
    this.onReady();
  }

  private async commit(
    { table, pin }: ReplayRequest,
    batch: string,
    { seq }: WriteReplayResult,
    manifest: string,
  ): Promise<CommitReplayResult> {
    const what = { kafka: this.kafka, topic: this.topic, batch, table, pin, seq, manifest };
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
