import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { isTributaryError } from '../common/errors.js';
import { environmentLines, yamlSnippet } from './env.js';
import { relockJars } from './fetch/maven.js';
import { hiveSql, rowLines } from './hive-sql.js';
import { StackManager } from './manager.js';
import { stackPaths } from './paths.js';
import { parsePortOffset } from './ports.js';
import { lineReporter } from './progress.js';
import { ALL, CORE, selectUnits } from './services/index.js';
import { statusTable } from './table.js';
import type { Classpath } from './versions.js';

const manager = new StackManager({ report: lineReporter() });
const program = new Command('npm run stack --')
  .description('The real services that Tributary works with, on this machine and without Docker.')
  .showHelpAfterError();

program
  .command('up')
  .description(`start services and wait until they answer; without names: ${CORE.join(', ')}`)
  .argument('[service...]')
  .option('--all', `start ${ALL.join(', ')}`)
  .option('--port-offset <number>', 'add this to every port; kept until the data are deleted')
  .action(async (services: string[], options: { all?: boolean; portOffset?: string }) => {
    const names = [...services, ...(options.all ? ALL : [])];
    const portOffset =
      options.portOffset === undefined ? {} : { portOffset: parsePortOffset(options.portOffset) };
    await manager.up(names.length > 0 ? names : CORE, portOffset);
    const { temporal } = manager.endpoints;
    console.log(`Ready. Temporal Web UI: ${temporal.uiUrl}   Next: npm run stack -- status`);
  });

program
  .command('down')
  .description('end services (all of them without names) and what needs them')
  .argument('[service...]')
  .option('--wipe', 'delete their data too')
  .action(async (services: string[], options: { wipe?: boolean }) => {
    await manager.down(services, options);
    console.log(services.length === 0 ? 'The stack is down.' : `Down: ${services.join(', ')}.`);
  });

program
  .command('status')
  .description('show services; exits with 1 if one that should be up is not')
  .option('--json', 'print JSON')
  .action(async (options: { json?: boolean }) => {
    const units = await manager.status();
    const failed = units.some(({ wanted, state }) => wanted && state !== 'up');
    console.log(
      options.json ? JSON.stringify({ ok: !failed, root: manager.root, units }, null, 2) : statusTable(units),
    );
    if (failed) process.exitCode = 1;
  });

program
  .command('logs')
  .description('show the end of logs')
  .argument('[service...]')
  .option('-n, --lines <number>', 'how many lines', '50')
  .option('-f, --follow', 'go on showing new lines')
  .action((services: string[], options: { lines: string; follow?: boolean }) => {
    const paths = stackPaths(manager.root);
    const units = selectUnits(services.length > 0 ? services : ALL);
    const files = units.map(({ name }) => paths.log(name)).filter((file) => existsSync(file));
    if (files.length === 0) return console.log(`There are no logs in ${manager.root} yet.`);
    spawnSync('tail', ['-n', options.lines, ...(options.follow ? ['-F'] : []), ...files], {
      stdio: 'inherit',
    });
  });

program
  .command('restart')
  .description('end services in good order and start them again')
  .argument('<service...>')
  .action(async (services: string[]) => {
    for (const name of services) await manager.restart(name);
  });

program
  .command('kill')
  .description('end services by SIGKILL, as a crash would')
  .argument('<service...>')
  .action(async (services: string[]) => {
    for (const name of services) await manager.kill(name);
  });

program
  .command('fetch')
  .description('bring programs into the cache without starting them')
  .argument('[service...]')
  .action((services: string[]) => manager.fetch(services.length > 0 ? services : CORE));

program
  .command('lock')
  .description('resolve the poms of classpaths anew and write their lock files')
  .argument('<classpath...>', 'kafka, hdfs, hive, debezium')
  .action(async (classpaths: Classpath[]) => {
    for (const classpath of classpaths) await relockJars(classpath, manager.report);
  });

program
  .command('sql')
  .description("run a statement on the stack's Hive and print its rows")
  .argument('<statement>')
  .action(async (statement: string) => {
    const { host, port } = manager.endpoints.hive;
    console.log(rowLines(await hiveSql(host, port, statement)));
  });

program
  .command('env')
  .description('print the addresses of the services as export lines')
  .option('--yaml', 'print the parts of a tributary.yaml instead')
  .action((options: { yaml?: boolean }) => {
    console.log(options.yaml ? yamlSnippet(manager.endpoints) : environmentLines(manager.endpoints));
  });

// `... | head` closes the pipe in the middle; the work goes on.
process.stdout.on('error', () => {});

process.once('SIGINT', () => {
  console.error('\nInterrupted. What was started goes on: `npm run stack -- status`, or `down` to end it.');
  process.exit(130);
});

try {
  await program.parseAsync();
} catch (error) {
  for (const one of error instanceof AggregateError ? (error.errors as unknown[]) : [error]) {
    if (isTributaryError(one)) console.error(`error: ${one.message}`);
    else console.error(one);
  }
  process.exitCode = 1;
}
