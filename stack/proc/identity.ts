import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';

/** A process as it can be told from a later one with the same pid. */
export interface ProcessIdentity {
  pid: number;
  /** Boot and start time; opaque, only ever compared. */
  born: string;
}

/** Names the stack and unit that a process was started for; its children inherit it. */
export const OWNER_VARIABLE = 'TRIBUTARY_STACK_OWNER';

const onLinux = process.platform === 'linux';

/** Start of a process as an opaque text, or undefined if there is no such process (or only its zombie). */
export function bornOf(pid: number): string | undefined {
  try {
    if (!onLinux) {
      const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
        encoding: 'utf8',
      }).trim();
      return line === '' || line.startsWith('Z') ? undefined : line.replace(/^\S+\s+/, '');
    }
    const fields = statFields(pid);
    if (fields[0] === 'Z') return undefined;
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${fields[19] ?? ''}`;
  } catch {
    return undefined;
  }
}

/** True while the very process that was recorded is alive. */
export function isAlive(identity: ProcessIdentity): boolean {
  return bornOf(identity.pid) === identity.born;
}

/** Identity of a running process. */
export function identify(pid: number): ProcessIdentity | undefined {
  const born = bornOf(pid);
  return born === undefined ? undefined : { pid, born };
}

/** Resident memory in bytes, or undefined if it cannot be told. */
export function residentBytes(pid: number): number | undefined {
  try {
    if (!onLinux) {
      return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) * 1024;
    }
    const kilobytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
}

/** Command line of a process for people, cut to a readable length. */
export function commandOf(pid: number): string | undefined {
  try {
    const text = onLinux
      ? readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
      : execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
    const line = text.trim();
    // The end tells more than the middle: what a Java or Node program is called comes last.
    return line.length > 100 ? `${line.slice(0, 40)} ... ${line.slice(-55)}` : line;
  } catch {
    return undefined;
  }
}

/** The mark that a process carries if some stack started it: `<stack directory>:<unit>`. */
export function ownerOf(pid: number): string | undefined {
  if (!onLinux) return undefined;
  try {
    const prefix = `${OWNER_VARIABLE}=`;
    const entry = readFileSync(`/proc/${pid}/environ`, 'utf8')
      .split('\0')
      .find((line) => line.startsWith(prefix));
    return entry?.slice(prefix.length);
  } catch {
    return undefined;
  }
}

/** Live processes that carry exactly this owner mark, children of units included (Linux only). */
export function processesOwnedBy(owner: string): ProcessIdentity[] {
  return allPids().flatMap((pid) => {
    if (ownerOf(pid) !== owner) return [];
    const identity = identify(pid);
    return identity === undefined ? [] : [identity];
  });
}

/** All pids that /proc shows; none on a system without it. */
export function allPids(): number[] {
  if (!onLinux) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** Fields of /proc/PID/stat from the third (state) on; the second may hold spaces and brackets. */
function statFields(pid: number): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}
