import { TributaryError, type ErrorAttributes } from '../../common/errors.js';
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

/** Rows without a full key cannot be told apart, so they cannot be merged. */
export function snapshotKeyNull(
  table: string,
  key: readonly string[],
  rows: number,
  where: string,
): TributaryError {
  return new TributaryError({
    code: 'SnapshotKeyNull',
    message:
      `${rows} rows of ${table} have NULL in a key column (${key.join(', ')}); ${where}. ` +
      `Such rows have no identity to merge by: choose a key whose columns are never NULL.`,
    attributes: { table, key: [...key], rows },
  });
}
