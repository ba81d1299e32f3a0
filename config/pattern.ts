/** Names of databases, tables and collections: exact, or a regular expression between slashes. */

const ANY = /^\/(.*)\/$/s;

/** True for `/…/`. */
export function isPattern(text: string): boolean {
  return ANY.test(text);
}

/** The anchored source of a regular expression that matches the same names; works in JavaScript and RE2 (DuckDB). */
export function compilePattern(text: string): string {
  const expression = ANY.exec(text)?.[1];
  return expression === undefined
    ? `^${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`
    : `^(?:${expression})$`;
}

/** True for what `compilePattern` makes of an exact name. */
export function isExact(compiled: string): boolean {
  return !compiled.startsWith('^(?:');
}

/** What is wrong with a name or pattern, or undefined. */
export function patternProblem(text: string): string | undefined {
  const expression = ANY.exec(text)?.[1];
  if (expression === undefined) {
    if (text.startsWith('/')) return `the pattern ${text} must end with "/"; flags are not supported`;
    if (/\\[dw]|[*+?^|()[\]]/.test(text)) {
      return `"${text}" is taken as an exact name; put a regular expression between slashes: /${text}/`;
    }
    return undefined;
  }
  if (/\(\?[=!<]|\\[1-9]/.test(expression)) {
    return `the pattern ${text} uses look-around or a back-reference, which DuckDB cannot run`;
  }
  try {
    new RegExp(expression);
    return undefined;
  } catch (error) {
    return `the pattern ${text} is not a regular expression: ${(error as Error).message}`;
  }
}
