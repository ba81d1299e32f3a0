import { lit } from '../warehouse/duckdb.js';
import type { ReasonCode } from './quarantine.js';

/** Marks SQL errors that mean: take the careful path. */
export const NOT_PLAIN = 'tributary: record is not plain';

/** Marks SQL errors that mean: records have several rows each, read them by the variant that expects it. */
export const MANY_ROWS = 'tributary: record has many rows';

const BLANKS = `' ' || chr(9) || chr(10) || chr(13)`;

/** A text without the blanks and the byte order mark in front of it. */
export function trimmedSql(value: string): string {
  return `ltrim(ltrim(${value}, chr(65279)), ${BLANKS})`;
}

/**
 * The JSON object of a value. Fast: anything that does not begin with `{` stops the statement, and broken JSON will when it is
 * parsed. Careful: blanks and a byte order mark in front are fine, anything else gives NULL.
 */
export function documentSql(value: string, careful: boolean): string {
  if (!careful) return `CASE WHEN starts_with(${value}, '{') THEN ${value} ELSE error(${lit(NOT_PLAIN)}) END`;
  const trimmed = trimmedSql(value);
  return `CASE WHEN starts_with(${trimmed}, '{') AND json_valid(${trimmed}) THEN ${trimmed} END`;
}

/** Reason code of a value that gives no document. */
export function unreadableJsonReason(value: string): string {
  const code = (reason: ReasonCode) => lit(reason);
  return (
    `CASE WHEN contains(${value}, chr(0)) THEN ${code('nul_byte')} ` +
    `WHEN json_valid(${trimmedSql(value)}) THEN ${code('not_an_object')} ELSE ${code('invalid_json')} END`
  );
}
