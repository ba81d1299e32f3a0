import { DecodeProblem } from './problem.js';

const SIMPLE: Record<string, number> = {
  a: 0x07,
  b: 0x08,
  f: 0x0c,
  n: 0x0a,
  r: 0x0d,
  t: 0x09,
  v: 0x0b,
  '\\': 0x5c,
  '"': 0x22,
  "'": 0x27,
};
const WIDTHS: Record<string, number> = { x: 2, u: 4, U: 8 };
const HEX = /^[0-9a-fA-F]+$/;

/**
 * Bytes of a Go-quoted string without its quotes (strconv.Quote): open-protocol writes CHAR and VARCHAR with the
 * binary flag this way (change-log-formats 2.3). @throws DecodeProblem
 */
export function goUnquote(text: string): Buffer {
  const parts: Buffer[] = [];
  let from = 0;
  for (let at = text.indexOf('\\'); at >= 0; at = text.indexOf('\\', from)) {
    parts.push(Buffer.from(text.slice(from, at)));
    const kind = text[at + 1] ?? '';
    const simple = SIMPLE[kind];
    if (simple !== undefined) {
      parts.push(Buffer.of(simple));
      from = at + 2;
      continue;
    }
    const width = WIDTHS[kind];
    const digits = text.slice(at + 2, at + 2 + (width ?? 0));
    if (width === undefined || digits.length !== width || !HEX.test(digits)) {
      throw new DecodeProblem('malformed', `bad escape in a binary value at character ${at}`);
    }
    const code = parseInt(digits, 16);
    if (code > 0x10ffff) throw new DecodeProblem('malformed', `code point beyond Unicode at character ${at}`);
    parts.push(kind === 'x' ? Buffer.of(code) : Buffer.from(String.fromCodePoint(code)));
    from = at + 2 + width;
  }
  if (from === 0) return Buffer.from(text);
  parts.push(Buffer.from(text.slice(from)));
  return Buffer.concat(parts);
}
