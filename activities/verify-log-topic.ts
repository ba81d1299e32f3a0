import { offsetsText, sizeOf, unionOf, type OffsetSet } from '../common/offset-ranges.js';
import { CONTROL, partitionPath, quoteSegment } from '../warehouse/layout.js';
import type { PartitionState } from '../warehouse/manifest.js';
import type { Storage } from '../warehouse/storage.js';

/** Offsets of partitions that were landed where Kafka did not tell the topic's id: taken for the topic's own. */
const UNKNOWN = '';

/** A partition's offsets of the topic that is there now; undefined where they are not known, and may be any. */
export function ownOffsets({ offsets }: PartitionState, topicId: string | null): OffsetSet | undefined {
  if (offsets === undefined || topicId === null) return offsets && unionOf(Object.values(offsets));
  return unionOf([offsets[topicId] ?? {}, offsets[UNKNOWN] ?? {}]);
}

/** A partition's offsets of topics of the same name that were deleted: they mean other records now. */
export function foreignOffsets({ offsets }: PartitionState, topicId: string | null): OffsetSet {
  if (topicId === null) return {};
  const others = Object.entries(offsets ?? {}).filter(([id]) => id !== topicId && id !== UNKNOWN);
  return unionOf(others.map(([, set]) => set));
}

/** Whether a partition has rows of the topic that is there now, and of a deleted one too. */
export function isMixed(state: PartitionState, topicId: string | null): boolean {
  return sizeOf(foreignOffsets(state, topicId)) > 0 && sizeOf(ownOffsets(state, topicId) ?? {}) > 0;
}

/**
 * Offsets that cannot be compared because a partition has rows of both topics at them and nothing tells those apart. Pure.
 * @param states partitions of the table and of its quarantines
 */
export function ambiguous(
  states: readonly PartitionState[],
  topicId: string | null,
): { offsets: OffsetSet; leftOut: string[] } {
  const mixed = states.filter((state) => state.dropped !== true && isMixed(state, topicId));
  if (mixed.length === 0) return { offsets: {}, leftOut: [] };
  const offsets = unionOf(mixed.map((state) => foreignOffsets(state, topicId)));
  const named = mixed.slice(0, 3).map(({ table, partition }) => `${table} ${partitionPath(partition)}`);
  const more = mixed.length > named.length ? ` and ${mixed.length - named.length} more` : '';
  return {
    offsets,
    leftOut: [
      `offsets ${offsetsText(offsets)}: ${named.join(', ')}${more} also ${mixed.length === 1 ? 'has' : 'have'} rows of a topic of ` +
        'the same name that was deleted, at the same offsets, and nothing tells which is which',
    ],
  };
}

/**
 * The last batch that was read from the topic before the one that is there now, from what was written down when its loss was accepted;
 * null if that is not known. Rows of it and of earlier batches are the deleted topic's.
 */
export async function lastForeignBatch(
  storage: Storage,
  { kafka, topic }: { kafka: string; topic: string },
  topicId: string,
  signal: AbortSignal,
): Promise<string | null> {
  const directory = `${CONTROL}/lost/${quoteSegment(kafka)}/${quoteSegment(topic)}`;
  // Their names are instants: the first one that names the topic is of when it came.
  const paths = (await storage.list(directory, signal)).map(({ path }) => path).sort();
  for (const path of paths) {
    const bytes = await storage.read(path, signal);
    if (!bytes) continue;
    const record = JSON.parse(bytes.toString('utf8')) as { topicId?: string | null; lastBatch?: string };
    if (record.topicId === topicId) return record.lastBatch ?? null;
  }
  return null;
}
