// npm run demo: everything from a fresh checkout to what Hive answers.
import { spawnSync } from 'node:child_process';
import { root, run, setup } from './setup.mjs';

if (process.argv.some((argument) => argument === '--help' || argument === '-h')) {
  console.log(`npm run demo                lands a stat log in Hive, with a worker killed on the way
npm run demo -- mirror      mirrors a shop in TiDB and MongoDB, boundary by boundary

  --lite            files instead of HDFS and Hive
  --events=N        log: events to produce (300000)
  --boundaries=N    mirror: boundaries that pass (3)
  --orders=N        mirror: orders that are there before the log begins (4000)`);
  process.exit(0);
}
const lite = process.argv.includes('--lite');
const mirror = process.argv.includes('mirror');
setup();
run('starting the services', 'npm', [
  'run',
  '--silent',
  'stack',
  '--',
  'up',
  ...(lite ? ['temporal', 'kafka'] : ['temporal', 'kafka', 'hdfs', 'hive']),
  ...(mirror ? ['tidb', 'mongo'] : []),
]);
const { status } = spawnSync(process.execPath, ['dist/demo/cli.js', ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
