import pc from 'picocolors';
import { verifyStatusQuery, verifyUpdate } from '../../workflows/reread-messages.js';
import type {
  OffsetFinding,
  VerifyRequest,
  VerifyResult,
  VerifyStatus,
} from '../../workflows/verify-types.js';
import { TributaryError } from '../../common/errors.js';
import type { TableSpec } from '../../config/spec.js';
import { parseInstant } from '../instant.js';
import { follow } from '../follow.js';
import { count, print, printJson, renderTable } from '../output.js';
import { sendUpdate } from '../send-update.js';
import { openSession, pickTables, temporalTarget } from '../session.js';
import { withTemporal } from '../temporal.js';

export interface VerifyOptions {
  config: string;
  id?: string;
  at?: string;
  repair?: boolean;
  log?: boolean;
  detach?: boolean;
  json?: boolean;
}

/** Compares a table with its source or its log; exit code 0 only if both were the same, or are so by the repair. */
export async function verify(table: string, options: VerifyOptions): Promise<void> {
  const session = await openSession(options.config);
  const spec = pickTables(session.specs, [table])[0]!;
  const request = requestOf(spec, options);
  const target = await temporalTarget(session.runtime.temporal);
  await withTemporal(target, async (client) => {
    const accepted = await sendUpdate(client, table, verifyUpdate, request);
    if (options.detach) {
      if (options.json) return printJson(accepted);
      return print(
        `${pc.bold(accepted.workflowId)}  ${accepted.state === 'known' ? 'was asked for before' : 'started'}`,
      );
    }
    const result = await follow<VerifyStatus, VerifyResult>(
      client,
      accepted.workflowId,
      verifyStatusQuery,
      ({ done, of, what }) =>
        what === 'snapshot' ? 'reading both sides' : `${done} of ${of} parts compared`,
    );
    if (options.json) printJson(result);
    else print(result.what === 'snapshot' ? snapshotText(result) : logText(result));
    const repaired = typeof result.snapshot?.repaired === 'number';
    if (result.outcome !== 'equal' && !repaired) process.exitCode = 1;
  });
}

function requestOf(spec: TableSpec, options: VerifyOptions): VerifyRequest {
  const id = options.id ?? new Date().toISOString().replace(/[-:.]/g, '').slice(0, 18);
  const snapshot = spec.bootstrap !== undefined && options.log !== true;
  if (!snapshot && (options.at !== undefined || options.repair === true)) {
    throw new TributaryError({
      code: 'VerifyInvalid',
      message: `--at and --repair are for snapshots of mirrors with a \`bootstrap\`; the log of ${spec.name} is compared as a whole.`,
    });
  }
  if (!snapshot) return { id, what: 'log' };
  const atMs = options.at === undefined ? null : parseInstant(options.at, spec.timezone);
  return { id, what: 'snapshot', atMs, repair: options.repair ?? false };
}

function snapshotText(result: VerifyResult): string {
  const { snapshot } = result;
  const color = result.outcome === 'equal' ? pc.green : pc.red;
  const lines = [`${pc.bold(result.table)} and its source: ${color(result.outcome)}`];
  if (result.message !== null) lines.push(`  ${result.message}`);
  if (!snapshot) return lines.join('\n');
  lines.push(
    `  snapshot ${snapshot.name}: ${count(snapshot.mirrorRows)} rows`,
    `  source ${snapshot.source}: ${count(snapshot.sourceRows)} rows`,
  );
  if (snapshot.sampled !== null) lines.push(`  ${count(snapshot.sampled)} documents compared one by one`);
  if (snapshot.different !== 0) {
    lines.push(`  ${snapshot.different === null ? 'very many' : count(snapshot.different)} differ`, '');
  }
  const titles = [{ title: '' }, { title: 'side' }, { title: 'row' }];
  const rows = snapshot.differences.flatMap((difference) => [
    [difference.kind, 'source', rowText(difference.source, difference.columns)],
    ['', 'snapshot', rowText(difference.mirror, difference.columns)],
  ]);
  if (rows.length > 0) lines.push(renderTable(titles, rows));
  if (snapshot.more) lines.push('and more');
  if (snapshot.repaired !== null) {
    lines.push('', `repaired as revision ${snapshot.repaired}; later snapshots are made anew from it`);
  }
  return lines.join('\n');
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

function logText(result: VerifyResult): string {
  const { log } = result;
  const color = result.outcome === 'equal' ? pc.green : pc.red;
  const lines = [`${pc.bold(result.table)} and its log: ${color(result.outcome)}`];
  if (result.message !== null) lines.push(`  ${result.message}`);
  if (!log) return lines.join('\n');
  lines.push(
    `  ${count(log.records)} records in ${count(log.offsets)} offsets: ${count(log.landed)} landed, ` +
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
