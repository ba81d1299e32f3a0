import { spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { TributaryError } from '../../common/errors.js';
import { toolMissing } from '../preflight.js';
import { OWNER_VARIABLE, type ProcessIdentity, identify, isAlive, processesOwnedBy } from './identity.js';

/** What starts a long-running program. */
export interface Command {
  file: string;
  args: string[];
  env?: NodeJS.ProcessEnv;
  cwd?: string;
}

/** What a pid file holds. */
export interface DaemonRecord extends ProcessIdentity {
  startedAt: string;
  command: string;
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A program that was just started, and how it ended if it has. */
export interface Started {
  record: DaemonRecord;
  exit: () => Exit | undefined;
  /** Resolves when it ends. */
  ended: Promise<Exit>;
  /** Where this run's output begins in the log file. */
  logOffset: number;
}

const LOG_LIMIT_BYTES = 32 * 1024 * 1024;

/** Starts a program in a process group of its own, with its output appended to a log, and writes its pid file. */
export async function startDaemon(
  command: Command,
  files: { log: string; pid: string; owner: string },
): Promise<Started> {
  mkdirSync(dirname(files.log), { recursive: true });
  mkdirSync(dirname(files.pid), { recursive: true });
  const logOffset = rotateLog(files.log);
  const output = openSync(files.log, 'a');
  let exit: Exit | undefined;
  const child = spawn(command.file, command.args, {
    cwd: command.cwd,
    env: { ...cleanEnvironment(), ...command.env, [OWNER_VARIABLE]: files.owner },
    detached: true,
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  const ended = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => resolve((exit = { code, signal })));
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'ENOENT' ? toolMissing(command.file, error) : error);
    });
  });
  child.unref();
  const pid = child.pid ?? 0;
  const record: DaemonRecord = {
    ...(identify(pid) ?? { pid, born: 'gone' }),
    startedAt: new Date().toISOString(),
    command: command.file,
  };
  writeFileSync(files.pid, JSON.stringify(record, null, 2) + '\n');
  return { record, exit: () => exit, ended, logOffset };
}

/** The pid file's content if there is one, alive or not. */
export function readRecord(pidFile: string): DaemonRecord | undefined {
  try {
    return JSON.parse(readFileSync(pidFile, 'utf8')) as DaemonRecord;
  } catch {
    return undefined;
  }
}

/** All live processes of a unit: the recorded one, and any that carry its owner mark. */
export function liveProcesses(pidFile: string, owner: string): ProcessIdentity[] {
  const record = readRecord(pidFile);
  const marked = processesOwnedBy(owner);
  if (record !== undefined && isAlive(record) && !marked.some(({ pid }) => pid === record.pid))
    marked.push(record);
  return marked;
}

/** Ends every process of a unit: SIGTERM, and SIGKILL for what is left at the deadline. True if there was any. */
export async function stopDaemon(pidFile: string, owner: string, graceMs: number): Promise<boolean> {
  const first = liveProcesses(pidFile, owner);
  signalAll(first, graceMs > 0 ? 'SIGTERM' : 'SIGKILL');
  const start = Date.now();
  let killed = graceMs <= 0;
  for (;;) {
    const left = liveProcesses(pidFile, owner);
    if (left.length === 0) break;
    const waited = Date.now() - start;
    if (!killed && waited > graceMs) {
      signalAll(left, 'SIGKILL');
      killed = true;
    } else if (killed && waited > graceMs + 10_000) {
      throw new TributaryError({
        code: 'StackProcessStuck',
        message: `Process ${left.map(({ pid }) => pid).join(', ')} of ${owner} does not end, even by SIGKILL.`,
        retryable: true,
      });
    }
    await delay(50);
  }
  rmSync(pidFile, { force: true });
  return first.length > 0;
}

function signalAll(processes: ProcessIdentity[], signal: NodeJS.Signals): void {
  for (const identity of processes) {
    // A pid may have gone to another process since it was listed.
    if (!isAlive(identity)) continue;
    // Its group if it leads one, as every unit does; else itself.
    if (!send(-identity.pid, signal)) send(identity.pid, signal);
  }
}

function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** Keeps one old log; gives the offset at which the next run's output will begin. */
function rotateLog(log: string): number {
  if (!existsSync(log)) return 0;
  const size = statSync(log).size;
  if (size < LOG_LIMIT_BYTES) return size;
  renameSync(log, `${log}.1`);
  return 0;
}

/** A shell set up for another Hadoop or Java program must not change ours. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const foreign = /^(CLASSPATH|HADOOP_|HDFS_|YARN_|HIVE_|TEZ_|KAFKA_|TEMPORAL_|NODE_OPTIONS$|npm_)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
}
