import pc from 'picocolors';
import { boundaryAtOrBefore, formatInstant } from '../common/zone.js';
import type { TableSpec } from '../config/spec.js';
import { madeAnewFrom } from '../warehouse/snapshot/boundary.js';
import type {
  OffsetFinding,
  SnapshotReport,
  VerifyRequest,
  VerifyResult,
} from '../workflows/verify-types.js';
import { count, counted, renderTable } from './output.js';

/** What to tell a person who asked for an instant and got an older snapshot than the calendar has for it; undefined if not so. */
export function olderThanAsked(
  { table, snapshot }: VerifyResult,
  { atMs = null }: VerifyRequest,
  { timezone, snapshot: calendar }: Pick<TableSpec, 'timezone' | 'snapshot'>,
): string | undefined {
  if (atMs === null || !snapshot || !calendar) return undefined;
  const due = boundaryAtOrBefore(atMs, timezone, calendar.every);
  if (snapshot.boundaryMs >= due) return undefined;
  return (
    `${table} has no snapshot of ${formatInstant(due, timezone)}, the last boundary at or before the instant that you named: it is not made yet, ` +
    `or not kept any more. The older one of ${formatInstant(snapshot.boundaryMs, timezone)} (${snapshot.name}) was compared`
  );
}

/** What was asked for, as on the command line. */
export function argumentsText({ what, atMs = null, repair = false }: VerifyRequest, zone: string): string {
  if (what === 'log') return '--log';
  const at = atMs === null ? 'the newest snapshot' : `--at ${formatInstant(atMs, zone)}`;
  return repair ? `${at} --repair` : at;
}

/** What a comparison of a snapshot with its source found, and what to do about it. */
export function snapshotText(result: VerifyResult): string {
  const { snapshot } = result;
  const color = result.outcome === 'equal' ? pc.green : pc.red;
  const lines = [`${pc.bold(result.table)} and its source: ${color(result.outcome)}`];
  if (result.message !== null) lines.push(`  ${result.message}`);
  if (!snapshot) return lines.join('\n');
  lines.push(
    `  snapshot ${snapshot.name}: ${counted(snapshot.mirrorRows, 'row')}`,
    `  source ${snapshot.source}: ${counted(snapshot.sourceRows, 'row')}`,
  );
  if (snapshot.sampled !== null) lines.push(`  ${counted(snapshot.sampled, 'document')} compared one by one`);
  if (snapshot.different !== 0) {
    lines.push(`  ${snapshot.different === null ? 'very many' : count(snapshot.different)} differ`, '');
  }
  const titles = [{ title: '' }, { title: 'side' }, { title: 'row' }];
  const rows = snapshot.differences.flatMap(({ kind, source, mirror, columns, copies = [] }) => [
    [kind, 'source', rowText(source, columns)],
    ['', 'snapshot', rowText(mirror, columns)],
    ...copies.map((copy) => ['', 'snapshot', rowText(copy, columns)]),
  ]);
  if (rows.length > 0) lines.push(renderTable(titles, rows));
  if (snapshot.more) lines.push('and more');
  if (snapshot.repaired !== null) {
    lines.push('', `repaired as revision ${snapshot.repaired}; later snapshots are made anew from it`);
  } else lines.push(...wayOut(result.table, snapshot));
  return lines.join('\n');
}

/** What a person does about a snapshot that is not as it should be. */
function wayOut(
  table: string,
  { name, boundaryMs, different, files, sourceRows, mirrorRows }: SnapshotReport,
): string[] {
  const right = different === 0 && sourceRows === mirrorRows;
  if (right && !files) return [];
  const at = new Date(boundaryMs).toISOString().replace('.000Z', 'Z');
  return [
    '',
    ...(files ? [`  ${files}`] : []),
    ...(right ? ['  its rows are right, but no later snapshot can be made of these files'] : []),
    `  to put ${name} right: tributary verify ${table} --at ${at} --repair`,
    `  or make it and those after it anew from the one before it and the log: tributary snapshot ${table} --from ${madeAnewFrom(boundaryMs)}`,
  ];
}

/** What differs is in bold. */
function rowText(row: Record<string, string | null> | null, columns: string[]): string {
  if (!row) return pc.dim('not there');
  return Object.entries(row)
    .map(([name, text]) => {
      const shown = `${name}=${text ?? 'NULL'}`;
      return columns.includes(name) ? pc.bold(shown) : shown;
    })
    .join(' ');
}

const WORDS: Record<OffsetFinding['kind'], string> = {
  missing: 'neither a row nor quarantined',
  twice: 'there more than once',
  fewer: 'fewer rows than the record has',
  stray: 'rows of no record of the log',
};

/** What a comparison of landed rows with the log found. */
export function logText(result: VerifyResult): string {
  const { log } = result;
  const color = result.outcome === 'equal' ? pc.green : pc.red;
  const lines = [`${pc.bold(result.table)} and its log: ${color(result.outcome)}`];
  if (result.message !== null) lines.push(`  ${result.message}`);
  if (!log) return lines.join('\n');
  lines.push(
    `  ${counted(log.records, 'record')} in ${counted(log.offsets, 'offset')}: ${count(log.landed)} landed, ` +
      `${count(log.quarantined)} quarantined, ${count(log.without)} with nothing for this table`,
    `  compared ${log.compared === '' ? 'nothing' : log.compared}`,
    ...log.leftOut.map((text) => `  not compared: ${text}`),
  );
  const wrong = Object.entries(log.faults).filter(([, n]) => n > 0);
  if (wrong.length === 0) return lines.join('\n');
  lines.push('', ...wrong.map(([kind, n]) => `  ${count(n)} ${WORDS[kind as OffsetFinding['kind']]}`), '');
  lines.push(
    renderTable(
      [
        { title: 'partition', right: true },
        { title: 'offset', right: true },
        { title: 'rows', right: true },
        { title: 'expected', right: true },
        { title: 'quarantined' },
        { title: '' },
      ],
      log.findings.map((f) => [
        String(f.partition),
        String(f.offset),
        String(f.rows),
        String(f.expected),
        f.quarantined ? 'yes' : '',
        WORDS[f.kind],
      ]),
    ),
  );
  const hidden = wrong.reduce((sum, [, n]) => sum + n, 0) - log.findings.length;
  if (hidden > 0) lines.push(`and ${count(hidden)} more`);
  return lines.join('\n');
}
