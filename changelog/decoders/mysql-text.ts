/** Shortest text that reads back as the same float32: FLOAT columns travel widened to a double. */
export function float32Text(value: number): string {
  // toPrecision drops the sign of -0.
  if (value !== 0 && Math.fround(value) === value) {
    for (let digits = 1; digits <= 9; digits++) {
      const candidate = Number(value.toPrecision(digits));
      if (Math.fround(candidate) === value) return doubleText(candidate);
    }
  }
  return doubleText(value);
}

/** Shortest text that reads back as the same double. */
export function doubleText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

/** Name of an ENUM index; 0 is MySQL's empty "invalid" member. An index beyond the list (it was altered) stays a number. */
export function enumText(index: string, members: readonly string[] | undefined): string {
  if (members === undefined) return index;
  return index === '0' ? '' : (members[Number(index) - 1] ?? index);
}

/** Names of a SET mask, joined by commas as MySQL does. A mask with a bit beyond the list stays a number. */
export function setText(mask: string, members: readonly string[] | undefined): string {
  if (members === undefined) return mask;
  const bits = BigInt(mask);
  if (bits >> BigInt(members.length) !== 0n) return mask;
  return members.filter((_, bit) => (bits >> BigInt(bit)) & 1n).join(',');
}

const BINARY = new Set(['binary', 'varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob', 'geometry']);

/** True for base types whose values are bytes. */
export function isBinaryType(base: string): boolean {
  return BINARY.has(base);
}

/** `enum('a','b')`: the type as MySQL writes it, which tells readers that the value is a name and not an index. */
export function memberType(base: string, members: readonly string[]): string {
  return `${base}(${members.map((member) => `'${member.replaceAll("'", "''")}'`).join(',')})`;
}

/** What a DDL statement does: its first word, lower case (`create`, `alter`, `drop`, `rename`, `truncate` ...). */
export function ddlKind(sql: string): string {
  return /^\s*(?:\/\*.*?\*\/\s*)*([a-z]+)/is.exec(sql)?.[1]?.toLowerCase() ?? 'ddl';
}
