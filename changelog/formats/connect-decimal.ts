import type { Duck } from '../../warehouse/duckdb.js';

const FUNCTION = 'tributary_wide_decimal';

/**
 * Decimal text of base64 bytes that hold the unscaled value, big-endian in two's complement. Up to 16 bytes DuckDB computes it;
 * wider ones (over 38 digits) go through `registerWideDecimal`. `scale` is SQL. NULL if the text is not base64.
 */
export function connectDecimal(text: string, scale: string): string {
  const hex = `hex(from_base64(${text}))`;
  const valid = `strlen(${text}) % 4 = 0 AND strlen(${text}) > 0 AND regexp_full_match(${text}, '[A-Za-z0-9+/]*={0,2}')`;
  const padded = `lpad(${hex}, 32, CASE WHEN ${hex}[1] >= '8' THEN 'F' ELSE '0' END)`;
  const part = (from: number, length: number) => `('0x' || substr(${padded}, ${from}, ${length}))::BIGINT`;
  const top = `(${part(1, 4)} - CASE WHEN ${part(1, 4)} >= 32768 THEN 65536 ELSE 0 END)::HUGEINT`;
  const unscaled = `(${top} * ${1n << 112n}::HUGEINT + ${part(5, 14)}::HUGEINT * ${1n << 56n}::HUGEINT + ${part(19, 14)}::HUGEINT)`;
  return (
    `CASE WHEN NOT (${valid}) THEN NULL WHEN strlen(${text}) > 24 OR (strlen(${text}) = 24 AND NOT suffix(${text}, '==')) ` +
    `THEN ${FUNCTION}(${hex}, ${scale}) ELSE ${placePoint(unscaled, scale)} END`
  );
}

function placePoint(unscaled: string, scale: string): string {
  const digits = `lpad(ltrim(${unscaled}::VARCHAR, '-'), greatest(strlen(ltrim(${unscaled}::VARCHAR, '-')), ${scale} + 1)::INTEGER, '0')`;
  const sign = `CASE WHEN ${unscaled} < 0 THEN '-' ELSE '' END`;
  return (
    `CASE WHEN ${scale} <= 0 THEN ${unscaled}::VARCHAR || repeat('0', -(${scale})) ` +
    `ELSE ${sign} || left(${digits}, (strlen(${digits}) - ${scale})::BIGINT) || '.' || right(${digits}, ${scale}) END`
  );
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
