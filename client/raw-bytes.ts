import { isUtf8 } from 'node:buffer';

// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/;

/** Bytes for JSON: text where they are text, else hex digits. */
export function encodedBytes(bytes: Buffer | null): { encoding: 'utf8' | 'hex'; text: string } | null {
  if (bytes === null) return null;
  return isUtf8(bytes)
    ? { encoding: 'utf8', text: bytes.toString('utf8') }
    : { encoding: 'hex', text: bytes.toString('hex') };
}

/**
 * Bytes for a terminal: text as it is, anything that a terminal would obey or cannot show as hex, cut after `limit`
 * bytes (0: never).
 */
export function shownBytes(bytes: Buffer | null, limit: number): string {
  if (bytes === null) return 'null';
  const cut = limit > 0 && bytes.length > limit;
  const shown = cut ? bytes.subarray(0, limit) : bytes;
  // A cut may go through a character; then only that character is lost.
  const text = isUtf8(bytes) ? shown.toString('utf8').replace(/\ufffd$/, '') : undefined;
  const body = text !== undefined && !CONTROL.test(text) ? text : `hex ${shown.toString('hex')}`;
  return cut ? `${body}… (${bytes.length} bytes, --full shows all)` : body;
}
