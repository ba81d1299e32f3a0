import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { errorMessage } from '../common/errors.js';
import { readDocument } from './document.js';
import { ConfigError, type Problem } from './problems.js';
import { ScalarReader } from './scalars.js';
import type { Config } from './schema.js';
import { Source } from './source.js';
import { checkDocument } from './validate.js';

export interface LoadOptions {
  /** Where `${NAME}` looks. Default: the environment of the process. */
  env?: Record<string, string | undefined>;
  /**
   * `optional` lets secrets be absent, for commands that never use them; revealing one then fails.
   * Default: `required`.
   */
  secrets?: 'required' | 'optional';
  /** `connections` leaves the tables out, for commands that look around while a table is not right yet. Default: `all`. */
  sections?: 'all' | 'connections';
}

export interface LoadedConfig {
  file: string;
  /** Directory that relative paths in the file start from. */
  directory: string;
  /** Checked, with all defaults and `defaults:` filled in. Secrets are Secret. */
  config: Config;
  /** Doubts that do not stop anything. */
  warnings: Problem[];
}

/** Reads and checks a config file. Throws ConfigError (code ConfigInvalid) with every problem at once. */
export async function loadConfig(file: string, options: LoadOptions = {}): Promise<LoadedConfig> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const message = `the configuration cannot be read: ${unreadable(error)}`;
    throw new ConfigError(
      file,
      [{ severity: 'error', file, line: 0, column: 0, length: 1, path: '', message }],
      error,
    );
  }
  return parseConfig(text, file, options);
}

function unreadable(error: unknown): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
      return 'there is no such file. Name yours with -c FILE or TRIBUTARY_CONFIG, or begin with a copy of tributary.example.yaml';
    case 'EISDIR':
      return 'it is a directory, not a file';
    default:
      return errorMessage(error);
  }
}

/** Checks the text of a config file; `file` names it in messages, and relative paths start at its directory. */
export function parseConfig(text: string, file: string, options: LoadOptions = {}): LoadedConfig {
  const source = new Source(file, text.replace(/^\uFEFF/, ''));
  const directory = dirname(resolve(file));
  const scalars = new ScalarReader(source, {
    directory,
    env: options.env ?? process.env,
    secrets: options.secrets ?? 'required',
  });
  const document = readDocument(source, scalars);
  if (options.sections === 'connections') delete document?.value['tables'];
  const config = document && checkDocument(document, source);
  const problems = source.problems();
  if (!config || source.hasErrors) throw new ConfigError(file, problems);
  return { file, directory, config, warnings: problems };
}
