import type {
  BackfillInput,
  BackfillOutline,
  BackfillProgress,
  BackfillResult,
  RebuildResult,
  Refused,
} from './backfill-types.js';

/** The decisions of a backfill as pure functions. */

/** Failures and refusals that history keeps by name; the others are counted. */
const NAMED = 200;

export function newProgress(pin: string, nowMs: number): BackfillProgress {
  return {
    startedMs: nowMs,
    outline: null,
    pin,
    wave: 0,
    ...{ rebuilt: 0, unchanged: 0, replaced: 0, kept: 0, fresh: 0, notAdded: 0 },
    failed: [],
    failedCount: 0,
    firstMs: null,
  };
}

export function planned(progress: BackfillProgress, outline: BackfillOutline): BackfillProgress {
  return { ...progress, outline, pin: outline.pin };
}

/** A partition has its new content, or had nothing to change. */
export function rebuilt(
  progress: BackfillProgress,
  startMs: number,
  result: RebuildResult,
  moved: boolean,
): BackfillProgress {
  return {
    ...progress,
    rebuilt: progress.rebuilt + (moved ? 1 : 0),
    unchanged: progress.unchanged + (moved ? 0 : 1),
    replaced: progress.replaced + result.replaced,
    kept: progress.kept + result.kept,
    fresh: progress.fresh + result.fresh,
    notAdded: progress.notAdded + result.notAdded,
    firstMs: moved ? Math.min(progress.firstMs ?? startMs, startMs) : progress.firstMs,
  };
}

/** Partitions that stay as they are because something went wrong. */
export function failed(progress: BackfillProgress, partitions: string[], reason: string): BackfillProgress {
  const added: Refused[] = partitions.map((partition) => ({ partition, reason }));
  return {
    ...progress,
    failed: [...progress.failed, ...added].slice(0, NAMED),
    failedCount: progress.failedCount + partitions.length,
  };
}

export function resultOf(
  { table, request }: BackfillInput,
  progress: BackfillProgress,
  end: { cancelled?: boolean; message?: string },
): BackfillResult {
  const { outline, rebuilt, unchanged, replaced, kept, fresh, notAdded, firstMs } = progress;
  const refusedCount = (outline?.refusedCount ?? 0) + progress.failedCount;
  const ended = end.cancelled ? 'cancelled' : end.message !== undefined ? 'failed' : undefined;
  return {
    id: request.id,
    table,
    outcome: ended ?? (refusedCount > 0 ? 'partial' : 'done'),
    message: end.message ?? null,
    partitions: outline?.partitions ?? 0,
    ...{ rebuilt, unchanged, replaced, kept, fresh, notAdded },
    refused: [...progress.failed, ...(outline?.refused ?? [])].slice(0, NAMED),
    refusedCount,
    firstMs,
  };
}

/** Markdown for the details panel. */
export function backfillDetails({ table, request }: BackfillInput, progress: BackfillProgress): string {
  const { outline } = progress;
  const at = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z');
  const lines = [
    `| backfill of ${table} | |`,
    '|---|---|',
    `| interval | ${at(request.fromMs)} to ${at(request.toMs)} |`,
    `| partitions | ${outline ? `${progress.rebuilt + progress.unchanged} of ${outline.taken}` : 'being planned'} |`,
    `| rows read again | ${progress.fresh.toLocaleString('en-US')} |`,
    `| rows kept | ${progress.kept.toLocaleString('en-US')} |`,
  ];
  const refused = (outline?.refusedCount ?? 0) + progress.failedCount;
  if (refused > 0) lines.push(`| not rebuilt | ${refused} |`);
  const named = [...progress.failed, ...(outline?.refused ?? [])].slice(0, 20);
  return [...lines, '', ...named.map(({ partition, reason }) => `- ${partition}: ${reason}`)].join('\n');
}
