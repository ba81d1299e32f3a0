/** Rows of one slice of the keys: how many, and two sums over the MD5s of the rows that do not depend on their order. */
export interface SliceSum {
  rows: number;
  /** XOR of the first 64 bits, decimal. */
  xor: string;
  /** Sum of the next 32 bits, decimal. */
  sum: string;
}

/** Sums by slice: the first hexadecimal digits of the MD5 of the key's texts. */
export type SliceSums = Record<string, SliceSum>;

/** Sums of two disjoint parts of a table together. */
export function addSlices(a: SliceSums, b: SliceSums): SliceSums {
  const all = { ...a };
  for (const [slice, { rows, xor, sum }] of Object.entries(b)) {
    const other = all[slice];
    all[slice] = {
      rows: rows + (other?.rows ?? 0),
      xor: (BigInt(xor) ^ BigInt(other?.xor ?? 0)).toString(),
      sum: (BigInt(sum) + BigInt(other?.sum ?? 0)).toString(),
    };
  }
  return all;
}

/** Slices that are not the same on both sides, in order. */
export function differingSlices(source: SliceSums, mirror: SliceSums): string[] {
  const none: SliceSum = { rows: 0, xor: '0', sum: '0' };
  const same = (a: SliceSum = none, b: SliceSum = none): boolean =>
    a.rows === b.rows && a.xor === b.xor && a.sum === b.sum;
  const slices = new Set([...Object.keys(source), ...Object.keys(mirror)]);
  return [...slices].filter((slice) => !same(source[slice], mirror[slice])).sort();
}

export function totalRows(sums: SliceSums): number {
  return Object.values(sums).reduce((total, { rows }) => total + rows, 0);
}

/** A row as a slice's listing shows it. */
export interface RowHash {
  /** MD5 of the key's texts. */
  key: string;
  /** MD5 of all texts. */
  hash: string;
}

export interface KeyDifference {
  key: string;
  kind: 'missing' | 'extra' | 'different';
}

/**
 * Keys that differ: `missing` in the mirror, `extra` there, or `different` rows. A key that one side has twice is different
 * unless the other has the same rows as often.
 */
export function differingKeys(source: readonly RowHash[], mirror: readonly RowHash[]): KeyDifference[] {
  const group = (rows: readonly RowHash[]): Map<string, string> => {
    const groups = new Map<string, string[]>();
    for (const { key, hash } of rows) groups.set(key, [...(groups.get(key) ?? []), hash]);
    return new Map([...groups].map(([key, hashes]) => [key, hashes.sort().join()]));
  };
  const left = group(source);
  const right = group(mirror);
  const differences: KeyDifference[] = [];
  for (const key of [...new Set([...left.keys(), ...right.keys()])].sort()) {
    const here = left.get(key);
    const there = right.get(key);
    if (here === there) continue;
    const kind = there === undefined ? 'missing' : here === undefined ? 'extra' : 'different';
    differences.push({ key, kind });
  }
  return differences;
}

/** Texts of a row by column; null: the side does not have the row. */
export type RowTexts = Record<string, string | null>;

export interface RowDifference {
  /** `twice`: the mirror has several rows of the key. */
  kind: KeyDifference['kind'] | 'twice';
  source: RowTexts | null;
  mirror: RowTexts | null;
  /** Columns whose values differ, where both sides have the row. */
  columns: string[];
  /** twice: the mirror's further rows of the key. */
  copies?: RowTexts[];
}

/** The rows of a key side by side; null if they are the same on both sides. */
export function differingRows(
  source: RowTexts | null,
  mirror: readonly RowTexts[],
  json: ReadonlySet<string>,
): RowDifference | null {
  const [first = null, ...copies] = mirror;
  const difference = differingRow(source, first, json);
  if (copies.length === 0) return difference;
  return { kind: 'twice', source, mirror: first, columns: difference?.columns ?? [], copies };
}

/**
 * Puts both rows of a key side by side; null if they turn out to be the same (JSON that is only written differently).
 * @param json columns to compare as JSON
 */
export function differingRow(
  source: RowTexts | null,
  mirror: RowTexts | null,
  json: ReadonlySet<string>,
): RowDifference | null {
  if (!source || !mirror) {
    if (!source && !mirror) return null;
    return { kind: mirror ? 'extra' : 'missing', source, mirror, columns: [] };
  }
  const columns = Object.keys(source).filter((name) => {
    const [a, b] = [source[name] ?? null, mirror[name] ?? null];
    return a !== b && !(json.has(name) && sameJson(a, b));
  });
  return columns.length === 0 ? null : { kind: 'different', source, mirror, columns };
}

/** Numbers are compared as written, so that no digit is lost; members in any order. */
function sameJson(a: string | null, b: string | null): boolean {
  if (a === null || b === null) return false;
  try {
    return normalJson(a) === normalJson(b);
  } catch {
    return false;
  }
}

function normalJson(text: string): string {
  // Every number becomes a text of its own digits before anything can round it.
  const kept = text.replace(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/g, (token) =>
    token.startsWith('"') ? token : JSON.stringify(`\u0000${token}`),
  );
  const sorted = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(sorted);
    if (value === null || typeof value !== 'object') return value;
    const entries = Object.entries(value).sort(([x], [y]) => (x < y ? -1 : x > y ? 1 : 0));
    return entries.map(([name, member]) => [name, sorted(member)]);
  };
  const value: unknown = JSON.parse(kept);
  return JSON.stringify([Array.isArray(value), sorted(value)]);
}
