import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../../../changelog/decoders/json.js';
import { JsonNumber, parseJson } from '../../../changelog/decoders/json.js';
import { snappyBlock } from '../../../changelog/decoders/snappy-block.js';
import { loadFixture } from '../../fixtures/load.js';

/** As JSON.parse would give it. */
function plain(value: JsonValue): unknown {
  if (value instanceof JsonNumber) return Number(value.text);
  if (Array.isArray(value)) return value.map(plain);
  if (!(value instanceof Map)) return value;
  return Object.fromEntries([...value].map(([key, field]) => [key, plain(field)]));
}

describe('parseJson', () => {
  it('agrees with JSON.parse on what is JSON and what it means', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(plain(parseJson(text))).toEqual(JSON.parse(text));
        expect(plain(parseJson(JSON.stringify(JSON.parse(text), null, 2)))).toEqual(JSON.parse(text));
      }),
    );
    fc.assert(
      fc.property(
        fc.json(),
        fc.nat(),
        fc.constantFrom('', ',', '"', '{', ']', '\\', '0', '-', 'e', '\n'),
        (text, at, put) => {
          const damaged = text.slice(0, at % text.length) + put + text.slice((at % text.length) + 1);
          let wanted: unknown;
          try {
            wanted = JSON.parse(damaged);
          } catch {
            expect(() => parseJson(damaged)).toThrow(/not JSON/);
            return;
          }
          expect(plain(parseJson(damaged))).toEqual(wanted);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('keeps numbers as written and the order of keys', () => {
    const value = parseJson('{"b":18446744073709551615,"1":1.10e5,"a":-0}') as Map<string, JsonNumber>;
    expect([...value].map(([key, number]) => [key, number.text])).toEqual([
      ['b', '18446744073709551615'],
      ['1', '1.10e5'],
      ['a', '-0'],
    ]);
  });

  it('reads every escape, and refuses half of a surrogate pair', () => {
    expect(parseJson('"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\ud83d\\ude00"')).toBe('"\\/\b\f\n\r\tA😀');
    for (const lone of ['"\\ud83d"', '"\\ude00"', '"\\ud83dx"', '"\\ud83d\\u0041"']) {
      expect(() => parseJson(lone)).toThrow(/lone surrogate/);
    }
  });

  it('refuses nesting that would overflow the stack', () => {
    expect(() => parseJson('['.repeat(100_000))).toThrow(/nested deeper/);
  });
});

describe('snappyBlock', () => {
  const block = loadFixture('ticdc-canal-json', 'types_bin__snappy').messages[0]?.value ?? Buffer.alloc(0);

  it('reads what TiCDC wrote', () => {
    expect(JSON.parse(snappyBlock(block).toString())).toMatchObject({ database: 'fx', table: 'bins' });
  });

  it('refuses cut and damaged blocks without hanging', () => {
    for (let length = 0; length < block.length; length++) {
      expect(() => snappyBlock(block.subarray(0, length))).toThrow(/snappy/);
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          snappyBlock(Buffer.from(bytes));
        } catch (error) {
          expect(String(error)).toMatch(/snappy/);
        }
      }),
      { numRuns: 500 },
    );
  });
});
