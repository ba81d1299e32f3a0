import { TributaryError } from '../common/errors.js';
import { lit } from '../warehouse/duckdb.js';

/** Steps of a JSON path: member names, and indexes of arrays. */
export type PathStep = string | number;

/**
 * Takes `$.a."b c"['d'][0]` apart; `$` alone is the whole document.
 * @throws TributaryError BadJsonPath (attributes path)
 */
export function parseJsonPath(path: string): PathStep[] {
  const steps: PathStep[] = [];
  let rest = path.startsWith('$') ? path.slice(1) : `.${path}`;
  const pattern = /^(?:\.([^.["\]]+)|\."((?:[^"\\]|\\.)*)"|\[(\d+)\]|\['([^']*)'\]|\["((?:[^"\\]|\\.)*)"\])/;
  while (rest !== '') {
    const match = pattern.exec(rest);
    if (!match) {
      throw new TributaryError({
        code: 'BadJsonPath',
        message: `"${path}" is not a JSON path: cannot read it from "${rest}" on. Write members as $.a.b or $."a b", elements as [0].`,
        attributes: { path },
      });
    }
    const [whole, plain, quoted, index, bracket, bracketQuoted] = match;
    if (index !== undefined) steps.push(Number(index));
    else if (quoted !== undefined || bracketQuoted !== undefined) {
      steps.push(JSON.parse(`"${quoted ?? bracketQuoted!}"`) as string);
    } else steps.push(plain ?? bracket!);
    rest = rest.slice(whole.length);
  }
  return steps;
}

/** Steps as an SQL literal that DuckDB's JSON functions take as a path. */
export function duckPath(steps: PathStep[]): string {
  const parts = steps.map((step) =>
    typeof step === 'number' ? `[${step}]` : `."${step.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`,
  );
  return lit(`$${parts.join('')}`);
}
