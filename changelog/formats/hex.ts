/** Bytes of a binary column in the decoders' notation: `hex:` and digits; anything else is text, whose bytes are UTF-8. */
export function hexBytes(text: string): string {
  const isHex = `regexp_full_match(${text}, 'hex:([0-9a-f]{2})*')`;
  return `CASE WHEN starts_with(${text}, 'hex:') AND ${isHex} THEN unhex(substr(${text}, 5)) ELSE encode(${text}) END`;
}
