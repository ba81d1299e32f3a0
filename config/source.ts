import { LineCounter } from 'yaml';
import { formatPath, type Problem } from './problems.js';
import { maskSecrets } from './secret.js';

export type Span = [start: number, end: number];
export type Path = (string | number)[];

export interface Finding {
  path: Path;
  message: string;
  suggestion?: string;
  severity?: 'error' | 'warning';
  table?: string;
}

/** The text of a config file, and the problems found in it so far. */
export class Source {
  readonly lines = new LineCounter();
  readonly #found = new Map<string, { problem: Problem; span: Span }>();

  constructor(
    readonly file: string,
    readonly text: string,
  ) {}

  /** Notes a problem; the same message at the same place only once. */
  report(span: Span, finding: Finding): void {
    const { line, col } = this.lines.linePos(span[0]);
    const key = `${span[0]} ${finding.message}`;
    if (this.#found.has(key)) return;
    const lineEnd = this.#lineEnd(span[0]);
    const problem: Problem = {
      severity: finding.severity ?? 'error',
      file: this.file,
      line: Math.max(1, line),
      column: Math.max(1, col),
      length: Math.max(1, Math.min(span[1], lineEnd) - span[0]),
      path: formatPath(finding.path),
      message: finding.message,
    };
    if (finding.table !== undefined) problem.table = finding.table;
    if (finding.suggestion !== undefined) problem.suggestion = finding.suggestion;
    this.#found.set(key, { problem, span });
  }

  /** Everything reported, in the order of the file, errors before warnings at one place. */
  problems(): Problem[] {
    const ordered = [...this.#found.values()].sort(
      (a, b) => a.span[0] - b.span[0] || a.problem.severity.localeCompare(b.problem.severity),
    );
    // Masked at the end, when every secret of the file is known.
    return ordered.map(({ problem, span }) => ({ ...problem, source: maskSecrets(this.#lineAt(span[0])) }));
  }

  get hasErrors(): boolean {
    return [...this.#found.values()].some(({ problem }) => problem.severity === 'error');
  }

  #lineAt(offset: number): string {
    const start = this.text.lastIndexOf('\n', offset - 1) + 1;
    return this.text.slice(start, this.#lineEnd(offset));
  }

  #lineEnd(offset: number): number {
    const end = this.text.indexOf('\n', offset);
    return end < 0 ? this.text.length : this.text[end - 1] === '\r' ? end - 1 : end;
  }
}
