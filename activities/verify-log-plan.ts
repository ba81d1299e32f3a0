import { splitAt, sizeOf, unionOf, type OffsetSet } from '../common/offset-ranges.js';
import type { TopicPositions } from '../kafka/types.js';
import type { StoredPositions } from '../warehouse/manifest.js';
import type { Positions, StoredMembers } from '../workflows/ingest-types.js';

/**
 * Offsets that a table has landed and Kafka still has: from the log's start to where the table stands, but for what it has
 * still to catch up. Pure.
 * @param stored what storage says of the topic; read before the landed files are listed
 */
export function comparable(
  table: string,
  stored: Pick<StoredPositions, 'positions' | 'members'> | undefined,
  seen: TopicPositions,
): { offsets: OffsetSet; leftOut: string[] } {
  const member = (stored?.members as StoredMembers | undefined)?.[table];
  if (!stored || !member) return { offsets: {}, leftOut: ['the table has landed nothing yet'] };
  const leftOut: string[] = [];
  const ends: Positions = member.status === 'paused' ? (member.pausedAt ?? {}) : stored.positions;
  const all: OffsetSet = {};
  for (const { partition, logStart } of seen.partitions) {
    const end = ends[partition];
    if (end !== undefined && end > logStart) all[partition] = [[logStart, end]];
    if (logStart > 0) leftOut.push(`partition ${partition} below ${logStart}: Kafka has deleted it`);
  }
  let offsets = all;
  for (const lane of member.lanes) {
    for (const [name, until] of Object.entries(lane.until)) {
      const partition = Number(name);
      const own = offsets[partition];
      if (!own) continue;
      // The lane may stand beyond what is stored here: leaving out more than it owes is harmless.
      const from = lane.positions[partition] ?? 0;
      const before = splitAt({ [partition]: own }, { [partition]: from }).below;
      const after = splitAt({ [partition]: own }, { [partition]: until }).above;
      const left = unionOf([before, after]);
      const lost = sizeOf({ [partition]: own }) - sizeOf(left);
      if (lost > 0)
        leftOut.push(`partition ${partition} from ${from} to ${until}: the table is catching up there`);
      offsets = { ...offsets, [partition]: left[partition] ?? [] };
    }
  }
  return { offsets: unionOf([offsets]), leftOut };
}
