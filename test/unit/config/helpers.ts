import { ConfigError, type Problem } from '../../../config/problems.js';
import { parseConfig, type LoadedConfig, type LoadOptions } from '../../../config/load.js';

export const BASE = `kafka:
  main: { brokers: [127.0.0.1:9092] }
warehouse:
  catalog: { kind: none }
  storage: { kind: file, root: ./data }
  timezone: Asia/Shanghai
`;

/** A table that is right, with other or more lines. */
export const APPEND = `tables:
  - name: clicks
    mode: append
    from: { topic: clicks, format: json }
    time: { path: $.ts }
    columns: [{ name: uid, type: bigint }]
`;

export function load(text: string, options: LoadOptions = {}): LoadedConfig {
  return parseConfig(text, 'tributary.yaml', { env: {}, ...options });
}

/** Errors and warnings of a text that may be right or wrong. */
export function problemsOf(text: string, options: LoadOptions = {}): Problem[] {
  try {
    return load(text, options).warnings;
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

/** `line:column path: message (suggestion)` */
export function told(text: string, options: LoadOptions = {}): string[] {
  return problemsOf(text, options).map(
    ({ line, column, path, message, suggestion }) =>
      `${line}:${column} ${path}: ${message}${suggestion === undefined ? '' : ` (${suggestion})`}`,
  );
}

/** A config with one mirror; `lines` are its options beside name and mode. */
export function mirror(lines: string[], top = BASE): string {
  return `${top}tables:\n  - name: orders\n    mode: mirror\n${lines.map((line) => `    ${line}\n`).join('')}`;
}

export function append(lines: string[], top = BASE): string {
  return `${top}tables:\n  - name: clicks\n    mode: append\n${lines.map((line) => `    ${line}\n`).join('')}`;
}
