// npm run demo: everything from a fresh checkout to what Hive answers.
import { spawnSync } from 'node:child_process';
import { root, run, setup } from './setup.mjs';

const lite = process.argv.includes('--lite');
const mirror = process.argv.includes('mirror');
setup();
run('starting the services', 'npm', [
  'run',
  '--silent',
  'stack',
  '--',
  'up',
  ...(lite ? ['temporal', 'kafka', ...(mirror ? ['tidb', 'mongo'] : [])] : []),
]);
const { status } = spawnSync(process.execPath, ['dist/demo/cli.js', ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
