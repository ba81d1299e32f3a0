// Makes a checkout ready to run: packages and build. Plain Node, because nothing is installed yet when it runs.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Runs a program in the checkout; ends this one with its exit code if it fails. */
export function run(title, command, args, options = {}) {
  const begun = Date.now();
  console.log(`\n> ${title}`);
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  const seconds = ((Date.now() - begun) / 1000).toFixed(0);
  if (result.error) throw result.error;
  if (result.status !== 0 && !options.mayFail) {
    console.error(`${title} failed after ${seconds} s (exit code ${result.status ?? result.signal})`);
    process.exit(result.status ?? 1);
  }
  console.log(`  ${title}: ${result.status === 0 ? 'done' : 'failed'} in ${seconds} s`);
  return result.status === 0;
}

/** Checks Node, installs the locked packages if they are not, and builds. */
export function setup() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    console.error(`Tributary needs Node.js 20.19 or newer; this is ${process.versions.node}.`);
    process.exit(1);
  }
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const stamp = join(root, 'node_modules', '.tributary-lock');
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== lock) {
    run('installing packages', 'npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
    writeFileSync(stamp, lock);
  }
  run('building', 'npm', ['run', '--silent', 'build']);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) setup();
