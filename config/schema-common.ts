import { z } from 'zod';
import { parseHiveType, formatHiveType, HiveTypeError } from './hive-type.js';
import { JsonPathError, normalizeJsonPath } from './json-path.js';
import { patternProblem } from './pattern.js';
import { Secret } from './secret.js';
import { suggest } from './suggest.js';
import { DURATION_PATTERN, parseDuration, parseSize, SIZE_PATTERN } from './units.js';

/** A message for a wrong type only; a missing value keeps the loader's own "is required". */
export const unlessMissing =
  (message: string) =>
  (issue: { input?: unknown }): string | undefined =>
    issue.input === undefined ? undefined : message;

interface Fault {
  message: string;
  suggestion?: string;
}

/** A text that `read` turns into its one spelling, or refuses with a Fault. */
function checkedText(read: (text: string) => string | Fault) {
  return z.string().transform((text, context) => {
    const result = read(text);
    if (typeof result === 'string') return result;
    context.addIssue({
      code: 'custom',
      message: result.message,
      params: { suggestion: result.suggestion },
    });
    return z.NEVER;
  });
}

const DURATION_HELP = 'a duration is a number with a unit (ms, s, m, h, d, w), such as 30s, 10m, 2h or 1d';
/** A duration; milliseconds once parsed. */
export const duration = () =>
  z
    .string({ error: unlessMissing(DURATION_HELP) })
    .regex(DURATION_PATTERN, DURATION_HELP)
    .transform(parseDuration);

const SIZE_HELP = 'a size is a number with a unit (KiB, MiB, GiB, KB, MB, GB), such as 64MiB';
/** A size; bytes once parsed. */
export const size = () =>
  z
    .string({ error: unlessMissing(SIZE_HELP) })
    .regex(SIZE_PATTERN, SIZE_HELP)
    .transform(parseSize);

/** A value that comes from the environment or a file. The loader makes the Secret; a literal never gets here. */
export const secret = () =>
  z.custom<Secret>((value) => value instanceof Secret, {
    error: unlessMissing("a secret is '${VARIABLE}', '${file:/path}' or { file: /path }"),
  });

const zones = new Map<string, string>();

/** An IANA time zone, in its official case. */
export const timeZone = () =>
  checkedText((text) => {
    if (zones.size === 0) {
      for (const zone of Intl.supportedValuesOf('timeZone')) zones.set(zone.toLowerCase(), zone);
    }
    const known = zones.get(text.toLowerCase());
    if (known !== undefined) return known;
    if (/^[+-]/.test(text) || !zoneExists(text)) {
      return {
        message: `"${text}" is not an IANA time zone such as Asia/Shanghai or UTC`,
        suggestion: suggest(text, zones.values()),
      };
    }
    return text;
  });

function zoneExists(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

/** A Hive type in its one spelling. */
export const hiveType = () =>
  checkedText((text) => {
    try {
      return formatHiveType(parseHiveType(text));
    } catch (error) {
      if (!(error instanceof HiveTypeError)) throw error;
      return { message: error.message, suggestion: error.suggestion };
    }
  });

/** A JSON path in its one spelling. */
export const jsonPath = () => checkedText(readJsonPath);

export function readJsonPath(text: string): string | Fault {
  try {
    return normalizeJsonPath(text);
  } catch (error) {
    if (!(error instanceof JsonPathError)) throw error;
    return { message: error.message, suggestion: error.suggestion };
  }
}

/** A name of a database, table or collection at the source, exact or /regular expression/. */
export const sourceName = () =>
  z
    .string()
    .min(1)
    .superRefine((text, context) => {
      const message = patternProblem(text);
      if (message !== undefined) context.addIssue({ code: 'custom', message });
    });

/** A name that Hive takes for a table or column without surprises. */
export const hiveIdentifier = (what: string, max = 128) =>
  checkedText((text) => {
    if (/^[a-z][a-z0-9_]*$/.test(text) && text.length <= max) return text;
    if (text.length > max) return { message: `the ${what} "${text}" is longer than ${max} characters` };
    const better = text
      .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
      .toLowerCase()
      .replace(/[^a-z0-9_]+/g, '_')
      .replace(/^[^a-z]+/, '');
    return {
      message: `the ${what} "${text}" must be a Hive identifier: a lower case letter, then lower case letters, digits and _`,
      suggestion: better === '' ? undefined : better,
    };
  });

export const port = () => z.int().min(1).max(65_535);

/** `host:port`. */
export const hostPort = () =>
  z
    .string()
    .regex(
      /^(\[[0-9a-fA-F:]+\]|[^\s:/]+):\d{1,5}$/,
      'an address is host:port, without a scheme, such as 127.0.0.1:9092',
    );

/** An http(s) URL without a slash at its end. */
export const httpUrl = () =>
  z
    .string()
    .regex(/^https?:\/\/[^\s/]+(\/\S*)?$/, 'a URL starts with http:// or https://')
    .transform((url) => url.replace(/\/+$/, ''));

/** Path of a file that must be there; relative paths start at the config file's directory. */
export const existingFile = () => z.string().min(1).meta({ format: 'existing-file' });
