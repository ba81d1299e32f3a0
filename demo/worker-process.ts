import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Compiled, this file is one directory deeper than its source. */
const CLI = ['../bin/tributary.mjs', '../../bin/tributary.mjs']
  .map((path) => fileURLToPath(new URL(path, import.meta.url)))
  .find((path) => existsSync(path))!;

/** A worker in a process of its own, as people run it; its log goes to a file. */
export function spawnWorker(config: string, logFile: string): ChildProcess {
  const log = openSync(logFile, 'a');
  return spawn(process.execPath, [CLI, 'worker', '-c', config], { stdio: ['ignore', log, log] });
}

/** Runs a command of the CLI and shows what it prints. */
export async function runCli(args: string[]): Promise<void> {
  const child = spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', 'inherit', 'inherit'] });
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  if (code !== 0) throw new Error(`tributary ${args.join(' ')} ended with exit code ${String(code)}`);
}

/** Ends a process and waits for it. */
export async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await ended;
}
