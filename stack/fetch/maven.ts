import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { isTributaryError } from '../../common/errors.js';
import { STACK_SOURCE_DIR } from '../paths.js';
import { runChecked } from '../proc/run.js';
import { type Report, heartbeat, seconds } from '../progress.js';
import { type Classpath, EXCLUDED_ARTIFACTS, VERSIONS } from '../versions.js';
import { jarsPresent, makeJarLock, readJarLock, verifyJars } from './jar-lock.js';
import { cached } from './store.js';

/** A directory with exactly the locked jars of a classpath. */
export async function fetchJars(
  cache: string,
  classpath: Classpath,
  unit: string,
  report: Report,
): Promise<string> {
  const { pom, lockFile } = filesOf(classpath);
  const lock = readJarLock(lockFile);
  const key = createHash('sha256').update(readFileSync(lockFile)).digest('hex').slice(0, 16);
  const entry = {
    name: `maven/${classpath}`,
    key,
    lock: `maven-${classpath}`,
    intact: (directory: string) => jarsPresent(directory, lock),
    fill: async (directory: string) => {
      const size = lock.reduce((sum, { bytes }) => sum + bytes, 0);
      report(unit, `fetching ${lock.length} jars (${Math.round(size / 1e6)} MB) with Maven`);
      try {
        await copyDependencies(classpath, pom, directory, unit, report);
      } catch (error) {
        // A registry may fail one request of a thousand; what came already is not fetched again.
        if (isTributaryError(error, 'StackToolMissing')) throw error;
        report(unit, 'Maven failed: trying once more');
        await copyDependencies(classpath, pom, directory, unit, report);
      }
      await verifyJars(directory, lock, lockFile);
    },
  };
  return cached(cache, entry, unit, report);
}

/** Resolves a pom anew and writes its lock file. */
export async function relockJars(classpath: Classpath, report: Report): Promise<void> {
  const { pom, lockFile } = filesOf(classpath);
  const directory = await mkdtemp(join(tmpdir(), 'tributary-lock-'));
  try {
    await copyDependencies(classpath, pom, directory, classpath, report);
    const header = `# SHA-256, size and name of each jar that ${basename(pom)} resolves to. Made by \`npm run stack -- lock\`.\n`;
    writeFileSync(lockFile, header + (await makeJarLock(directory)));
    report(classpath, `wrote ${lockFile}`);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function filesOf(classpath: Classpath) {
  const base = join(STACK_SOURCE_DIR, 'maven', classpath);
  return { pom: `${base}.xml`, lockFile: `${base}.lock` };
}

async function copyDependencies(
  classpath: Classpath,
  pom: string,
  directory: string,
  unit: string,
  report: Report,
) {
  let downloaded = 0;
  let latest = '';
  const stop = heartbeat((elapsed) => {
    report(
      unit,
      `still fetching: ${downloaded} files so far${latest && `, last ${latest}`} (${seconds(elapsed)})`,
    );
  });
  const excluded = EXCLUDED_ARTIFACTS[classpath] ?? [];
  try {
    await runChecked(
      `Fetching the jars of ${classpath}`,
      'mvn',
      [
        '-B',
        '-f',
        pom,
        `org.apache.maven.plugins:maven-dependency-plugin:${VERSIONS.mavenDependencyPlugin}:copy-dependencies`,
        `-DoutputDirectory=${directory}`,
        '-DincludeScope=runtime',
        '-Dmaven.artifact.threads=12',
        ...(excluded.length > 0 ? [`-DexcludeArtifactIds=${excluded.join(',')}`] : []),
      ],
      {
        onLine: (line) => {
          const url = /^\[INFO\] Downloaded from [^:]+: (\S+)/.exec(line)?.[1];
          if (url === undefined) return;
          downloaded += 1;
          latest = basename(url);
        },
      },
    );
  } finally {
    stop();
  }
}
