/**
 * DuckDB reads a JSON number with a fraction as a double, and rounds `0.1234567890123456789`. So that decimals keep their digits, such
 * numbers are marked before the document is parsed: they become strings that begin with U+0001 and U+0002, as no text does.
 * Numbers of up to 15 digits come out of a double as they went in, and stay as they are.
 */

const STRING = '"(?:[^"\\\\]|\\\\.)*"';
/** A fraction of 16 digits and more, wherever its point is. */
const LONG = Array.from({ length: 15 }, (_, i) => `[0-9]{${i + 1},}\\.[0-9]{${15 - i},}`).join('|');
const NUMBER = `-?(?:${LONG})(?:[eE][-+]?[0-9]+)?`;
/** How JSON text shows a marked number. */
const MARKED = '"\\\\u0001\\\\u0002(-?[0-9][-+.0-9eE]*)"';

/**
 * A JSON document with its long fractions marked. Inside a valid document no string has a raw U+0001 or U+0002, which show where a
 * number begins and ends in between. `part` is the part of the document to look for them in: a regular expression over all of
 * it costs more than to parse it.
 */
export function exactNumbers(document: string, part = document): string {
  const found = `regexp_replace(${document}, '(${STRING})|(${NUMBER})', '\\1' || chr(1) || '\\2' || chr(2), 'g')`;
  const strings = `replace(${found}, chr(1) || chr(2), '')`;
  const marked = `replace(replace(${strings}, chr(1), '"\\u0001\\u0002'), chr(2), '"')`;
  return `CASE WHEN contains(${part}, '.') AND regexp_matches(${part}, '${LONG}') THEN ${marked} ELSE ${document} END`;
}

/** JSON text with its marked numbers as they were. */
export function unmarkedJson(json: string): string {
  return `CASE WHEN contains(${json}, '\\u0001\\u0002') THEN regexp_replace(${json}, '${MARKED}', '\\1', 'g') ELSE ${json} END`;
}

/** JSON text with its marked numbers as strings, for what parses it once more. */
export function quotedNumbers(json: string): string {
  return `CASE WHEN contains(${json}, '\\u0001\\u0002') THEN regexp_replace(${json}, '${MARKED}', '"\\1"', 'g') ELSE ${json} END`;
}

/** Text of a member, be it a number, a string or JSON, without marks. */
export function unmarkedText(text: string): string {
  const number = '^\\x01\\x02(-?[0-9][-+.0-9eE]*)$';
  return (
    `CASE WHEN starts_with(${text}, chr(1)) THEN regexp_replace(${text}, '${number}', '\\1') ` +
    `WHEN starts_with(${text}, '{') OR starts_with(${text}, '[') THEN ${unmarkedJson(text)} ELSE ${text} END`
  );
}
