import { describe, expect, it } from 'vitest';
import { encodedBytes, shownBytes } from '../../../client/raw-bytes.js';

describe('bytes of a record on a terminal', () => {
  it('are text where they are text, and hex where a terminal would obey them or could not show them', () => {
    expect(shownBytes(Buffer.from('{"名": "值"}'), 0)).toBe('{"名": "值"}');
    expect(shownBytes(Buffer.from('\u001b]0;title\u0007'), 0)).toBe('hex 1b5d303b7469746c6507');
    expect(shownBytes(Buffer.from([0xff, 0x00]), 0)).toBe('hex ff00');
    expect(shownBytes(null, 0)).toBe('null');
  });

  it('are cut without half a character', () => {
    expect(shownBytes(Buffer.from('值值值'), 4)).toBe('值… (9 bytes, --full shows all)');
    expect(shownBytes(Buffer.from('abc'), 3)).toBe('abc');
  });

  it('are told apart in JSON', () => {
    expect(encodedBytes(Buffer.from('a\u0000'))).toEqual({ encoding: 'utf8', text: 'a\u0000' });
    expect(encodedBytes(Buffer.from([0xfe]))).toEqual({ encoding: 'hex', text: 'fe' });
    expect(encodedBytes(null)).toBeNull();
  });
});
