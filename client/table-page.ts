import pc from 'picocolors';
import { TributaryError } from '../common/errors.js';
import { formatInstant } from '../common/zone.js';
import type { PauseNote } from '../workflows/table-types.js';
import type { LagKnown } from './freshness.js';
import { count, counted, seconds } from './output.js';
import type { TableOverview } from './overview.js';

/** What `status` says below tables whose numbers are old. */
export const STALE_WORDS =
  'stale: numbers of that long ago. Tables hear of their topic every minute, or when a batch has ended; nothing is heard without a worker.';

/** How long ago an instant was: `1h5m`. */
export const age = (ms: number, nowMs = Date.now()): string =>
  seconds(Math.max(0, Math.round((nowMs - ms) / 1_000)));

export const ago = (ms: number, nowMs = Date.now()): string => `${age(ms, nowMs)} ago`;

/** Says of numbers how old they are. */
export function staleText(seenMs: number | null): string {
  return pc.yellow(
    seenMs === null ? 'stale: of how long ago is not known' : `stale: they are of ${ago(seenMs)}`,
  );
}

/** How far a table is behind, or why nobody can tell. */
export function lagText({ lagRecords, lagSeconds, lagUnknown }: LagKnown): string {
  if (lagRecords === null) {
    return lagUnknown ? `unknown (${lagUnknown.code}: ${lagUnknown.message})` : NOT_YET;
  }
  return `${counted(lagRecords, 'record')}${lagSeconds === null ? '' : `, ${seconds(lagSeconds)}`}`;
}

/** Since when and why a table is held: whoever finds it so asks that first. */
export function pauseText({ sinceMs, reason }: PauseNote, zone: string): string {
  const since = `since ${formatInstant(Math.floor(sinceMs / 1_000) * 1_000, zone)} (${ago(sinceMs)})`;
  return reason === null ? `${since}, no reason was given` : `${since}: ${reason}`;
}

/** Of a number that the table's topic has not told it since it started. */
export const NOT_YET = 'not known yet';

/** A name and what is known of it, one line each. */
export function pageText(title: string, rows: [string, string][]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  return [pc.bold(title), ...rows.map(([name, value]) => `  ${pc.dim(name.padEnd(width))}  ${value}`)].join(
    '\n',
  );
}

interface PageOptions {
  /** The table's. */
  zone: string;
  /** Its workflow, for people. */
  link: string;
}

/** The story of a table that was stopped, or whose workflow ended otherwise. */
export function endedPage(
  table: TableOverview,
  { zone, link, inConfig, hive }: PageOptions & { inConfig: boolean; hive: boolean },
): string {
  const { endedMs, phase, fault } = table;
  const when = endedMs === null ? '' : ` ${ago(endedMs)}, ${formatInstant(endedMs, zone)}`;
  const start = `tributary start ${table.table}`;
  return [
    pageText(table.table, [['phase', `${phase}${when}`], ...keptRows(table, zone), ['workflow', link]]),
    '',
    `  This is what was known when it ${phase === 'stopped' ? 'stopped' : `ended (${phase})`}. Nothing is read for it since; its data stay ${hive ? 'in Hive' : 'where they are'}, its positions in storage.`,
    ...(fault ? [`  It could not go on then: ${fault.code}: ${fault.message}`] : []),
    inConfig
      ? `  Start it again: ${start}. It goes on where it was, as long as Kafka still has what came since.`
      : `  It is not in the config. To go on where it was: put it back, then ${start}.`,
  ].join('\n');
}

/** What Temporal itself keeps of a table that runs and does not answer. */
export function unansweredPage(
  table: TableOverview,
  { zone, link, why }: PageOptions & { why: string },
): string {
  const { phase, fault } = table;
  const rows: [string, string][] = [
    ['phase', phase],
    ...(table.pause ? ([['paused', pauseText(table.pause, zone)]] satisfies [string, string][]) : []),
    ...(table.stale ? ([['numbers', staleText(table.seenMs)]] satisfies [string, string][]) : []),
    ['lag', lagText(table)],
    ...keptRows(table, zone),
    ['workflow', link],
  ];
  return [
    pageText(table.table, rows),
    '',
    `${pc.red('WorkerMissing')}: ${why}`,
    '  This is what Temporal keeps; more is told when a worker answers.',
    ...(fault
      ? ['', `${pc.red(fault.code)} since ${formatInstant(fault.sinceMs, zone)}`, `  ${fault.message}`]
      : []),
  ].join('\n');
}

function keptRows(table: TableOverview, zone: string): [string, string][] {
  const { source, mode, rows, quarantined, lastComplete, completeThroughMs, lastSnapshot } = table;
  return [
    ['source', `${source} (${mode})`],
    ['rows', rows === null ? NOT_YET : count(rows)],
    ['quarantined', quarantined === null ? NOT_YET : count(quarantined)],
    ['last complete', lastComplete ?? 'none yet'],
    ['complete through', completeThroughMs === null ? 'not known' : formatInstant(completeThroughMs, zone)],
    ...(lastSnapshot === null ? [] : ([['last snapshot', lastSnapshot]] satisfies [string, string][])),
  ];
}

/** Of a table of the config that Temporal knows nothing of. */
export function neverStarted(table: string): TributaryError {
  return new TributaryError({
    code: 'TableNotRunning',
    message:
      `${table} does not run, and Temporal knows of no earlier run of it: it was never started, or stopped so long ago that ` +
      `its history was deleted. Start it with: tributary start ${table}`,
    attributes: { table },
  });
}
