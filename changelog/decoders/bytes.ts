import { isUtf8 } from 'node:buffer';
import { DecodeProblem } from './problem.js';

/** The same bytes as a Buffer, without a copy. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** UTF-8 text, or null if the bytes are not UTF-8: Buffer.toString would put U+FFFD in their place without notice. */
export function tryUtf8(bytes: Uint8Array): string | null {
  return isUtf8(bytes) ? asBuffer(bytes).toString('utf8') : null;
}

/** UTF-8 text. @throws DecodeProblem invalid-utf8 */
export function utf8(bytes: Uint8Array, what: string): string {
  const text = tryUtf8(bytes);
  if (text === null) throw new DecodeProblem('invalid-utf8', `${what} is not valid UTF-8`);
  return text;
}

/** `hex:` + lower-case digits: the notation of binary values in a RowImage. */
export function hexText(bytes: Uint8Array): string {
  return 'hex:' + asBuffer(bytes).toString('hex');
}

/** Big-endian bytes as an unsigned decimal (BIT columns). */
export function unsignedText(bytes: Uint8Array): string {
  if (bytes.length === 0) return '0';
  return BigInt('0x' + asBuffer(bytes).toString('hex')).toString();
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** Standard base64. Buffer.from skips what it does not know, so the alphabet is checked first. */
export function base64(text: string, what: string): Buffer {
  if (text.length % 4 !== 0 || !BASE64.test(text)) {
    throw new DecodeProblem('malformed', `${what} is not base64`);
  }
  return Buffer.from(text, 'base64');
}
