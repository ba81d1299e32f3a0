import { applyPatch } from '../../../changelog/decoders/mongo-patch.js';
import type { CanonicalChange } from '../../../changelog/types.js';
import { sortChanges } from './support.js';

/**
 * Documents by collection and `doc_id` after the changes, folded in the order of (ts, seq); `onChange` sees the document
 * after each one.
 */
export function foldDocuments(
  changes: CanonicalChange[],
  onChange: (change: CanonicalChange, doc: string | null) => void = () => undefined,
): Map<string, string> {
  const docs = new Map<string, string>();
  for (const change of sortChanges(changes)) {
    const key = `${change.database}.${change.table} ${String(change.row.doc_id)}`;
    if (change.op === 'd') docs.delete(key);
    else if (change.patch !== undefined) docs.set(key, applyPatch(docs.get(key) ?? null, change.patch));
    else docs.set(key, String(change.row.doc));
    onChange(change, docs.get(key) ?? null);
  }
  return docs;
}

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** What is left of a canonical document in JSON that keeps no types: compare both sides after this. */
export function withoutTypes(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutTypes);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value);
  if (entries.length === 0) return [];
  const [name, inner] = entries[0] ?? ['', null];
  switch (entries.length === 1 ? name : '') {
    case '$oid':
    case '$numberDecimal':
    case '$code':
      return inner;
    case '$numberInt':
    case '$numberLong':
    case '$numberDouble':
      return `number ${Number(inner) === 0 ? 0 : Number(inner)}`;
    case '$date': {
      const ms = Number((inner as { $numberLong: string }).$numberLong);
      return new Date(ms).toISOString().replace('.000Z', 'Z');
    }
    case '$minKey':
    case '$maxKey':
      return [];
    default:
      return Object.fromEntries(entries.map(([key, field]) => [key, withoutTypes(field)]));
  }
}

/** Key-order-keeping text of a fixture's document, comparable with a decoder's `doc`. */
export const canonical = (value: unknown): string => JSON.stringify(value);
