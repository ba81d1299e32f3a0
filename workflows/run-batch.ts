import { log } from '@temporalio/workflow';
import { allOrNone, batchId } from './batch.js';
import { blamedTable, faultOf } from './faults.js';
import * as reduce from './ingest-state.js';
import * as membership from './membership.js';
import { run } from './run-activity.js';
import { sightings } from './sightings.js';
import type { CommitRequest, CommitResult, IngestState, Plan, WriteResult } from './ingest-types.js';

/** What a batch needs of the run of a topic's workflow. */
export interface TopicRun {
  readonly kafka: string;
  readonly topic: string;
  state: IngestState;
  /** Tells the members' tables where they stand. */
  report: (force: boolean) => Promise<void>;
  /** Tries until it succeeds; what one table is to blame for is thrown. */
  insist: <T>(work: () => Promise<T>) => Promise<T>;
}

/** Lands a planned batch: writes its splits, brings tables to what their log shows, commits the topic's part and each lane's. */
export async function runBatch(topicRun: TopicRun, cut: Plan): Promise<void> {
  topicRun.state = { ...topicRun.state, batch: topicRun.state.batch + 1 };
  const batch = batchId(topicRun.state.batch);
  let planned = cut;
  let topicDone = !topicRun.state.membershipChanged && !planned.splits.some((split) => split.lane === null);
  for (;;) {
    try {
      const written = await write(topicRun, batch, planned);
      if (!(await evolve(topicRun, written))) {
        const resultsOf = (lane: string | null): WriteResult[] =>
          written.filter((_, i) => planned.splits[i]!.lane === lane);
        if (!topicDone) await commitTopic(topicRun, planned, batch, resultsOf(null));
        topicDone = true;
        for (const table of Object.keys(planned.lanes)) {
          await commitLane(topicRun, planned, batch, table, resultsOf(table));
          const { [table]: _done, ...lanes } = planned.lanes;
          planned = { ...planned, lanes };
        }
        break;
      }
    } catch (error) {
      await holdBlamed(topicRun, error);
    }
    // What is committed already must not be written again.
    const left = planned.splits.filter(({ lane }) => (lane === null ? !topicDone : lane in planned.lanes));
    planned = membership.leaveOutHeld({ ...planned, splits: left }, topicRun.state);
    if (planned.splits.length === 0 && topicDone) break;
  }
  topicRun.state = { ...topicRun.state, finishedBatch: batch };
}

async function write(topicRun: TopicRun, batch: string, planned: Plan): Promise<WriteResult[]> {
  const { kafka, topic } = topicRun;
  const width = reduce.topicSettings(topicRun.state).parallelism;
  const results: WriteResult[] = [];
  for (let i = 0; i < planned.splits.length; i += width) {
    const wave = planned.splits.slice(i, i + width).map((split) => () => {
      const records = split.ranges.reduce((sum, range) => sum + range.to - range.from, 0);
      return run('writeBatch', `${batch}/${split.id}: ${records} offsets`, {
        kafka,
        topic,
        topicId: planned.topicId,
        batch,
        split,
        pins: pinsOf(topicRun.state, split.lane),
      });
    });
    results.push(...(await allOrNone(wave)));
  }
  return results;
}

function pinsOf(state: IngestState, lane: string | null): string[] {
  const members = lane === null ? membership.activeMembers(state) : [state.members[lane]!];
  return members.map((member) => member.pin);
}

/** Brings tables to what the log shows of their columns; true if the batch must be written again, or without some of them. */
async function evolve(topicRun: TopicRun, results: WriteResult[]): Promise<boolean> {
  const seen = sightings(results);
  const pins = seen.pins(topicRun.state);
  const tables = Object.keys(pins);
  if (tables.length === 0) return false;
  const { newColumns, retyped, shapes } = seen;
  const evolved = await run('evolveTables', `changed columns in ${tables.join(', ')}`, {
    pins,
    newColumns,
    ...(Object.keys(retyped).length > 0 && { retyped }),
    ...(Object.keys(shapes).length > 0 && { shapes }),
  });
  for (const [table, outcome] of Object.entries(evolved)) {
    const { state } = topicRun;
    topicRun.state =
      typeof outcome === 'string'
        ? { ...state, members: { ...state.members, [table]: { ...state.members[table]!, pin: outcome } } }
        : membership.hold(state, table, { ...outcome.fault, sinceMs: Date.now() });
  }
  return tables.some((table) => evolved[table] !== pins[table]);
}

/** A table that cannot be written or committed for good is left behind; its rows wait for it in a lane of its own. */
async function holdBlamed(topicRun: TopicRun, error: unknown): Promise<void> {
  const table = blamedTable(error);
  if (table === undefined || topicRun.state.members[table]?.status !== 'active') throw error;
  topicRun.state = membership.hold(topicRun.state, table, faultOf(error, null, Date.now()));
  const { code } = topicRun.state.members[table]!.fault!;
  log.warn('table waits', { topic: topicRun.topic, table, code });
  await topicRun.report(true);
}

async function commitTopic(
  topicRun: TopicRun,
  planned: Plan,
  batch: string,
  results: WriteResult[],
): Promise<void> {
  const { kafka, topic, state } = topicRun;
  const seq = state.seq + 1;
  const read = {
    records: results.reduce((sum, result) => sum + result.records, 0),
    bytes: results.reduce((sum, result) => sum + result.bytesRead, 0),
  };
  const result = await commit(topicRun, {
    kafka,
    topic,
    topicId: planned.topicId,
    seq,
    batch,
    manifests: results.map(({ manifest }) => manifest),
    from: planned.from,
    to: planned.to,
    members: membership.storedMembers(state),
    rebase: state.rebase,
    finishedBatch: state.finishedBatch,
    pins: Object.values(state.members)
      .map((member) => member.pin)
      .filter((pin) => pin !== ''),
  });
  topicRun.state = reduce.applyCommit(topicRun.state, planned, seq, result, read, Date.now());
}

async function commitLane(
  topicRun: TopicRun,
  planned: Plan,
  batch: string,
  table: string,
  results: WriteResult[],
): Promise<void> {
  const { kafka, topic } = topicRun;
  const { from, to } = planned.lanes[table]!;
  const member = topicRun.state.members[table]!;
  const lane = member.lanes[0]!;
  const result = await commit(topicRun, {
    kafka,
    topic,
    member: lane.id,
    topicId: planned.topicId,
    seq: lane.seq + 1,
    batch,
    manifests: results.map(({ manifest }) => manifest),
    from,
    to,
    finishedBatch: null,
    pins: [member.pin],
  });
  topicRun.state = reduce.applyLaneCommit(topicRun.state, table, result.positions, result, Date.now());
}

/**
 * A commit that has begun is finished before anything else is planned: its write-ahead record may be in storage, and
 * another batch under the same number would contradict it.
 */
function commit(topicRun: TopicRun, request: CommitRequest): Promise<CommitResult> {
  return topicRun.insist(() => run('commitBatch', `commit ${request.batch}`, request));
}
