import type { Member } from './ingest-types.js';

/** Why a table must not go on landing, if its quarantine has passed what its config allows. */
export function overLimit(
  member: Member,
  batch: { rows: number; quarantined: number },
): { code: string; message: string } | undefined {
  const { maxRecords, maxShare } = member.quarantineLimit;
  const since = member.quarantined - member.quarantineAccepted;
  const share = batch.quarantined / Math.max(1, batch.rows + batch.quarantined);
  const over: string[] = [];
  if (maxRecords !== undefined && since > maxRecords) over.push(`${since} records (allowed: ${maxRecords})`);
  if (maxShare !== undefined && share > maxShare) {
    over.push(`${(share * 100).toFixed(1)} % of the last batch (allowed: ${(maxShare * 100).toFixed(1)} %)`);
  }
  if (over.length === 0) return undefined;
  return {
    code: 'QuarantineLimit',
    message:
      `The quarantine of ${member.table} has grown by ${over.join(' and ')}. The table is held where it stands. Look at ` +
      `${member.table}_quarantine, mend the config or the source, then: tributary resume ${member.table}`,
  };
}
