import type { LandingTable } from '../changelog/types.js';
import { partitionBounds } from '../common/zone.js';
import { planCompaction } from '../warehouse/compaction-plan.js';
import { pruneCommits } from '../warehouse/commit.js';
import { sweepGarbage as sweep } from '../warehouse/garbage.js';
import { baseName, parsePartitionPath, partitionPath } from '../warehouse/layout.js';
import { ManifestStore } from '../warehouse/manifest-store.js';
import { mapParallel } from '../warehouse/parallel.js';
import { completePartition as complete } from '../warehouse/partition-lifecycle.js';
import { removeStagedRun } from '../warehouse/staging.js';
import { switchPartition } from '../warehouse/partition-switch.js';
import type { DuePartition } from '../workflows/ingest-types.js';
import { attempt } from './attempt.js';
import type { ActivityContext } from './context.js';
import { changelogTable } from './hive-tables.js';
import { OpenPartitionList } from './open-partitions.js';
import { sweepLeftovers } from './sweep-leftovers.js';
import type { ControlActivities } from './types.js';

const LOOKS = 8;
/** Commit records kept behind the newest, for people who ask what a batch held. */
const COMMITS_KEPT = 1_000;
/** Of the leftovers that a sweep removed, those that its line in the log names. */
const LOGGED_PATHS = 20;

/** Open partitions that ended before the instant up to which everything has landed, oldest first. */
export function planCompletion(context: ActivityContext): ControlActivities['planCompletion'] {
  return ({ kafka, topic, tables, limit }) =>
    attempt(async ({ signal }) => {
      const store = new ManifestStore(context.storage);
      const open = await new OpenPartitionList(context.storage, kafka, topic).read(signal);
      const candidates: {
        request: (typeof tables)[number];
        partition: string;
        zone: string;
        hiveTable: string;
      }[] = [];
      for (const request of tables) {
        if (!open[request.table]?.length) continue;
        const { spec } = await store.readSpec<LandingTable>(request.pin, signal);
        for (const partition of open[request.table]!) {
          const { endMs } = partitionBounds(boundsOf(partition), spec.timezone);
          if (endMs > request.completeThroughMs) continue;
          candidates.push({ request, partition, zone: spec.timezone, hiveTable: changelogTable(spec) });
        }
      }
      const due = await mapParallel(candidates.slice(0, limit), LOOKS, async (candidate) => {
        const { request, partition, hiveTable } = candidate;
        const values = parsePartitionPath(partition);
        const state = await store.readPartition(hiveTable, values, signal);
        // On the list, but its first commit is still under way.
        if (!state) return undefined;
        const files = await context.storage.list(state.directory, signal);
        const data = files.filter((file) => !file.directory && !baseName(file.path).startsWith('_'));
        const compact = planCompaction(data, request.compaction)?.groups ?? [];
        const found: DuePartition = {
          table: request.table,
          pin: request.pin,
          hiveTable,
          partition: values,
          directory: state.directory,
          compact: compact.map((group) => group.map((file) => file.path)),
        };
        return found;
      });
      return due.filter((partition) => partition !== undefined);
    });
}

/** Moves the pointer to the rewritten files if there are any, and says in storage and catalog that the partition is complete. */
export function completePartition(context: ActivityContext): ControlActivities['completePartition'] {
  return ({ kafka, topic, due, compaction, positions }) =>
    attempt(async ({ signal, deadlineMs }) => {
      const options = { deadline: deadlineMs, signal };
      const { hiveTable: table, partition } = due;
      // A backfill may have moved the partition while its files were rewritten: its own new files are as good.
      const state = await new ManifestStore(context.storage).readPartition(table, partition, signal);
      const moved = state?.directory !== due.directory && state?.directory !== compaction?.newDirectory;
      if (compaction && !moved) {
        await switchPartition(
          context,
          {
            table,
            partition,
            expectedDirectory: due.directory,
            newDirectory: compaction.newDirectory,
            newFiles: compaction.newFiles,
            mode: 'compact',
            inputs: due.compact.flat(),
            streams: [{ kafka, topic }],
            graceMs: context.graceMs,
          },
          options,
        );
      }
      const completedAt = new Date().toISOString();
      const { revision, rows } = await complete(
        context,
        { table, partition, positions, completedAt },
        options,
      );
      await new OpenPartitionList(context.storage, kafka, topic).remove(
        due.table,
        partitionPath(partition),
        signal,
      );
      return { revision, rows };
    });
}

export function sweepGarbage(context: ActivityContext): ControlActivities['sweepGarbage'] {
  return ({ kafka, topic, nowMs, endedRun }) =>
    attempt(async ({ signal, deadlineMs }) => {
      if (endedRun !== null) await removeStagedRun(context.storage, endedRun, signal);
      await pruneCommits(context, { kafka, topic }, COMMITS_KEPT, signal);
      const removed = await sweep(context, nowMs, { deadline: deadlineMs, signal });
      const left = await sweepLeftovers(context, nowMs, signal);
      if (left.length > 0) context.log.info({ paths: left.slice(0, LOGGED_PATHS) }, 'leftovers removed');
      return { removed: removed.length + left.length };
    });
}

function boundsOf(partition: string): { dt: string; hh?: string } {
  const { dt, hh } = parsePartitionPath(partition);
  return { dt: dt!, ...(hh !== undefined && { hh }) };
}
