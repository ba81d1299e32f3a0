import type { z } from 'zod';
import { errorMessage, TributaryError } from '../common/errors.js';

/** JSON of a control file: for people too, so one member a line, and a newline at the end. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value, null, 1) + '\n';
}

/**
 * A control file's content, checked.
 * @throws TributaryError ManifestCorrupt, naming the path and the first thing that is wrong.
 */
export function parseStored<T>(schema: z.ZodType<T>, path: string, bytes: Buffer): T {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw corrupt(path, errorMessage(error));
  }
  const checked = schema.safeParse(value);
  if (checked.success) return checked.data;
  const issue = checked.error.issues[0];
  throw corrupt(path, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not as expected'}`);
}

function corrupt(path: string, detail: string): TributaryError {
  return new TributaryError({
    code: 'ManifestCorrupt',
    message:
      `The control file ${path} cannot be used: ${detail}. It was written whole, so something else changed it: ` +
      `put the file back from a backup, or ask for help before removing it.`,
    attributes: { path },
  });
}
