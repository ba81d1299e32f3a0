import { parseHiveType, type HiveType } from '../config/hive-type.js';
import { duckType } from '../warehouse/snapshot/duck-type.js';
import { duckString } from '../warehouse/sql.js';
import { sourceError } from './errors.js';
import { baseType, isBytes, valueExpression } from './mysql-sql.js';
import type { SourceTable } from './mysql-table.js';

/** A column of the mirror, and where its values come from. */
export interface MirrorColumn {
  name: string;
  /** Hive type. */
  type: string;
  /** Column of the source. */
  source: string;
  /** The text that the column has in every row, whatever the source has: the name of a shard. */
  constant?: string;
}

export interface ValueOptions {
  /** Zone of the mirror: TIMESTAMP columns become its wall clock; DATETIME has none and stays as it is. */
  zone: string;
  /** `string`: columns of Hive type timestamp are written as text (Hive 3). */
  timestamps: 'native' | 'string';
}

/** How one column travels from the server into a Parquet file. */
export interface ColumnPlan {
  name: string;
  /** MySQL expression; null where the source does not have the column. */
  read: string | null;
  bytes: boolean;
  /** DuckDB expression of the value, given one of its text. */
  value: (text: string) => string;
}

/**
 * Plans every column, without loss or not at all.
 * @throws TributaryError SourceValueDoesNotFit for a Hive type that cannot hold all values of the source's type
 */
export function planColumns(
  table: SourceTable,
  columns: readonly MirrorColumn[],
  options: ValueOptions,
): ColumnPlan[] {
  return columns.map(({ name, type, source, constant }) => {
    if (constant !== undefined) return { name, read: null, bytes: false, value: () => duckString(constant) };
    const found =
      table.columns.find((column) => column.name === source) ??
      table.columns.find((column) => column.name.toLowerCase() === source.toLowerCase());
    const target = parseHiveType(type);
    if (found === undefined) {
      const nothing = `CAST(NULL AS ${writtenType(target, type, options)})`;
      return { name, read: null, bytes: false, value: () => nothing };
    }
    if (!holds(found.type, target)) {
      throw sourceError(
        'SourceValueDoesNotFit',
        `Column ${name} (${type}) cannot hold all values of ${table.database}.${table.table}.${source} (${found.type}): ` +
          `declare a wider type, or string.`,
        { column: name, type, sourceType: found.type },
      );
    }
    return {
      name,
      read: valueExpression(found.name, found.type),
      bytes: isBytes(found.type),
      value: (text) => valueSql(text, found.type, target, type, options),
    };
  });
}

function writtenType(target: HiveType, type: string, { timestamps }: ValueOptions): string {
  return target.kind === 'timestamp' && timestamps === 'string' ? 'VARCHAR' : duckType(type);
}

function valueSql(
  text: string,
  sourceType: string,
  target: HiveType,
  type: string,
  options: ValueOptions,
): string {
  const base = baseType(sourceType);
  if (isBytes(sourceType)) {
    return target.kind === 'binary' ? `unhex(${text})` : `lower(${text})`;
  }
  if (base === 'timestamp' || base === 'datetime' || base === 'date') {
    return dateSql(text, base, target, options);
  }
  const duck = duckType(type);
  if (duck === 'VARCHAR') return text;
  // Text to a wide decimal costs a hundred times the narrow cast (local-stack.md); short texts take that.
  if (target.kind === 'decimal' && target.precision <= 18) {
    return `CAST(CAST(${text} AS DECIMAL(${target.precision},${target.scale})) AS ${duck})`;
  }
  const wide = target.kind === 'decimal' && target.scale <= 16;
  if (wide) {
    return (
      `CASE WHEN strlen(${text}) <= ${18 - target.scale} THEN CAST(CAST(${text} AS DECIMAL(18,${target.scale})) AS ${duck}) ` +
      `ELSE CAST(${text} AS ${duck}) END`
    );
  }
  if (duck === 'FLOAT') return `CAST(CAST(${text} AS DOUBLE) AS FLOAT)`;
  if (duck === 'BOOLEAN') return `CAST(CAST(${text} AS INTEGER) AS BOOLEAN)`;
  return `CAST(${text} AS ${duck})`;
}

