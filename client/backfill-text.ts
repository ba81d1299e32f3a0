import pc from 'picocolors';
import { formatInstant } from '../common/zone.js';
import type { TableSpec } from '../config/spec.js';
import type {
  BackfillMemory,
  BackfillOutline,
  BackfillRequest,
  BackfillResult,
  BackfillStatus,
} from '../workflows/backfill-types.js';
import { count, counted, renderTable } from './output.js';

/** A pointer moves in less, unless a batch or a fault of the topic comes before it. */
const SLOW_MS = 5_000;

/** How far a running backfill is, in a few words. */
export function progressWords(status: BackfillStatus, nowMs = Date.now()): string {
  const { outline, ordered, phase } = status;
  if (!outline) return phase === 'cancelling' ? 'is being cancelled' : 'planning';
  const done = status.rebuilt + status.unchanged + status.failedCount;
  const far = `${count(done)} of ${counted(outline.taken, 'partition')}, ${counted(status.fresh, 'row')} read again`;
  const waits =
    ordered && nowMs - ordered.sinceMs > SLOW_MS
      ? `waits for its topic to move ${ordered.partition}`
      : undefined;
  const ends = phase === 'cancelling' ? 'is being cancelled' : undefined;
  return [far, ends, waits].filter((words) => words !== undefined).join('; ');
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
      `${last.id}, ${interval(last, zone)}: ${last.outcome}, ${counted(last.rebuilt, 'partition')} rebuilt`,
    ]);
  }
  if (refused) rows.push(['refused', `backfill ${refused.id}: ${refused.message}`]);
  return rows;
}

function interval({ fromMs, toMs }: { fromMs: number; toMs: number }, zone: string): string {
  return `${formatInstant(fromMs, zone)} up to ${formatInstant(toMs, zone)}`;
}

/** What was asked for, as on the command line. */
export function argumentsText({ fromMs, toMs, acceptMissing }: BackfillRequest, zone: string): string {
  const range = `--from ${formatInstant(fromMs, zone)} --to ${formatInstant(toMs, zone)}`;
  return acceptMissing ? `${range} --accept-missing` : range;
}

/** What a backfill would do. */
export function planText(spec: TableSpec, request: BackfillRequest, outline: BackfillOutline): string {
  const time = (ms: number): string => formatInstant(ms, spec.timezone);
  const lines = [
    `${pc.bold(spec.name)}: partitions with event times from ${time(request.fromMs)} up to ${time(request.toMs)}`,
    '',
  ];
  if (outline.partitions === 0) return [...lines, 'no partition has rows in this interval'].join('\n');
  lines.push(
    renderTable(
      [
        { title: 'partition' },
        { title: 'rows', right: true },
        { title: 'bytes', right: true },
        { title: 'offsets', right: true },
        { title: '' },
        { title: 'read from' },
      ],
      outline.listed.map((p) => [
        p.partition,
        count(p.rows),
        count(p.bytes),
        p.taken ? count(p.offsets) : '',
        p.taken ? (p.verdict === 'partly' ? pc.yellow('in part') : pc.green('rebuild')) : pc.red('not'),
        p.taken ? `${p.ranges}${p.reason === null ? '' : `; ${p.reason}`}` : (p.reason ?? ''),
      ]),
    ),
  );
  const hidden = outline.partitions - outline.listed.length;
  if (hidden > 0) lines.push(`and ${count(hidden)} more`);
  lines.push(
    '',
    `${counted(outline.taken, 'partition')} with ${counted(outline.rows, 'row')} (${counted(outline.bytes, 'byte')}) would be rebuilt from ` +
      `${counted(outline.offsets, 'offset')} of ${spec.kafka}/${spec.topic}; ${count(outline.refusedCount)} cannot be.`,
  );
  return lines.join('\n');
}

/** What a backfill did. */
export function resultText(result: BackfillResult): string {
  const lines = [
    `${pc.bold(`backfill ${result.id}`)} of ${result.table}: ${result.outcome}`,
    `  ${counted(result.rebuilt, 'partition')} rebuilt, ${count(result.unchanged)} as they were`,
    `  ${counted(result.fresh, 'row')} read again in the place of ${count(result.replaced)}, ${count(result.kept)} kept`,
  ];
  if (result.notAdded > 0) {
    lines.push(
      `  ${counted(result.notAdded, 'record')} would be rows here by now and were not: they are in the quarantine or another partition`,
    );
  }
  if (result.message !== null) lines.push(`  ${result.message}`);
  if (result.refusedCount > 0) {
    lines.push('', `not rebuilt: ${counted(result.refusedCount, 'partition')}`);
    lines.push(...result.refused.map(({ partition, reason }) => `  ${partition}  ${reason}`));
  }
  return lines.join('\n');
}
