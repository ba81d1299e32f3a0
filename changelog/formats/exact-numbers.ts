/**
 * A JSON document whose fractional numbers are strings, wherever DuckDB would round one: its parser reads `0.1234567890123456789`
 * as a double. Numbers of up to 15 digits come out of a double as they went in, so other documents are left alone. Inside a
 * valid document no string has a raw U+0001, which marks where a number begins and ends in between.
 */
export function exactNumbers(document: string): string {
  const string = '"(?:[^"\\\\]|\\\\.)*"';
  const fraction = '-?[0-9]+(?:\\.[0-9]+(?:[eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)';
  const marked = `regexp_replace(${document}, '(${string})|(${fraction})', '\\1' || chr(1) || '\\2' || chr(1), 'g')`;
  const quoted = `replace(replace(${marked}, chr(1) || chr(1), ''), chr(1), '"')`;
  return `CASE WHEN regexp_matches(${document}, '[0-9.]{17}') AND regexp_matches(${document}, '[0-9]\\.[0-9]|[0-9][eE]') THEN ${quoted} ELSE ${document} END`;
}
