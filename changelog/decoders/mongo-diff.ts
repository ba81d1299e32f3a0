import type { Document, Ejson } from './ejson.js';

/*
 * `$v: 2` diffs of oplog updates (MongoDB 4.7 and later). Grammar and meaning: change-log-formats 4.5, from
 * mongodb/mongo's document_diff_serialization.h and document_diff_applier.cpp.
 */

/** The server never grows an array by more in one step. */
export const MAX_BACKFILL = 1_500_000;
const INDEX = /^\d{1,9}$/;

/** Why a diff cannot be applied by `applyDiff`, or null if it can. */
export function diffProblem(diff: Ejson | undefined): string | null {
  if (!(diff instanceof Map)) return 'a diff that is not a document';
  const problem = isArrayDiff(diff) ? arrayDiffProblem(diff) : documentDiffProblem(diff);
  if (problem !== null) return problem;
  for (const [name, section] of diff) {
    const nested = name.startsWith('s') ? diffProblem(section) : null;
    if (nested !== null) return nested;
  }
  return null;
}

function documentDiffProblem(diff: Document): string | null {
  for (const [name, section] of diff) {
    if (name === 'b') return 'a binary diff (time-series bucket)';
    const known = name === 'd' || name === 'u' || name === 'i' || (name.startsWith('s') && name.length > 1);
    if (!known) return `a diff section named ${JSON.stringify(name)}`;
    if (!(section instanceof Map)) return `a diff section ${name} that is not a document`;
  }
  return null;
}

function arrayDiffProblem(diff: Document): string | null {
  for (const [name, section] of diff) {
    if (name === 'a') continue;
    if (name === 'l') {
      if (length(section) === null) return 'an array diff with an impossible length';
      continue;
    }
    const modification = (name.startsWith('u') || name.startsWith('s')) && INDEX.test(name.slice(1));
    if (!modification) return `an array diff entry named ${JSON.stringify(name)}`;
  }
  return null;
}

function isArrayDiff(diff: Document): boolean {
  return diff.get('a') === true;
}

function length(value: Ejson | undefined): number | null {
  const text = value !== null && typeof value === 'object' && 'text' in value ? value.text : '';
  const digits = /^\{"\$number(?:Int|Long)":"(\d{1,9})"\}$/.exec(text)?.[1];
  return digits === undefined ? null : Number(digits);
}

const MISSING = Symbol('missing');

/** The document after the diff; `document` itself is not touched. */
export function applyDiff(document: Document, diff: Document): Document {
  const section = (name: string): Document => {
    const fields = diff.get(name);
    return fields instanceof Map ? fields : new Map<string, Ejson>();
  };
  const [deleted, updated, inserted] = [section('d'), section('u'), section('i')];
  const result: Document = new Map();
  for (const [name, value] of document) {
    // An inserted field that is there already moves to the end.
    if (deleted.has(name) || inserted.has(name)) continue;
    const replacement = updated.get(name);
    const sub = diff.get(`s${name}`);
    if (replacement !== undefined) result.set(name, replacement);
    else result.set(name, sub instanceof Map ? subDiff(value, sub) : value);
  }
  for (const [name, value] of updated) if (!result.has(name)) result.set(name, value);
  for (const [name, value] of inserted) result.set(name, value);
  return result;
}

/** A value of the wrong type becomes null: that happens on replays, and a later entry of the log repairs it. */
function subDiff(value: Ejson | typeof MISSING, diff: Document): Ejson {
  if (isArrayDiff(diff)) return Array.isArray(value) ? applyArrayDiff(value, diff) : null;
  return value instanceof Map ? applyDiff(value, diff) : null;
}

function applyArrayDiff(array: Ejson[], diff: Document): Ejson[] {
  const size = length(diff.get('l'));
  const result = size === null ? [...array] : array.slice(0, size);
  for (const [name, value] of diff) {
    const kind = name[0];
    if (kind !== 'u' && kind !== 's') continue;
    const index = Number(name.slice(1));
    if (index - result.length > MAX_BACKFILL) continue;
    const old = index < result.length ? (result[index] ?? null) : MISSING;
    while (result.length < index) result.push(null);
    result[index] =
      kind === 'u' ? value : subDiff(old, value instanceof Map ? value : new Map<string, Ejson>());
  }
  if (size !== null && size - result.length <= MAX_BACKFILL) while (result.length < size) result.push(null);
  return result;
}
