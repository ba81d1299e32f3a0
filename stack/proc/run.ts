import { spawn } from 'node:child_process';
import { TributaryError } from '../../common/errors.js';
import { toolMissing } from '../preflight.js';

export interface RunOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Called with each complete line of output as it comes. */
  onLine?: (line: string) => void;
  timeoutMs?: number;
  /** Written to the program's standard input. */
  input?: string | Buffer;
}

export interface RunResult {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

const KEPT_CHARACTERS = 64 * 1024 * 1024;

/** Runs a program to its end and gives its output, whatever its exit code. */
export function run(file: string, args: string[], options: RunOptions = {}): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(options.timeoutMs === undefined
        ? {}
        : { timeout: options.timeoutMs, killSignal: 'SIGKILL' as const }),
    });
    const stdout = collect(child.stdout, options.onLine);
    const stderr = collect(child.stderr, options.onLine);
    child.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'ENOENT' ? toolMissing(file, error) : error);
    });
    child.once('close', (code, signal) => resolve({ code, signal, stdout: stdout(), stderr: stderr() }));
    // A program that ends without reading its input is no fault.
    child.stdin.on('error', () => {});
    child.stdin.end(options.input);
  });
}

/** Like `run`, but an exit code other than 0 is an error that holds the last lines of output. */
export async function runChecked(what: string, file: string, args: string[], options: RunOptions = {}) {
  const result = await run(file, args, options);
  if (result.code === 0) return result;
  const end =
    result.code === null ? `was ended by ${result.signal ?? 'a signal'}` : `ended with code ${result.code}`;
  throw new TributaryError({
    code: 'StackCommandFailed',
    message: `${what}: \`${[file, ...args].join(' ')}\` ${end}. It said:\n${firstAndLastLines(result.stdout + result.stderr)}`,
    retryable: true,
    attributes: { exitCode: result.code },
  });
}

/** The last lines of a text, indented, for putting into a message. */
export function lastLines(text: string, count = 15): string {
  return indented(text.trimEnd().split('\n').slice(-count));
}

/** The first and last lines of a text: usage errors come first, stack traces end with their cause. */
export function firstAndLastLines(text: string): string {
  const lines = text.trimEnd().split('\n');
  return lines.length <= 18 ? indented(lines) : indented([...lines.slice(0, 3), '...', ...lines.slice(-14)]);
}

function indented(lines: string[]): string {
  return lines.map((line) => `    ${line.slice(0, 400)}`).join('\n');
}

function collect(stream: NodeJS.ReadableStream, onLine?: (line: string) => void): () => string {
  const parts: string[] = [];
  let length = 0;
  let open = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    parts.push(text);
    length += text.length;
    while (length > KEPT_CHARACTERS && parts.length > 1) length -= parts.shift()?.length ?? 0;
    if (!onLine) return;
    const lines = (open + text).split('\n');
    open = lines.pop() ?? '';
    lines.forEach(onLine);
  });
  return () => parts.join('');
}
