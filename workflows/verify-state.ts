import type { LogProgress, OffsetsReport, VerifiedNote, VerifyInput, VerifyResult } from './verify-types.js';

/** Findings that a result carries; all are counted. */
const LISTED = 50;

export const nothingCompared: OffsetsReport = {
  ...{ records: 0, landed: 0, quarantined: 0, without: 0 },
  faults: { missing: 0, twice: 0, fewer: 0, stray: 0 },
  findings: [],
};

/** Two parts of a comparison together. */
export function addReports(a: OffsetsReport, b: OffsetsReport): OffsetsReport {
  return {
    records: a.records + b.records,
    landed: a.landed + b.landed,
    quarantined: a.quarantined + b.quarantined,
    without: a.without + b.without,
    faults: {
      missing: a.faults.missing + b.faults.missing,
      twice: a.faults.twice + b.faults.twice,
      fewer: a.faults.fewer + b.faults.fewer,
      stray: a.faults.stray + b.faults.stray,
    },
    findings: [...a.findings, ...b.findings].slice(0, LISTED),
  };
}

export function logResult(
  { table, request }: VerifyInput,
  { plan, report }: LogProgress,
  end: { cancelled?: boolean; message?: string } = {},
): VerifyResult {
  const wrong = Object.values(report.faults).some((n) => n > 0);
  const { compared, leftOut, offsets } = plan ?? { compared: '', leftOut: [], offsets: 0 };
  // Whoever reads "equal" goes home; where nothing could be compared nobody knows.
  const nothing = !end.cancelled && offsets === 0 && leftOut.length > 0;
  const message = end.message ?? (nothing ? 'Nothing could be compared, for the reasons below.' : undefined);
  const ended = end.cancelled ? 'cancelled' : message !== undefined ? 'failed' : undefined;
  return {
    id: request.id,
    table,
    what: request.what,
    outcome: ended ?? (wrong ? 'different' : 'equal'),
    message: message ?? null,
    log: { ...report, compared, leftOut, offsets },
  };
}

/** What the table remembers of a verification. */
export function noteOf(result: VerifyResult, endedMs: number): VerifiedNote {
  const { id, what, outcome } = result;
  return { id, what, outcome, endedMs, found: foundText(result) };
}

function foundText({ log, snapshot, message }: VerifyResult): string {
  const n = (number: number): string => number.toLocaleString('en-US');
  const several = (number: number, what: string): string => `${n(number)} ${what}${number === 1 ? '' : 's'}`;
  if (snapshot) {
    const differ = snapshot.different === null ? 'very many' : n(snapshot.different);
    const repaired = snapshot.repaired === null ? '' : `, repaired as revision ${snapshot.repaired}`;
    return `${snapshot.name}: ${several(snapshot.mirrorRows, 'row')}, ${n(snapshot.sourceRows)} at the source, ${differ} differ${repaired}`;
  }
  if (log && log.offsets > 0) {
    const wrong = Object.entries(log.faults).filter(([, count]) => count > 0);
    const faults = wrong.map(([kind, count]) => `, ${n(count)} ${kind}`).join('');
    return `${several(log.records, 'record')} of the log${faults}`;
  }
  return message ?? '';
}
