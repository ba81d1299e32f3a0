import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { TributaryError, errorMessage } from '../common/errors.js';
import { CHECKOUT_DIR, stackPaths } from './paths.js';
import { type Ports, parsePortOffset, portsFor } from './ports.js';

/** What a stack remembers between commands, in `state.json` of its directory. */
export interface StackState {
  version: 1;
  /** The checkout whose commands made this stack. */
  checkout: string;
  portOffset: number;
  ports: Ports;
  /** Units that `up` was asked for and `down` was not. */
  wanted: string[];
}

/** The stack's state, or undefined if nothing was ever started here. */
export function readState(root: string): StackState | undefined {
  const file = stackPaths(root).stateFile;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const state = JSON.parse(text) as StackState;
    // A port that a newer version added is not in an older file.
    return { ...state, ports: { ...portsFor(state.portOffset), ...state.ports } };
  } catch (error) {
    throw new TributaryError({
      code: 'StackStateBroken',
      message: `${file} is not readable as JSON (${errorMessage(error)}). Delete it and run \`npm run stack -- up\` again.`,
      cause: error,
    });
  }
}

/** Replaces the state in one step, so that a reader never sees half of it. */
export function writeState(root: string, state: StackState): void {
  const file = stackPaths(root).stateFile;
  mkdirSync(dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, JSON.stringify(state, null, 2) + '\n');
  renameSync(temporary, file);
}

/** The state of a stack that was never started, with the environment's port offset. */
export function initialState(env: NodeJS.ProcessEnv = process.env): StackState {
  const portOffset = parsePortOffset(env.TRIBUTARY_STACK_PORT_OFFSET || '0');
  return { version: 1, checkout: CHECKOUT_DIR, portOffset, ports: portsFor(portOffset), wanted: [] };
}
