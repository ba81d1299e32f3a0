import { formatHiveType, HiveTypeError, parseHiveType, type HiveType } from '../config/hive-type.js';

/**
 * How the type of a Hive column may grow without touching its files: pure, so that every pair of types can be tested. What
 * Hive 4 reads from files of the older type was tried on a real one (test/integration/warehouse/widening.test.ts).
 */

/** Integers by width; a wider one reads the files of a narrower one. */
const INTEGERS = ['tinyint', 'smallint', 'int', 'bigint'];
/** Decimal digits that every value of an integer type has room in. */
const DIGITS: Record<string, number> = { tinyint: 3, smallint: 5, int: 10, bigint: 19 };

/**
 * The type that a column of type `now` needs to take values of the type `other` too: `now` itself where that holds them all, a
 * wider type that Hive reads from the old files as well, or undefined if there is none.
 */
export function widened(now: string, other: string): string | undefined {
  const old = parsed(now);
  const wanted = parsed(other);
  // Someone may have given a table a type that Tributary never writes.
  if (!old || !wanted) return now === other ? now : undefined;
  if (holds(old, wanted)) return formatHiveType(old);
  const wider = holds(wanted, old) ? wanted : common(old, wanted);
  return wider !== undefined && readsOldFiles(old, wider) ? formatHiveType(wider) : undefined;
}

function parsed(type: string): HiveType | undefined {
  try {
    return parseHiveType(type);
  } catch (error) {
    if (error instanceof HiveTypeError) return undefined;
    throw error;
  }
}

/** True if every value of `inner` is a value of `outer`, digit by digit. */
function holds(outer: HiveType, inner: HiveType): boolean {
  if (formatHiveType(outer) === formatHiveType(inner)) return true;
  if (isString(outer)) return isScalar(inner);
  if (isCut(outer)) return isCut(inner) && outer.length >= inner.length;
  if (outer.kind === 'decimal') {
    const digits = asDecimal(inner);
    if (!digits) return false;
    const whole = digits.precision - digits.scale;
    return outer.scale >= digits.scale && outer.precision - outer.scale >= whole;
  }
  const [wide, narrow] = [rank(outer), rank(inner)];
  if (wide >= 0) return narrow >= 0 && wide >= narrow;
  return outer.kind === 'double' && (inner.kind === 'float' || (narrow >= 0 && inner.kind !== 'bigint'));
}

/** The narrowest type that holds both, where neither holds the other. */
function common(one: HiveType, other: HiveType): HiveType | undefined {
  const [a, b] = [asDecimal(one), asDecimal(other)];
  if (a && b) {
    const scale = Math.max(a.scale, b.scale);
    const precision = Math.max(a.precision - a.scale, b.precision - b.scale) + scale;
    if (precision <= 38) return { kind: 'decimal', precision, scale };
  }
  return isScalar(one) && isScalar(other) ? STRING : undefined;
}

/**
 * Whether Hive shows the values of files written as `old` as they were in a column of type `wider`. It cannot read days and times
 * as anything else, nor truth values as numbers. Decimals it reads at any precision and scale, if they are fixed-length
 * arrays in the file: landing writes them so (changelog/fit.ts).
 */
function readsOldFiles(old: HiveType, wider: HiveType): boolean {
  if (isCut(old)) return isCut(wider) || isString(wider);
  if (old.kind === 'decimal') return wider.kind === 'decimal' || isString(wider);
  if (rank(old) >= 0) {
    return rank(wider) >= 0 || wider.kind === 'decimal' || wider.kind === 'double' || isString(wider);
  }
  if (old.kind === 'float') return wider.kind === 'double' || isString(wider);
  return (old.kind === 'double' || old.kind === 'boolean') && isString(wider);
}

const STRING: HiveType = { kind: 'string' };

const isString = (type: HiveType): boolean => type.kind === 'string';

/** Texts that Hive cuts at a length. */
function isCut(type: HiveType): type is Extract<HiveType, { length: number }> {
  return type.kind === 'varchar' || type.kind === 'char';
}

/** Place among the integer types; -1 for every other. */
function rank(type: HiveType): number {
  return INTEGERS.indexOf(type.kind);
}

function asDecimal(type: HiveType): { precision: number; scale: number } | undefined {
  if (type.kind === 'decimal') return type;
  return rank(type) >= 0 ? { precision: DIGITS[type.kind]!, scale: 0 } : undefined;
}

/** Types whose values have a text; a binary column's bytes have none. */
function isScalar(type: HiveType): boolean {
  return !['binary', 'array', 'map', 'struct'].includes(type.kind);
}

/** True if a column of type `now` may become `wanted` without a word of a person: wider, and no number turns into text. */
export function widensInKind(now: string, wanted: string): boolean {
  const [old, wider] = [parseHiveType(now), parseHiveType(wanted)];
  return !isString(wider) || isCut(old);
}
