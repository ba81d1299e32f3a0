import { TributaryError, type ErrorAttributes } from '../../common/errors.js';
import { derivedTables } from '../../config/tables.js';
import { hiveName } from '../sql.js';
import { madeAnewFrom } from './boundary.js';

/**
 * A merge whose numbers do not add up. Nothing of it is published; readers see what they saw.
 * @param what one sentence with the numbers in it
 */
export function snapshotCheckFailed(
  table: string,
  what: string,
  attributes: ErrorAttributes = {},
): TributaryError {
  return new TributaryError({
    code: 'SnapshotCheckFailed',
    message:
      `The snapshot of ${table} was not published, because a check failed: ${what} ` +
      `Readers see what they saw before. Look for files that something else changed, then start the snapshot again.`,
    attributes: { table, ...attributes },
  });
}

/**
 * Files of a published snapshot are not what was published: someone wrote over them.
 * @param what which file, and how it is
 */
export function snapshotDamaged(
  table: string,
  boundaryMs: number,
  what: string,
  attributes: ErrorAttributes = {},
): TributaryError {
  return new TributaryError({
    code: 'SnapshotDamaged',
    message:
      `The snapshot of ${table} at ${new Date(boundaryMs).toISOString().replace('.000Z', 'Z')} is not what was published: ${what} ` +
      `Someone changed its files (INSERT OVERWRITE, say), so no later one can be made of it. It and those after it are made anew ` +
      `from the one before it and the log by: tributary snapshot ${table} --from ${madeAnewFrom(boundaryMs)}`,
    attributes: { table, boundaryMs, ...attributes },
  });
}

/**
 * Rows without a full key cannot be told apart, so they cannot be merged.
 * @param where where they are: landed changes, or the rows that the snapshot starts from
 */
export function snapshotKeyNull(
  table: string,
  key: readonly string[],
  rows: number,
  where: 'changelog' | 'base',
): TributaryError {
  const changelog = derivedTables({ name: table, mode: 'mirror' }).changelog;
  const without = key.map((name) => `${hiveName(name)} IS NULL`).join(' OR ');
  const [found, mended] =
    where === 'changelog'
      ? [
          `They are in the changelog: SELECT dt, kafka_partition, kafka_offset, cdc_op FROM ${changelog} WHERE ${without}. `,
          'correct them there, or start the mirror under another name, which lands the log anew and quarantines such changes (no_key); ' +
            'docs/operating/a-table-is-stuck.md says how',
        ]
      : [
          'They are in the rows that it starts from. ',
          `give the source's rows a full key and read it once more: tributary start ${table} --rebootstrap`,
        ];
  return new TributaryError({
    code: 'SnapshotKeyNull',
    message:
      `${rows} ${rows === 1 ? 'row' : 'rows'} of ${table} cannot be merged: NULL in a key column (${key.join(', ')}). ${found}` +
      `If other columns identify the rows and are never NULL, declare them as its key (key: [...]), then: tributary start ${table}. ` +
      `Otherwise ${mended}`,
    attributes: { table, key: [...key], rows },
  });
}
