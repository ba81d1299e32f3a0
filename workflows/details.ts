import { progressText } from './bootstrap-state.js';
import { activeMembers } from './membership.js';
import { topicFault } from './lag.js';
import { progressOf } from './progress.js';
import type { BootstrapProgress } from './bootstrap-types.js';
import type { Fault, IngestState } from './ingest-types.js';
import type { TableProgress, TableState } from './table-types.js';
import type { TableSpec } from '../config/spec.js';

/** Markdown for the current-details panel of the Web UI. Pure, so that its words can be tested. */

const number = (n: number): string => n.toLocaleString('en-US');
const instant = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z');
const faultLine = (fault: Fault): string =>
  `**${fault.code}** since ${instant(fault.sinceMs)}: ${fault.message.split('\n', 1)[0] ?? ''}`;

const lagText = ({ lagRecords, lagSeconds, lagUnknown }: TableProgress): string =>
  lagRecords === null
    ? `not known: ${lagUnknown?.code ?? ''}`
    : `${number(lagRecords)} records${lagSeconds === null ? '' : `, ${number(lagSeconds)} s`}`;

export function tableDetails(spec: TableSpec, state: TableState): string {
  const progress = state.progress;
  const lines = [
    `| ${spec.name} | |`,
    '|---|---|',
    `| phase | ${state.phase}${progress && state.phase === 'running' ? ` (${progress.phase})` : ''} |`,
    `| source | ${spec.kafka} / ${spec.topic} (${spec.format}) |`,
  ];
  if (state.pause) {
    const why = state.pause.reason === null ? '' : `: ${state.pause.reason}`;
    lines.push(`| paused | since ${instant(state.pause.sinceMs)}${why} |`);
  }
  if (state.verified) {
    const { id, outcome, endedMs, found } = state.verified;
    lines.push(`| last verification | ${id} at ${instant(endedMs)}: ${outcome}; ${found} |`);
  }
  if (progress) {
    lines.push(
      `| lag | ${lagText(progress)} |`,
      `| last complete partition | ${progress.lastCompletePartition ?? 'none yet'} |`,
      `| complete through | ${progress.completeThroughMs === null ? 'not known yet' : instant(progress.completeThroughMs)} |`,
      `| rows | ${number(progress.rows)} |`,
      `| quarantined | ${number(progress.quarantined)} |`,
    );
  }
  if (state.bootstrap) lines.push(`| bootstrap | ${progressText(state.bootstrap)} |`);
  if (state.base) {
    lines.push(`| base | ${number(state.base.rows)} rows as of ${instant(state.base.boundaryMs)} |`);
  }
  if (spec.snapshot) lines.push(...snapshotLines(state.snapshots));
  lines.push(...backfillLines(state));
  if (state.bootstrap?.warning) lines.push('', state.bootstrap.warning);
  const fault = state.fault ?? progress?.fault ?? state.bootstrap?.fault ?? state.snapshots?.fault;
  if (fault) lines.push('', faultLine(fault));
  return lines.join('\n');
}

export function bootstrapDetails(spec: TableSpec, progress: BootstrapProgress): string {
  const lines = [
    `| ${spec.name} | |`,
    '|---|---|',
    `| reads | ${spec.bootstrap!.table} (${spec.bootstrap!.kind}) |`,
    `| phase | ${progress.phase} |`,
    `| progress | ${progressText(progress)} |`,
  ];
  if (progress.warning) lines.push('', progress.warning);
  if (progress.fault) lines.push('', faultLine(progress.fault));
  return lines.join('\n');
}

function snapshotLines(snapshots: TableState['snapshots']): string[] {
  const last = snapshots?.last;
  const lines = [
    `| last snapshot | ${
      last
        ? `${last.name}, revision ${last.revision}: ${number(last.rows)} rows (+${number(last.inserted)} ~${number(last.updated)} -${number(last.deleted)}) in ${number(Math.round(last.tookMs / 1000))} s`
        : (snapshots?.lastMs ?? null) === null
          ? 'none yet'
          : `of the boundary ${instant(snapshots!.lastMs!)}`
    } |`,
  ];
  if (last) lines.push(`| engine | ${last.reason} |`);
  if (snapshots?.running) lines.push(`| making | ${snapshots.running.name} |`);
  if (snapshots?.remake) {
    lines.push(`| made anew | snapshots of boundaries after ${instant(snapshots.remake.fromMs)} |`);
  }
  if (snapshots?.nextMs) lines.push(`| next boundary | ${instant(snapshots.nextMs)} |`);
  return lines;
}

/** The backfill that runs, or the last one; and why a request that came as a signal was refused. */
function backfillLines({ backfill }: TableState): string[] {
  if (!backfill) return [];
  const { running, recent, refused } = backfill;
  const last = recent.at(-1);
  const lines: string[] = [];
  if (running)
    lines.push(`| backfill | ${running.id} runs: ${instant(running.fromMs)} to ${instant(running.toMs)} |`);
  else if (last)
    lines.push(
      `| last backfill | ${last.id}: ${last.outcome}, ${number(last.rebuilt)} ${last.rebuilt === 1 ? 'partition' : 'partitions'} rebuilt |`,
    );
  if (refused) lines.push('', `Backfill ${refused.id} was refused: ${refused.message}`);
  return lines;
}

export function topicDetails(kafka: string, topic: string, state: IngestState, nowMs: number): string {
  const lines = [
    `${kafka} / ${topic}: commit ${number(state.seq)}, next at ${Object.entries(state.positions)
      .map(([p, offset]) => `${p}:${offset}`)
      .join(' ')}`,
    '',
    '| table | phase | lag | rows | quarantined | last complete |',
    '|---|---|---|---|---|---|',
  ];
  const shown = Object.values(state.members).slice(0, 50);
  for (const member of shown) {
    const progress = progressOf(state, member, nowMs);
    lines.push(
      `| ${member.table} | ${progress.phase} | ${lagText(progress)} | ${number(member.rows)} | ${number(member.quarantined)} | ${member.lastCompletePartition ?? ''} |`,
    );
  }
  const hidden = Object.keys(state.members).length - shown.length;
  if (hidden > 0) lines.push(`| and ${hidden} more | | | | | |`);
  if (activeMembers(state).length === 0) lines.push('', 'No table reads this topic now.');
  const fault = topicFault(state);
  if (fault) lines.push('', faultLine(fault));
  return lines.join('\n');
}