/** Zero dates are no dates in Hive: NULL, as in the changelog. A column of Hive type string keeps them. */
function dateSql(text: string, base: string, target: HiveType, options: ValueOptions): string {
  const zero = `(starts_with(${text}, '0000-') OR substr(${text}, 6, 2) = '00' OR substr(${text}, 9, 2) = '00')`;
  if (target.kind === 'date') return `CASE WHEN NOT ${zero} THEN CAST(left(${text}, 10) AS DATE) END`;
  const zone = options.zone.replaceAll("'", "''");
  // The session's clock is UTC.
  const wall =
    base === 'timestamp'
      ? `timezone('${zone}', timezone('UTC', CAST(${text} AS TIMESTAMP)))`
      : `CAST(${text} AS TIMESTAMP)`;
  if (target.kind === 'timestamp') {
    const value = options.timestamps === 'string' ? `CAST(${wall} AS VARCHAR)` : wall;
    return `CASE WHEN NOT ${zero} THEN ${value} END`;
  }
  return base === 'timestamp' ? `CASE WHEN ${zero} THEN ${text} ELSE CAST(${wall} AS VARCHAR) END` : text;
}

const INTEGER_DIGITS: Record<string, number> = {
  tinyint: 3,
  smallint: 5,
  mediumint: 8,
  int: 10,
  integer: 10,
  bigint: 19,
  year: 4,
  bool: 3,
  boolean: 3,
};
const HIVE_INTEGERS: Record<string, number> = { tinyint: 7, smallint: 15, int: 31, bigint: 63 };
const SOURCE_BITS: Record<string, number> = {
  tinyint: 7,
  bool: 7,
  boolean: 7,
  smallint: 15,
  year: 15,
  mediumint: 23,
  int: 31,
  integer: 31,
  bigint: 63,
};

/** True if a Hive type holds every value of a source type exactly. */
function holds(sourceType: string, target: HiveType): boolean {
  const base = baseType(sourceType);
  const [size, scale = 0] = sizes(sourceType);
  if (target.kind === 'string') return true;
  if (target.kind === 'varchar' || target.kind === 'char') {
    return /^(var)?char$/.test(base) && size !== undefined && size <= target.length;
  }
  if (isBytes(sourceType)) return target.kind === 'binary';
  if (base === 'date') return target.kind === 'date' || target.kind === 'timestamp';
  if (base === 'datetime' || base === 'timestamp') return target.kind === 'timestamp';
  if (base === 'float') return target.kind === 'float' || target.kind === 'double';
  if (base === 'double' || base === 'real') return target.kind === 'double';
  if (base === 'tinyint' && size === 1 && target.kind === 'boolean') return true;
  const unsigned = / unsigned| zerofill/.test(sourceType.toLowerCase());
  if (target.kind !== 'decimal') {
    const room = HIVE_INTEGERS[target.kind];
    const bits = base === 'bit' ? (size ?? 1) : (SOURCE_BITS[base] ?? Infinity) + (unsigned ? 1 : 0);
    return room !== undefined && bits <= room;
  }
  const whole = target.precision - target.scale;
  if (base === 'decimal' || base === 'numeric') {
    return size !== undefined && size - scale <= whole && scale <= target.scale;
  }
  const digits = base === 'bit' ? 20 : (INTEGER_DIGITS[base] ?? Infinity) + (unsigned ? 1 : 0);
  return digits <= whole;
}

function sizes(type: string): [number | undefined, number | undefined] {
  const match = /\((\d+)(?:\s*,\s*(\d+))?\)/.exec(type);
  return [
    match?.[1] === undefined ? undefined : Number(match[1]),
    match?.[2] === undefined ? undefined : Number(match[2]),
  ];
}
