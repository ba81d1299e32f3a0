import pc from 'picocolors';
import { formatInstant } from '../common/zone.js';
import type { BackfillStatus } from '../workflows/backfill-types.js';
import { progressText } from '../workflows/bootstrap-state.js';
import type { TopicStatus } from '../workflows/messages.js';
import type { Replay } from '../workflows/replay-types.js';
import type { BootstrapBase } from '../workflows/bootstrap-types.js';
import type { TableStatus } from '../workflows/table-types.js';
import { backfillRows } from './backfill-text.js';
import { count, counted, seconds } from './output.js';
import { stuckText, type StuckActivity } from './stuck.js';
import { lagText, NOT_YET, pageText, pauseText, staleText } from './table-page.js';

type Row = [string, string];

/** What the page of a table that runs needs beside the table's own words. */
interface About {
  topic: TopicStatus | undefined;
  stuck: StuckActivity[];
  seenMs: number | null;
  stale: boolean;
  /** The table's. */
  zone: string;
  /** Fields of the config file that are not what the table runs by; undefined if that is not known. */
  drift: string[] | undefined;
  /** Of the backfill that runs. */
  backfill: BackfillStatus | undefined;
  link: string;
  topicLink: string;
}

const DRIFT_SHOWN = 4;

/** The whole story of a table that runs. Pure. */
export function runningPage(state: TableStatus, about: About): string {
  const { topic, stuck, seenMs, stale, zone } = about;
  const { progress, table: name } = state;
  const member = topic?.members[name];
  const rows: Row[] = [
    ['phase', phaseText(state)],
    ...(state.pause ? [['paused', pauseText(state.pause, zone)] satisfies Row] : []),
    ['source', `${state.source} (${state.format})`],
    ...configRows(state, about.drift ?? []),
    ...(state.bootstrap ? [['bootstrap', progressText(state.bootstrap)] satisfies Row] : []),
    ...(state.bootstrap?.warning ? [['', state.bootstrap.warning] satisfies Row] : []),
    ...(state.base ? [['base', baseText(state.base, zone)] satisfies Row] : []),
    ...(stale ? [['numbers', staleText(seenMs)] satisfies Row] : []),
    ['rows', progress ? count(progress.rows) : NOT_YET],
    ['quarantined', progress ? quarantined(name, progress.quarantined) : NOT_YET],
    ['lag', progress ? lagText(progress) : NOT_YET],
    ['last complete', progress?.lastCompletePartition ?? 'none yet'],
    [
      'complete through',
      typeof progress?.completeThroughMs === 'number'
        ? formatInstant(progress.completeThroughMs, zone)
        : NOT_YET,
    ],
    ...snapshotRows(state.snapshots, zone),
    ...backfillRows(state.backfill, about.backfill, zone),
    ['commit', String(topic?.seq ?? '')],
    ['positions', topic ? positionsText(topic.positions) : ''],
    ...(member?.lanes ?? []).map((lane): Row => [
      'catching up',
      `${positionsText(lane.positions)} of ${positionsText(lane.until)}`,
    ]),
    ...(member?.replays ?? []).slice(-1).map((replay): Row => ['last replay', replayText(replay)]),
    ...verifiedRows(state.verified, zone),
    ...lossRows(name, topic, zone),
    ['pinned spec', state.pin ?? ''],
    ['workflow', about.link],
    ['topic workflow', about.topicLink],
  ];
  const lines = [pageText(name, rows)];
  if (state.fault)
    lines.push(
      '',
      `${pc.red(state.fault.code)} since ${formatInstant(state.fault.sinceMs, zone)}`,
      `  ${state.fault.message}`,
    );
  for (const s of stuck)
    lines.push(
      '',
      `${pc.yellow(s.code)} in ${stuckText(s, Date.now())}; it is tried again by itself`,
      `  ${s.message}`,
    );
  return lines.join('\n');
}

/** The same word as the list of all tables has. */
export function phaseText({ phase, shownPhase, stopping, progress, fault }: TableStatus): string {
  if (stopping) return 'stopping';
  // A table of an older version does not say what is shown.
  const shown = (shownPhase as string | undefined) ?? (fault ? 'waiting' : phase);
  if (shown === 'waiting') return pc.red(shown);
  return shown === 'running' && progress?.phase === 'catching-up' ? 'catching-up' : shown;
}

