import { TributaryError, type ErrorAttributes } from '../../common/errors.js';

/**
 * A merge whose numbers do not add up. Nothing of it is published; the last good snapshot stays.
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
      `The last good snapshot is still in place. Look for files that something else changed, then start the snapshot again.`,
    attributes: { table, ...attributes },
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
