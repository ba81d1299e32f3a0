import { TributaryError } from '../common/errors.js';
import type { SourceTable } from '../sources/mysql-table.js';
import type { SnapshotDifference } from '../workflows/verify-types.js';

/** Characters of each value that are shown. */
const SHOWN_TEXT = 200;
/** Further rows of one key. */
const SHOWN_COPIES = 5;

/** The source's tables, for a person; of many shards the first ones. */
export function namesOf(tables: { table: SourceTable }[]): string {
  const names = tables.map(({ table: { database, table } }) => `${database}.${table}`);
  return names.length <= 3
    ? names.join(', ')
    : `${names.slice(0, 2).join(', ')} and ${names.length - 2} more`;
}

/** A difference with its long texts cut. */
export function shortened(difference: SnapshotDifference): SnapshotDifference {
  const short = (row: Record<string, string | null> | null): Record<string, string | null> | null =>
    row &&
    Object.fromEntries(
      Object.entries(row).map(([name, text]) => [
        name,
        text !== null && text.length > SHOWN_TEXT ? `${text.slice(0, SHOWN_TEXT)}…` : text,
      ]),
    );
  const { source, mirror, copies } = difference;
  return {
    ...difference,
    source: short(source),
    mirror: short(mirror),
    ...(copies && { copies: copies.slice(0, SHOWN_COPIES).map((copy) => short(copy)!) }),
  };
}

export function tooDifferent(table: string, name: string): TributaryError {
  return new TributaryError({
    code: 'RepairTooLarge',
    message:
      `The snapshot ${name} of ${table} differs in too many rows to be repaired row by row. Make it anew from the log ` +
      `(tributary snapshot ${table} --from), or bootstrap the table anew.`,
    attributes: { table, name },
  });
}
