/** Bytes of base64 text; NULL where it is none, so that the value does not fit. */
export function base64Bytes(text: string): string {
  return (
    `CASE WHEN strlen(${text}) % 4 = 0 AND regexp_full_match(${text}, '[A-Za-z0-9+/]*={0,2}') ` +
    `THEN from_base64(${text}) END`
  );
}
