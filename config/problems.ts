import pc from 'picocolors';
import { TributaryError } from '../common/errors.js';
import { redact } from './secret.js';

/** One mistake (or doubt) in a config file. */
export interface Problem {
  severity: 'error' | 'warning';
  file: string;
  /** 1-based; 0 if the file itself is the problem. */
  line: number;
  /** 1-based. */
  column: number;
  /** Length of the text at fault on its line, at least 1. */
  length: number;
  /** Where in the document, as in `tables[2].columns[0].type`. Empty for the file itself. */
  path: string;
  /** Name of the table concerned, if it is one. */
  table?: string;
  message: string;
  /** What was probably meant. */
  suggestion?: string;
  /** The line of the file, secrets masked with stars. */
  source?: string;
}

/** A config file that cannot be used, with everything that is wrong about it. */
export class ConfigError extends TributaryError {
  readonly problems: Problem[];

  constructor(file: string, problems: Problem[], cause?: unknown) {
    const errors = problems.filter((problem) => problem.severity === 'error');
    super({
      code: 'ConfigInvalid',
      message: formatProblems(problems, { color: false }),
      attributes: { file, problems: errors.map(oneLine) },
      cause,
    });
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** `file:line:column: message`, the form that editors and CI logs jump to. */
export function oneLine(problem: Problem): string {
  return redact(`${place(problem)}: ${sentence(problem)}`);
}

/** All problems for a terminal: place, path, message, the source line and a caret, and a count at the end. */
export function formatProblems(problems: Problem[], options: { color?: boolean } = {}): string {
  if (problems.length === 0) return '';
  const paint = pc.createColors(options.color ?? false);
  const blocks = problems.map((problem) => {
    const tint = problem.severity === 'error' ? paint.red : paint.yellow;
    const path = problem.path === '' ? '' : `  ${problem.path}`;
    const table = problem.table === undefined ? '' : ` (table ${problem.table})`;
    const head = `${paint.bold(place(problem))}${paint.dim(path + table)}`;
    const text = `  ${tint(problem.severity)}: ${redact(sentence(problem))}`;
    return [head, text, ...excerpt(problem, paint.dim, tint)].join('\n');
  });
  return [...blocks, summary(problems)].join('\n\n');
}

function summary(problems: Problem[]): string {
  const errors = problems.filter((problem) => problem.severity === 'error').length;
  const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;
  const parts = [count(errors, 'error')];
  if (errors < problems.length) parts.push(count(problems.length - errors, 'warning'));
  return `${parts.join(', ')} in ${problems[0]?.file ?? 'the configuration'}`;
}

function place(problem: Problem): string {
  return problem.line === 0 ? problem.file : `${problem.file}:${problem.line}:${problem.column}`;
}

function sentence(problem: Problem): string {
  const { message, suggestion } = problem;
  return suggestion === undefined ? message : `${message}. Did you mean "${suggestion}"?`;
}

type Paint = (text: string) => string;

function excerpt(problem: Problem, dim: Paint, tint: Paint): string[] {
  if (problem.source === undefined) return [];
  const number = String(problem.line).padStart(5);
  const before = problem.source.slice(0, problem.column - 1);
  const marked = problem.source.slice(problem.column - 1, problem.column - 1 + problem.length);
  const indent = [...before].map((char) => (char === '\t' ? char : ' '.repeat(width(char)))).join('');
  const carets = '^'.repeat(
    Math.max(
      1,
      [...marked].reduce((sum, char) => sum + width(char), 0),
    ),
  );
  return [`${dim(`${number} |`)} ${problem.source}`, `${dim('      |')} ${indent}${tint(carets)}`];
}

/** Terminal cells of a character: East Asian ones take two. */
function width(char: string): number {
  return /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6]|[\u{1f300}-\u{1f9ff}]|[\u{20000}-\u{3fffd}]/u.test(
    char,
  )
    ? 2
    : 1;
}

/** `tables[2].columns[0].type`, with quotes round names that are not plain words. */
export function formatPath(path: readonly (string | number)[]): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    if (!/^[\w-]+$/.test(step)) return `${text}[${JSON.stringify(step)}]`;
    return text === '' ? step : `${text}.${step}`;
  }, '');
}
