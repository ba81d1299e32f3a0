import type { KeyColumn } from './mysql-sql.js';

/** Key values as the server's texts, in the order of the key's columns. */
export type KeyPoint = string[];

/** Keys in `(after, upTo]`; null: open on that side. */
export interface KeyRange {
  after: KeyPoint | null;
  upTo: KeyPoint | null;
}

/**
 * SQL of a key range. Row values are expanded, because MySQL's and TiDB's optimisers use an index for `a >= 1 AND (a > 1
 * OR ...)`, but read the whole table for `(a, b) > (1, 2)`.
 */
export function rangePredicate(key: readonly KeyColumn[], range: KeyRange): string {
  const parts: string[] = [];
  if (range.after) parts.push(beyond(key, range.after));
  if (range.upTo) parts.push(`NOT (${beyond(key, range.upTo)})`, atMost(key, range.upTo));
  return parts.length === 0 ? 'TRUE' : parts.map((part) => `(${part})`).join(' AND ');
}

/** The key is greater than the point, column by column. */
function beyond(key: readonly KeyColumn[], point: KeyPoint): string {
  const alternatives = key.map((column, i) => {
    const equal = key.slice(0, i).map((earlier, j) => `${earlier.compare} = ${earlier.literal(point[j]!)}`);
    return [...equal, `${column.compare} > ${column.literal(point[i]!)}`].join(' AND ');
  });
  const first = `${key[0]!.compare} >= ${key[0]!.literal(point[0]!)}`;
  return key.length === 1 ? alternatives[0]! : `${first} AND (${alternatives.join(' OR ')})`;
}

/** Bounds the first column, so that an index can end where the range does. */
function atMost(key: readonly KeyColumn[], point: KeyPoint): string {
  return `${key[0]!.compare} <= ${key[0]!.literal(point[0]!)}`;
}

/** `ORDER BY` of a key. */
export function keyOrder(key: readonly KeyColumn[]): string {
  return key.map((column) => column.order).join(', ');
}
