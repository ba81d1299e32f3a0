import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { STACK_SOURCE_DIR } from '../paths.js';
import { runChecked } from '../proc/run.js';
import { type Report, heartbeat, seconds } from '../progress.js';
import { cached } from './store.js';

/** A Go program that the stack builds from a module of its own; go.mod and go.sum are its lock. */
export interface GoProgram {
  /** Folder under stack/go. */
  module: string;
  /** Package to build, `.` for the module itself. */
  package: string;
  binary: string;
  ldflags?: string;
  /** What to tell people about how long it takes. */
  expectation: string;
}

/** Path of the built program. */
export async function buildGo(
  cache: string,
  program: GoProgram,
  unit: string,
  report: Report,
): Promise<string> {
  const source = join(STACK_SOURCE_DIR, 'go', program.module);
  const hash = createHash('sha256').update(JSON.stringify([program, process.platform, process.arch]));
  for (const name of ['go.mod', 'go.sum', 'main.go']) {
    const file = join(source, name);
    if (existsSync(file)) hash.update(readFileSync(file));
  }
  const fill = async (directory: string) => {
    report(unit, `building ${program.binary} with Go: ${program.expectation}`);
    await runChecked('Looking for Go', 'go', ['version']);
    let latest = '';
    const stop = heartbeat(
      (elapsed) => report(unit, `still building (${seconds(elapsed)}) ${latest}`.trimEnd()),
      30_000,
    );
    try {
      await runChecked(
        `Building ${program.binary}`,
        // The build takes every core for minutes: other work goes first.
        'nice',
        [
          ...['-n', '10', 'go', 'build', '-mod=readonly', '-buildvcs=false', '-v'],
          ...(program.ldflags === undefined ? [] : ['-ldflags', program.ldflags]),
          ...['-o', join(directory, program.binary), program.package],
        ],
        { cwd: source, onLine: (line) => (latest = line.slice(0, 80)) },
      );
    } finally {
      stop();
    }
  };
  const key = hash.digest('hex').slice(0, 16);
  const entry = { name: `go/${program.module}`, key, lock: `go-${program.module}`, fill };
  return join(await cached(cache, entry, unit, report), program.binary);
}
