import { isTributaryError } from '../common/errors.js';
import { NOT_PLAIN } from './document-sql.js';

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
function isNotPlain(error: unknown): boolean {
  return (
    isTributaryError(error, 'DuckDbFailed') &&
    (error.message.includes(NOT_PLAIN) || error.message.includes('Malformed JSON'))
  );
}
