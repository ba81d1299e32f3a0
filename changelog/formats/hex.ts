/** Bytes of a binary column in the decoders' notation: `hex:` and digits; anything else is text, whose bytes are UTF-8. */
export function hexBytes(text: string): string {
  return `CASE WHEN starts_with(${text}, 'hex:') THEN unhex(substr(${text}, 5)) ELSE encode(${text}) END`;
}
