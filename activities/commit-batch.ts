import { activityInfo } from '@temporalio/activity';
import type { LandingTable } from '../changelog/types.js';
import { quarantineTable } from '../changelog/quarantine.js';
import { blame, isTributaryError, TributaryError } from '../common/errors.js';
import { commitBatch as commit, recover } from '../warehouse/commit.js';
import type { CommitSummary } from '../warehouse/commit-plan.js';
import { ManifestStore } from '../warehouse/manifest-store.js';
import { mapParallel } from '../warehouse/parallel.js';
import { removeStagedBatch } from '../warehouse/staging.js';
import type { SplitManifest } from '../warehouse/manifest.js';
import type { CommitRequest, RecoveredTopic, StoredMembers } from '../workflows/ingest-types.js';
import { attempt } from './attempt.js';
import { ChangeLedger } from './change-ledger.js';
import type { ActivityContext } from './context.js';
import { catalogTables, changelogTable } from './hive-tables.js';
import { resultOf } from './commit-result.js';
import { recoverReplays } from './commit-replay.js';
import { recordLanded } from './metrics.js';
import { OpenPartitionList } from './open-partitions.js';
import type { ControlActivities } from './types.js';

const READS = 8;

/** Makes what a batch wrote visible, exactly once, and moves the positions. */
export function commitBatch(context: ActivityContext): ControlActivities['commitBatch'] {
  return (request) =>
    attempt(async ({ signal, deadlineMs }) => {
      const store = new ManifestStore(context.storage);
      const manifests = await mapParallel(request.manifests, READS, (path) =>
        store.readManifest(path, signal),
      );
      const landings = await mapParallel(request.pins, READS, (pin) =>
        store.readSpec<LandingTable>(pin, signal),
      );
      // A partition must be on the list of open ones before its rows can be seen, or nobody would ever complete it.
      await new OpenPartitionList(context.storage, request.kafka, request.topic).add(
        landings,
        manifests,
        signal,
      );
      const { kafka, topic, member } = request;
      await new ChangeLedger(context.storage, kafka, topic).note(
        { kafka, topic, ...(member !== undefined && { member }) },
        request.seq,
        landings,
        manifests,
        signal,
      );
      const summary = await commitOrBlame(
        context,
        landings,
        {
          kafka: request.kafka,
          topic: request.topic,
          ...(request.member !== undefined && { member: request.member }),
          ...(request.topicId !== null && { topicId: request.topicId }),
          ...(request.members && {
            members: withRows(request.members, manifests, landings),
            rebase: request.rebase ?? false,
          }),
          seq: request.seq,
          batch: request.batch,
          manifests,
          fromPositions: request.from,
          positions: request.to,
        },
        { tables: catalogTables(landings, context.storage), deadline: deadlineMs, signal },
      );
      if (summary.outcome === 'superseded') throw superseded(request, summary);
      if (summary.outcome === 'committed') recordLanded(request.topic, summary.bytes);
      const run = activityInfo().workflowExecution?.runId;
      if (request.finishedBatch !== null && run !== undefined) {
        await removeStagedBatch(context.storage, run, request.finishedBatch, signal);
      }
      return resultOf(summary, landings);
    });
}

/** Commits; a Hive table that refuses before anything is committed is its own table's trouble, not the topic's. */
async function commitOrBlame(
  context: ActivityContext,
  landings: LandingTable[],
  ...args: Tail<Parameters<typeof commit>>
): Promise<CommitSummary> {
  try {
    return await commit(context, ...args);
  } catch (error) {
    const refusedBy = isTributaryError(error) ? error.attributes['refusedBy'] : undefined;
    const owner = landings.find(({ spec }) =>
      [changelogTable(spec), quarantineTable(spec.name)].some((name) => name === refusedBy),
    );
    throw owner ? blame(error, owner.spec.name) : error;
  }
}

type Tail<T extends unknown[]> = T extends [unknown, ...infer Rest] ? Rest : never;

/** Where a topic and the lanes of its tables stand by storage, with what died half way brought to its end. */
export function recoverTopic(context: ActivityContext): ControlActivities['recoverTopic'] {
  return ({ kafka, topic }) =>
    attempt(async ({ signal, deadlineMs }) => {
      const options = { deadline: deadlineMs, signal };
      const found = await recover(context, { kafka, topic }, options);
      if (!found) return null;
      const members = (found.members ?? {}) as RecoveredTopic['members'];
      for (const member of Object.values(members)) {
        for (const lane of member.lanes) {
          const stands = await recover(context, { kafka, topic, member: lane.id }, options);
          if (stands) Object.assign(lane, { seq: stands.seq, positions: stands.positions });
        }
        member.lanes = member.lanes.filter(({ positions, until }) =>
          Object.entries(until).some(([partition, end]) => (positions[Number(partition)] ?? 0) < end),
        );
      }
      await recoverReplays(context, { kafka, topic }, options);
      return { seq: found.seq, positions: found.positions, topicId: found.topicId ?? null, members };
    });
}

/** Membership as it is after the commit: the counts that `status` shows must survive the loss of the workflow's history. */
function withRows(
  members: StoredMembers,
  manifests: SplitManifest[],
  landings: LandingTable[],
): StoredMembers {
  const rowsOf = new Map<string, number>();
  for (const { table, rows } of manifests.flatMap(({ files }) => files)) {
    rowsOf.set(table, (rowsOf.get(table) ?? 0) + rows);
  }
  const after = { ...members };
  for (const { spec } of landings) {
    const member = after[spec.name];
    if (!member) continue;
    const rows = member.rows + (rowsOf.get(changelogTable(spec)) ?? 0);
    const quarantined = member.quarantined + (rowsOf.get(quarantineTable(spec.name)) ?? 0);
    after[spec.name] = { ...member, rows, quarantined };
  }
  return after;
}

function superseded(request: CommitRequest, summary: CommitSummary): TributaryError {
  return new TributaryError({
    code: 'CommitSuperseded',
    message:
      `Storage holds another batch as commit ${summary.seq} of ${request.topic}: a workflow of an earlier history wrote it. ` +
      'Two installations must not share one storage root. If this is the only one, terminate the ingest workflow and start ' +
      'the table again: it takes up what storage holds.',
    attributes: { topic: request.topic, seq: summary.seq },
  });
}
