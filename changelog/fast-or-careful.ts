import { isTributaryError } from '../common/errors.js';
import { MANY_ROWS, NOT_PLAIN } from './document-sql.js';

/** Runs the fast variant of a statement, and the careful one if the data stopped the fast one. */
export async function fastOrCareful<T>(run: (careful: boolean) => Promise<T>): Promise<T> {
  try {
    return await run(false);
  } catch (error) {
    if (!isNotPlain(error)) throw error;
  }
  return run(true);
}

/** Faults of data that the careful variant can name; everything else is a defect or the machine's fault. */
export function isNotPlain(error: unknown): boolean {
  return (
    isTributaryError(error, 'DuckDbFailed') &&
    (error.message.includes(NOT_PLAIN) || error.message.includes('Malformed JSON'))
  );
}

/** How a change log is read: by the variant for records of one row, for records of many, or for records of any kind. */
export type Reading = 'single' | 'many' | 'careful';

/** Runs the cheapest variant first, and one that copes if the data stopped it. */
export async function readChanges<T>(run: (reading: Reading) => Promise<T>): Promise<T> {
  let reading: Reading = 'single';
  for (;;) {
    try {
      return await run(reading);
    } catch (error) {
      if (
        reading === 'single' &&
        isTributaryError(error, 'DuckDbFailed') &&
        error.message.includes(MANY_ROWS)
      ) {
        reading = 'many';
      } else if (reading !== 'careful' && isNotPlain(error)) reading = 'careful';
      else throw error;
    }
  }
}
