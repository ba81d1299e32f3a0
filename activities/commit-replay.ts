import type { LandingTable } from '../changelog/types.js';
import { commitBatch as commit, recover, type CommitOptions } from '../warehouse/commit.js';
import { baseName, commitsDirectory, unquoteSegment, type Stream } from '../warehouse/layout.js';
import { ManifestStore } from '../warehouse/manifest-store.js';
import { mapParallel } from '../warehouse/parallel.js';
import { attempt } from './attempt.js';
import type { ActivityContext } from './context.js';
import { resultOf } from './commit-result.js';
import { ChangeLedger } from './change-ledger.js';
import { catalogTables, changelogTable } from './hive-tables.js';
import { OpenPartitionList } from './open-partitions.js';
import type { ControlActivities } from './types.js';

/** A lane's id ends in a number, so no lane has this name. */
const SUFFIX = '.quarantine';
const SPECS = 8;

/** The sequence of commits by which records leave a table's quarantine. */
export function replayStream(kafka: string, topic: string, table: string): Stream {
  return { kafka, topic, member: `${table}${SUFFIX}` };
}

/**
 * Makes a replay visible: its rows land and its records leave the quarantine, exactly once. Between two batches only. What was
 * staged stays for the next attempt, which must find its manifest, and goes with the workflow's run.
 */
export function commitReplay(context: ActivityContext): ControlActivities['commitReplay'] {
  return ({ kafka, topic, batch, table, pin, pins, seq, manifest: path }) =>
    attempt(async ({ signal, deadlineMs }) => {
      const store = new ManifestStore(context.storage);
      const manifest = await store.readManifest(path, signal);
      const landings = await mapParallel(Object.values(pins ?? { [table]: pin }), SPECS, (each) =>
        store.readSpec<LandingTable>(each, signal),
      );
      await new OpenPartitionList(context.storage, kafka, topic).add(landings, [manifest], signal);
      const stream = replayStream(kafka, topic, table);
      await new ChangeLedger(context.storage, kafka, topic).note(stream, seq, landings, [manifest], signal);
      const summary = await commit(
        context,
        {
          ...stream,
          ...{ seq, batch, manifests: [manifest], fromPositions: {}, positions: {} },
          removals: manifest.removals ?? [],
          graceMs: context.graceMs,
        },
        { tables: catalogTables(landings, context.storage), deadline: deadlineMs, signal },
      );
      if (summary.outcome === 'superseded') return { outcome: 'outrun', rows: 0 };
      if (pins) return { outcome: 'committed', rows: 0, tables: resultOf(summary, landings).tables };
      const landed = changelogTable(landings[0]!.spec);
      const minEventMs = summary.minEventMs[landed];
      return {
        outcome: 'committed',
        rows: summary.rows[landed] ?? 0,
        ...(minEventMs !== undefined && { minEventMs }),
      };
    });
}

/** Brings replays to their end that were half done when the topic's workflow was lost. */
export async function recoverReplays(
  context: ActivityContext,
  topic: Stream,
  options: CommitOptions,
): Promise<void> {
  const members = await context.storage.list(`${commitsDirectory(topic)}/members`, options.signal);
  for (const { path } of members) {
    const member = unquoteSegment(baseName(path));
    if (member.endsWith(SUFFIX)) await recover(context, { ...topic, member }, options);
  }
}
