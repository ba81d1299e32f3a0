import type { Duck } from '../../warehouse/duckdb.js';

const FUNCTION = 'tributary_wide_decimal';

/**
 * Decimal text of base64 bytes that hold the unscaled value, big-endian in two's complement. Up to 16 bytes DuckDB computes it;
 * wider ones (over 38 digits) go through `registerWideDecimal`. `scale` is SQL. NULL if the text is not base64.
 */
export function connectDecimal(text: string, scale: string): string {
  const valid = `strlen(b64) % 4 = 0 AND strlen(b64) > 0 AND regexp_full_match(b64, '[A-Za-z0-9+/]*={0,2}')`;
  const hex = bind(`CASE WHEN ${valid} THEN hex(from_base64(b64)) END`, text, 'b64');
  // Most decimals are within 8 bytes, and those need no 128-bit numbers.
  const short = bind(
    `(${part('h16', 1, 1)} - CASE WHEN h16[1] >= '8' THEN 16 ELSE 0 END) * ${1n << 60n} + ${part('h16', 2, 15)}`,
    filled('h', 16),
    'h16',
  );
  const number = `CASE WHEN strlen(h) <= 16 THEN (${short})::VARCHAR ELSE (${bind(long('h32'), filled('h', 32), 'h32')})::VARCHAR END`;
  const decimal = bind(placePoint('n', scale), number, 'n');
  const narrow = bind(`CASE WHEN strlen(h) <= 32 THEN ${decimal} END`, hex, 'h');
  // A lambda cannot call a function of ours, so the widest are told apart outside.
  const isWide = `strlen(${text}) > 24 OR (strlen(${text}) = 24 AND NOT suffix(${text}, '=='))`;
  return `CASE WHEN ${isWide} THEN ${FUNCTION}(${bind('h', hex, 'h')}, ${scale}) ELSE ${narrow} END`;
}

/** SQL of `body` with a name for a value: inside a CASE, DuckDB would compute it anew wherever it stands. */
function bind(body: string, value: string, name: string): string {
  return `list_transform([${value}], lambda ${name}: ${body})[1]`;
}

function filled(hex: string, digits: number): string {
  return `lpad(${hex}, ${digits}, CASE WHEN ${hex}[1] >= '8' THEN 'F' ELSE '0' END)`;
}

function part(hex: string, from: number, length: number): string {
  return `('0x' || substr(${hex}, ${from}, ${length}))::BIGINT`;
}

function long(hex: string): string {
  const top = `(${part(hex, 1, 4)} - CASE WHEN ${hex}[1] >= '8' THEN 65536 ELSE 0 END)::HUGEINT`;
  return `${top} * ${1n << 112n}::HUGEINT + ${part(hex, 5, 14)}::HUGEINT * ${1n << 56n}::HUGEINT + ${part(hex, 19, 14)}::HUGEINT`;
}

/** `n` is the text of a whole number. */
function placePoint(n: string, scale: string): string {
  const sign = `CASE WHEN starts_with(${n}, '-') THEN '-' ELSE '' END`;
  const digits = `lpad(ltrim(${n}, '-'), greatest(strlen(ltrim(${n}, '-')), ${scale} + 1)::INTEGER, '0')`;
  const placed = bind(`left(d, (strlen(d) - ${scale})::BIGINT) || '.' || right(d, ${scale})`, digits, 'd');
  return `CASE WHEN ${scale} <= 0 THEN ${n} || repeat('0', -(${scale})) ELSE ${sign} || ${placed} END`;
}

/** Gives DuckDB the function for decimals of more than 16 bytes. */
export function registerWideDecimal(duck: Duck): void {
  duck.registerTextFunction(FUNCTION, (hex, scale) => {
    const bits = BigInt(hex.length * 4);
    const unscaled = BigInt.asIntN(Number(bits), BigInt(`0x${hex}`));
    const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
    const sign = unscaled < 0n ? '-' : '';
    return scale <= 0
      ? `${sign}${digits}${'0'.repeat(-scale)}`
      : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  });
}
