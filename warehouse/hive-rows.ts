import { HiveStatementError } from './hive-errors.js';

/** A cell, as text; the notation is Hive's own where the query cast to STRING. */
export type HiveRow = Record<string, string | null>;

interface ThriftColumn {
  values: unknown[];
  nulls?: Buffer;
}
/** Exactly one member is set: stringVal, i64Val, ... */
export type ThriftColumns = Record<string, ThriftColumn | null | undefined>[];

/**
 * Columns of a thrift row set as rows of text. The driver's own conversion rounds big integers and decimals and lets columns of one name
 * overwrite each other.
 */
export function rowsOf(names: string[], columns: ThriftColumns): HiveRow[] {
  const cells = columns.map((column) =>
    Object.values(column).find((value) => value !== null && value !== undefined),
  );
  const count = cells[0]?.values.length ?? 0;
  return Array.from({ length: count }, (_, row) =>
    Object.fromEntries(names.map((name, i) => [name, cellText(cells[i], row)])),
  );
}

/** Names of a result's columns. @throws HiveStatementError for names that occur twice */
export function uniqueNames(names: string[]): string[] {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice === undefined) return names;
  throw new HiveStatementError({
    code: -1,
    message: `the result has two columns named ${twice}: give every selected expression an alias of its own`,
  });
}

function cellText(column: ThriftColumn | null | undefined, row: number): string | null {
  if (column === null || column === undefined || isNull(column.nulls, row)) return null;
  const value = column.values[row];
  if (value === null || value === undefined) return null;
  if (typeof value === 'string') return value;
  if (Buffer.isBuffer(value)) return value.toString('hex');
  if (typeof value === 'object') return int64Text(value as { toOctetString(): string });
  return JSON.stringify(value);
}

// A bit a row, lowest first; Hive leaves out trailing bytes without a null.
function isNull(nulls: Buffer | undefined, row: number): boolean {
  return (((nulls?.[row >> 3] ?? 0) >> (row & 7)) & 1) === 1;
}

function int64Text(value: { toOctetString(): string }): string {
  return BigInt.asIntN(64, BigInt(`0x${value.toOctetString()}`)).toString();
}
