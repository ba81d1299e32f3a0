import { formatInstant } from '../common/zone.js';
import type { BackfillMemory, BackfillStatus } from '../workflows/backfill-types.js';
import { count } from './output.js';

/** How far a running backfill is, in a few words. */
export function progressWords(status: BackfillStatus): string {
  if (!status.outline) return 'planning';
  const done = status.rebuilt + status.unchanged + status.failedCount;
  return `${count(done)} of ${count(status.outline.taken)} partitions, ${count(status.fresh)} rows read again`;
}

/**
 * Lines of `status` about a table's backfills: the one that runs, or else the last one; and a request that was refused since.
 * @param progress of the running one; undefined if it does not answer
 * @param zone the table's, in which people named the interval
 */
export function backfillRows(
  memory: BackfillMemory | null,
  progress: BackfillStatus | undefined,
  zone: string,
): [string, string][] {
  if (!memory) return [];
  const { running, recent, refused } = memory;
  const last = recent.at(-1);
  const rows: [string, string][] = [];
  if (running) {
    const how = progress ? progressWords(progress) : 'it does not answer';
    rows.push(['backfill', `${running.id}, ${interval(running, zone)}: ${how}`]);
  } else if (last) {
    rows.push([
      'last backfill',
      `${last.id}, ${interval(last, zone)}: ${last.outcome}, ${count(last.rebuilt)} partitions rebuilt`,
    ]);
  }
  if (refused) rows.push(['refused', `backfill ${refused.id}: ${refused.message}`]);
  return rows;
}

function interval({ fromMs, toMs }: { fromMs: number; toMs: number }, zone: string): string {
  return `${formatInstant(fromMs, zone)} up to ${formatInstant(toMs, zone)}`;
}
