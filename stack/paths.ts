import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

/** The folder `stack/` of this checkout, with its poms, locks and Go modules. */
export const STACK_SOURCE_DIR = here;

/** Root of this checkout. Compiled code lies a folder deeper than its source, and has to find the same stack. */
export const CHECKOUT_DIR = checkoutOf(here);

function checkoutOf(folder: string): string {
  const parent = dirname(folder);
  return existsSync(join(folder, 'package.json')) || parent === folder ? folder : checkoutOf(parent);
}

/** Where downloads and builds are kept, shared by all checkouts of a user. */
export function cacheDir(env: NodeJS.ProcessEnv = process.env): string {
  if (env.TRIBUTARY_CACHE) return resolve(env.TRIBUTARY_CACHE);
  return join(env.XDG_CACHE_HOME ? resolve(env.XDG_CACHE_HOME) : join(homedir(), '.cache'), 'tributary');
}

/** Where one stack keeps its data, logs, pid files and generated configuration. */
export function stackDir(env: NodeJS.ProcessEnv = process.env): string {
  return env.TRIBUTARY_STACK_DIR ? resolve(env.TRIBUTARY_STACK_DIR) : join(CHECKOUT_DIR, '.stack');
}

/** The folders inside one stack's directory. */
export interface StackPaths {
  root: string;
  stateFile: string;
  lockFile: string;
  data: (unit: string) => string;
  conf: (unit: string) => string;
  log: (unit: string) => string;
  pidFile: (unit: string) => string;
}

/** Lays out a stack's directory; nothing is created here. */
export function stackPaths(root: string): StackPaths {
  return {
    root,
    stateFile: join(root, 'state.json'),
    lockFile: join(root, 'lock'),
    data: (unit) => join(root, 'data', unit),
    conf: (unit) => join(root, 'conf', unit),
    log: (unit) => join(root, 'logs', `${unit}.log`),
    pidFile: (unit) => join(root, 'run', `${unit}.json`),
  };
}