/** A config that is not what rows land by: refused, on its way, or only in the file. */
function configRows({ table, source, configPending, reads, fault }: TableStatus, drift: string[]): Row[] {
  const rows: Row[] = [];
  if (configPending) {
    const why = fault ? `cannot be applied (${fault.code} below)` : 'is being applied';
    const elsewhere = reads && reads !== source;
    rows.push([
      'config',
      pc.yellow(
        elsewhere
          ? `what start said last ${why}: the table has left ${reads} and does not read ${source} yet`
          : `what start said last ${why}: the table goes on by the config before it`,
      ),
    ]);
  }
  if (drift.length > 0) {
    const more = drift.length > DRIFT_SHOWN ? ` and ${drift.length - DRIFT_SHOWN} more` : '';
    const fields = `${drift.slice(0, DRIFT_SHOWN).join(', ')}${more}`;
    rows.push([
      configPending ? '' : 'config',
      pc.yellow(
        `the file says something else (${fields}), which is not applied: the table goes on by the config that it has; ` +
          `tributary start ${table} --dry-run says what would happen`,
      ),
    ]);
  }
  return rows;
}

function verifiedRows(verified: TableStatus['verified'] | undefined, zone: string): Row[] {
  if (!verified) return [];
  const { id, what, outcome, endedMs, found } = verified;
  const word = outcome === 'equal' ? pc.green(outcome) : outcome === 'cancelled' ? outcome : pc.red(outcome);
  const when = formatInstant(Math.floor(endedMs / 1_000) * 1_000, zone);
  return [
    [
      'last verification',
      `${word} with its ${what === 'log' ? 'log' : 'source'} at ${when} (${id})${found === '' ? '' : `; ${found}`}`,
    ],
  ];
}

/** What people have given up of the topic while the table read it. */
function lossRows(table: string, topic: TopicStatus | undefined, zone: string): Row[] {
  const losses = (topic?.losses ?? []).filter(({ tables }) => tables.includes(table));
  return losses.map(({ atMs, lost, record }): Row => {
    const parts = lost.map(({ partition, from, to }) =>
      to === null
        ? `partition ${partition} from ${from} on (the topic was made anew)`
        : `partition ${partition}: ${counted(to - from, 'offset')}, ${from} up to ${to}`,
    );
    const when = formatInstant(Math.floor(atMs / 1_000) * 1_000, zone);
    return ['accepted loss', `${pc.yellow(parts.join('; '))}; at ${when}, written down in ${record}`];
  });
}

function baseText({ rows, boundaryMs }: BootstrapBase, zone: string): string {
  return `${counted(rows, 'row')} of the source as of ${formatInstant(boundaryMs, zone)}`;
}

function snapshotRows(snapshots: TableStatus['snapshots'], zone: string): Row[] {
  if (!snapshots) return [];
  const { last, running, remake, nextMs } = snapshots;
  return [
    [
      'last snapshot',
      last
        ? `${last.name} (revision ${last.revision}): ${counted(last.rows, 'row')}, +${count(last.inserted)} ~${count(last.updated)} -${count(last.deleted)}, made in ${seconds(Math.round(last.tookMs / 1000))}`
        : 'none yet',
    ],
    ...(last ? ([['engine', last.reason]] as Row[]) : []),
    ...(running ? ([['making', running.name]] as Row[]) : []),
    ...(remake ? ([['made anew', `boundaries after ${formatInstant(remake.fromMs, zone)}`]] as Row[]) : []),
    ['next boundary', nextMs === null ? NOT_YET : formatInstant(nextMs, zone)],
  ];
}

function replayText({ id, status, tried, landed, message }: Replay): string {
  if (status === 'done') return `${count(landed)} of ${counted(tried, 'record')} landed (${id})`;
  return `${status}${message === undefined ? '' : `: ${message}`} (${id})`;
}

function quarantined(table: string, records: number): string {
  return records === 0 ? '0' : `${pc.yellow(count(records))}  (tributary quarantine show ${table})`;
}

function positionsText(positions: Record<number, number>): string {
  return Object.entries(positions)
    .map(([partition, offset]) => `${partition}:${offset}`)
    .join(' ');
}
