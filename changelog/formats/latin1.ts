/**
 * Bytes that a log wrote as the characters U+0000 to U+00FF (Canal and TiCDC do so for BINARY and BLOB). Where the source type is
 * known not to be binary, or the text has other characters, it is text and its bytes are UTF-8.
 */
export function latin1Bytes(text: string, sourceType: string): string {
  const notBinary = `${sourceType} IS NOT NULL AND NOT regexp_matches(${sourceType}, 'binary|blob')`;
  const pairs = `regexp_replace(hex(encode(${text})), '(..)', '\\1 ', 'g')`;
  // In UTF-8, U+0080 to U+00BF are C2 and the byte, U+00C0 to U+00FF are C3 and the byte less 40. What a step makes is in lower
  // case, so that no later step takes it for a C2 or C3 of the text.
  const steps: [string, string][] = [
    ['C3 8', 'c'],
    ['C3 9', 'd'],
    ['C3 A', 'e'],
    ['C3 B', 'f'],
    ['C2 ', ''],
    [' ', ''],
  ];
  const collapsed = steps.reduce((sql, [from, to]) => `replace(${sql}, '${from}', '${to}')`, pairs);
  return (
    `CASE WHEN strlen(${text}) = length(${text}) OR ${notBinary} OR regexp_matches(${text}, '[^\\x{0}-\\x{ff}]') ` +
    `THEN encode(${text}) ELSE unhex(${collapsed}) END`
  );
}
