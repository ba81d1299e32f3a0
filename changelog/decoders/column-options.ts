import { TributaryError } from '../../common/errors.js';
import type { DecoderOptions } from './problem.js';

/** Facts about columns that the log does not carry and the configuration may declare. */
export interface ColumnOptions {
  /** Members of an ENUM or SET, in order; undefined: not declared, the value stays an index or a mask. */
  members(database: string, table: string, column: string): readonly string[] | undefined;
  /** True for a generated column. */
  generated(database: string, table: string, column: string): boolean;
}

/**
 * Reads `members.<column>`, `members.<table>.<column>` or `members.<database>.<table>.<column>` (a comma list, or a
 * JSON array if a member has a comma) and `generated` (a comma list of columns named in the same three ways). The
 * longest name wins.
 */
export function columnOptions(options: DecoderOptions): ColumnOptions {
  const members = new Map<string, readonly string[]>();
  const generated = new Set<string>();
  for (const [name, value] of Object.entries(options)) {
    if (name.startsWith('members.')) {
      members.set(name.slice('members.'.length), memberList(name, String(value)));
    } else if (name === 'generated') {
      for (const column of String(value).split(',')) generated.add(column.trim());
    }
  }
  const names = (database: string, table: string, column: string): string[] => [
    `${database}.${table}.${column}`,
    `${table}.${column}`,
    column,
  ];
  return {
    members: (database, table, column) => {
      if (members.size === 0) return undefined;
      const name = names(database, table, column).find((candidate) => members.has(candidate));
      return name === undefined ? undefined : members.get(name);
    },
    generated: (database, table, column) =>
      generated.size > 0 && names(database, table, column).some((name) => generated.has(name)),
  };
}

function memberList(name: string, text: string): string[] {
  if (!text.trimStart().startsWith('[')) return text.split(',');
  try {
    const list: unknown = JSON.parse(text);
    if (Array.isArray(list) && list.every((member) => typeof member === 'string')) return list;
  } catch {
    // Reported below.
  }
  throw new TributaryError({
    code: 'ConfigInvalid',
    message: `format option ${name} must be a comma list or a JSON array of texts`,
    attributes: { option: name },
  });
}
