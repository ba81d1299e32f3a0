import type { HiveType } from '../../config/hive-type.js';

/** A user's own field may be named like a type and hold anything: only what JSON takes for a number may become one. */
const NUMBER = '-?(?:0|[1-9][0-9]*)(?:\\.[0-9]+)?(?:[eE][-+]?[0-9]+)?';

/**
 * Canonical extended JSON v2 as plain JSON, for paths into MongoDB documents: whole numbers and doubles become numbers, decimals, ids, and
 * what JSON has no number for become strings, dates milliseconds. Inside strings quotes are escaped, so nothing there matches.
 */
export function plainDocument(document: string): string {
  const steps: [string, string][] = [
    [`\\{"\\$date":\\{"\\$numberLong":"(${NUMBER})"\\}\\}`, '\\1'],
    [`\\{"\\$number(?:Int|Long|Double)":"(${NUMBER})"\\}`, '\\1'],
    ['\\{"\\$(?:numberDouble|numberDecimal|oid|symbol|uuid)":("[^"]*")\\}', '\\1'],
  ];
  return steps.reduce((sql, [pattern, to]) => `regexp_replace(${sql}, '${pattern}', '${to}', 'g')`, document);
}

const BASE64 = '((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)';
const BINARY = String.raw`^\{"\$binary":\{"base64":"${BASE64}","subType":"(..)"\}\}$`;
const TIMESTAMP = String.raw`^\{"\$timestamp":\{"t":([0-9]+),"i":[0-9]+\}\}$`;

/**
 * Text of what a declared path finds in a plain document, for a column of the type: a UUID as people write it, of a Binary the bytes in the
 * notation of `hexBytes` where the column is binary, of an oplog Timestamp the seconds where it is a time.
 */
export function documentValue(text: string, type: HiveType): string {
  const part = (pattern: string, group: number) => `regexp_extract(${text}, '${pattern}', ${group})`;
  const hex = `lower(hex(from_base64(${part(BINARY, 1)})))`;
  if (type.kind === 'binary') {
    return `CASE WHEN regexp_matches(${text}, '${BINARY}') THEN 'hex:' || ${hex} ELSE ${text} END`;
  }
  if (type.kind === 'timestamp' || type.kind === 'date') {
    return `CASE WHEN regexp_matches(${text}, '${TIMESTAMP}') THEN ${part(TIMESTAMP, 1)} ELSE ${text} END`;
  }
  const dashed = `regexp_replace(${hex}, '^(.{8})(.{4})(.{4})(.{4})(.{12})$', '\\1-\\2-\\3-\\4-\\5')`;
  return `CASE WHEN starts_with(${text}, '{"$binary":') AND ${part(BINARY, 2)} = '04' THEN ${dashed} ELSE ${text} END`;
}
