import pc from 'picocolors';
import { verifyStatusQuery, verifyUpdate } from '../../workflows/reread-messages.js';
import type { OffsetFinding, VerifyResult, VerifyStatus } from '../../workflows/verify-types.js';
import { follow } from '../follow.js';
import { count, print, printJson, renderTable } from '../output.js';
import { sendUpdate } from '../send-update.js';
import { openSession, pickTables, temporalTarget } from '../session.js';
import { withTemporal } from '../temporal.js';

export interface VerifyOptions {
  config: string;
  id?: string;
  detach?: boolean;
  json?: boolean;
}

/** Compares a table with its log; exit code 0 only if both are the same. */
export async function verify(table: string, options: VerifyOptions): Promise<void> {
  const session = await openSession(options.config);
  pickTables(session.specs, [table]);
  const target = await temporalTarget(session.runtime.temporal);
  await withTemporal(target, async (client) => {
    const id = options.id ?? new Date().toISOString().replace(/[-:.]/g, '').slice(0, 18);
    const accepted = await sendUpdate(client, table, verifyUpdate, { id, what: 'log' });
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
      ({ done, of }) => `${done} of ${of} parts compared`,
    );
    if (options.json) printJson(result);
    else print(logText(result));
    if (result.outcome !== 'equal') process.exitCode = 1;
  });
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
