import { createHash } from 'node:crypto';
import { createReadStream, readFileSync, readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { TributaryError } from '../../common/errors.js';

/** One line of a lock file. */
export interface LockedFile {
  sha256: string;
  bytes: number;
  name: string;
}

/** Reads a lock file: `sha256 bytes name` a line. */
export function readJarLock(file: string): LockedFile[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [sha256, bytes, name] = line.split(' ');
      if (!sha256 || !name || !Number.isInteger(Number(bytes))) {
        throw new TributaryError({
          code: 'StackLockBroken',
          message: `${file}: cannot read the line "${line}".`,
        });
      }
      return { sha256, bytes: Number(bytes), name };
    });
}

/** The lock file's text for what a directory holds. */
export async function makeJarLock(directory: string): Promise<string> {
  const lines: string[] = [];
  for (const name of readdirSync(directory).sort()) {
    const file = join(directory, name);
    lines.push(`${await sha256Of(file)} ${statSync(file).size} ${name}`);
  }
  return lines.join('\n') + '\n';
}

/** Fails unless the directory holds exactly the locked files, each with its hash. */
export async function verifyJars(directory: string, lock: LockedFile[], lockFile: string): Promise<void> {
  const present = new Set(readdirSync(directory));
  const wrong: string[] = [];
  for (const { name, sha256 } of lock) {
    if (!present.delete(name)) wrong.push(`${name}: missing`);
    else if ((await sha256Of(join(directory, name))) !== sha256)
      wrong.push(`${name}: other content than locked`);
  }
  for (const name of present) wrong.push(`${name}: not in the lock`);
  if (wrong.length === 0) return;
  throw new TributaryError({
    code: 'StackJarMismatch',
    message:
      `What Maven resolved differs from ${lockFile}; nothing of it will be run:\n` +
      wrong.map((line) => `    ${line}`).join('\n') +
      `\nIf your local Maven repository is damaged, delete the jar there and run this again. ` +
      `If you changed the pom, run \`npm run stack -- lock ${basename(lockFile, '.lock')}\` and review the difference.`,
    attributes: { files: wrong.slice(0, 20) },
  });
}

/** True if every locked file is there with its size: enough for content that was hashed when it came. */
export function jarsPresent(directory: string, lock: LockedFile[]): boolean {
  return lock.every(
    ({ name, bytes }) => statSync(join(directory, name), { throwIfNoEntry: false })?.size === bytes,
  );
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
