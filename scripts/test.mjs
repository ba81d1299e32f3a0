// npm test: the whole suite on a bare machine, as CI runs it. The fast loop is npm run test:watch.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { root, run, setup } from './setup.mjs';

const RESULTS = join(root, '.stack', 'test-results');
const totals = { passed: 0, failed: 0, skipped: 0 };
/** What failed, said again at the very end: logs are read from there, and cut at the other. */
const failures = [];

function failed(what, message = '') {
  totals.failed += 1;
  failures.push({ what, message: message.split('\n').slice(0, 12).join('\n    ') });
}

/** A check without cases of its own counts as one. */
function check(title, args) {
  if (run(title, 'npm', ['run', '--silent', ...args], { mayFail: true })) totals.passed += 1;
  else failed(title);
}

/** One vitest project; its counts come from vitest's own report. */
function suite(project, env = process.env) {
  const outputFile = join(RESULTS, `${project}.json`);
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${outputFile}`];
  const passed = run(`${project} tests`, 'npx', ['vitest', 'run', '--project', project, ...reporters], {
    env,
    mayFail: true,
  });
  try {
    const report = JSON.parse(readFileSync(outputFile, 'utf8'));
    totals.passed += report.numPassedTests;
    const before = totals.failed;
    for (const file of report.testResults) {
      const name = relative(root, file.name);
      const broken = file.assertionResults.filter((test) => test.status === 'failed');
      for (const test of broken) failed(`${name}: ${test.fullName}`, test.failureMessages.join('\n'));
      // A file that cannot be loaded has no failed test of its own, and must not look like success.
      if (file.status === 'failed' && broken.length === 0) failed(name, file.message);
    }
    totals.skipped += report.numPendingTests + report.numTodoTests;
    if (!passed && totals.failed === before) failed(`${project} tests`);
    if (report.numTotalTests === 0) failed(`${project} tests`, 'no test was found');
  } catch (error) {
    failed(`${project} tests`, String(error));
  }
}

function stack(args, env, options = {}) {
  return run(`services ${args[0]}`, 'npm', ['run', '--silent', 'stack', '--', ...args], { env, ...options });
}

/** What the services themselves complained of: the other half of a failure that only CI sees. */
function serviceComplaints({ TRIBUTARY_STACK_DIR }) {
  const logs = join(TRIBUTARY_STACK_DIR, 'logs');
  for (const name of readdirSync(logs)) {
    const lines = readFileSync(join(logs, name), 'utf8').split('\n');
    const complaints = lines.filter((line) => /\b(ERROR|FATAL|uncleanable|OutOfMemory)\b/i.test(line));
    for (const line of complaints.slice(-5)) console.log(`  ${name}: ${line.slice(0, 300)}`);
  }
}

rmSync(RESULTS, { recursive: true, force: true });
mkdirSync(RESULTS, { recursive: true });
const withServices = !process.argv.includes('--no-services');
setup();
check('types', ['typecheck']);
check('lint', ['lint']);
check('format', ['format:check']);
check('docs in step with the schema', ['docs:config', '--', '--check']);
suite('unit');
suite('replay');
if (withServices) {
  // Services of their own, so that a stack in use is left alone.
  const env = {
    ...process.env,
    TRIBUTARY_STACK_DIR: join(root, '.stack', 'test'),
    TRIBUTARY_STACK_PORT_OFFSET: process.env.TRIBUTARY_STACK_PORT_OFFSET ?? '2000',
  };
  const down = () =>
    spawnSync('npm', ['run', '--silent', 'stack', '--', 'down', '--wipe'], {
      cwd: root,
      env,
      stdio: 'inherit',
    });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => (down(), process.exit(1)));
  down();
  if (stack(['up', '--all'], env, { mayFail: true })) {
    // Optional, as MariaDB is no package of any language's: their tests are skipped without it.
    stack(['up', 'mariadb', 'connect'], env, { mayFail: true });
    suite('integration', env);
    suite('e2e', env);
    if (totals.failed > 0) serviceComplaints(env);
  } else {
    failed('services up');
    stack(['logs'], env, { mayFail: true });
  }
  down();
}
for (const { what, message } of failures) console.log(`\nfailed: ${what}\n    ${message}`);
console.log(`\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exitCode = totals.failed === 0 ? 0 : 1;
