import { getClient } from '@temporalio/activity';
import type { LandingTable } from '../changelog/types.js';
import { contentHash } from '../common/hash.js';
import type { TableSpec } from '../config/spec.js';
import type { ManifestStore } from '../warehouse/manifest-store.js';
import { ingestWorkflowId } from '../workflows/names.js';
import type { TopicStatus } from '../workflows/messages.js';

/**
 * The pin to read a table's log by: that of its topic, which knows columns that the log has shown since the table was prepared,
 * unless the topic has not yet heard of the table's present spec.
 * @param pin the table's own
 */
export async function currentPin(
  store: ManifestStore,
  spec: TableSpec,
  pin: string,
  signal: AbortSignal,
): Promise<string> {
  const landing = await topicPin(spec);
  if (landing === undefined || landing === pin) return pin;
  const pinned = await store.readSpec<LandingTable>(landing, signal);
  return contentHash(pinned.spec) === contentHash(spec) ? landing : pin;
}

/** Undefined if nobody reads the topic. */
async function topicPin({ kafka, topic, name }: TableSpec): Promise<string | undefined> {
  try {
    const handle = getClient().workflow.getHandle(ingestWorkflowId(kafka, topic));
    const status = await handle.query<TopicStatus>('topic');
    return status.members[name]?.pin || undefined;
  } catch {
    return undefined;
  }
}
