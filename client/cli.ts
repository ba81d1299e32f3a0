import { Command } from 'commander';
import pc from 'picocolors';
import { errorMessage, TributaryError } from '../common/errors.js';
import { ConfigError, formatProblems } from '../config/problems.js';
import { redact, redactForeign } from '../common/redact.js';
import { addQuarantine } from './cli-quarantine.js';
import type { BackfillOptions } from './commands/backfill.js';
import type { VerifyOptions } from './commands/verify.js';
import { note, printJson } from './output.js';
import { DETACH, detached, noWait, positive } from './arguments.js';

const DEFAULT_CONFIG = 'tributary.yaml';

/** The program `tributary`. Commands are loaded when they run, so that `--help` needs no native library. */
export function createProgram(): Command {
  const program = new Command('tributary')
    .description('Lands Kafka logs and change logs in Hive exactly once, on Temporal.')
    .version('0.1.0')
    .showHelpAfterError('(tributary --help lists the commands)')
    .configureHelp({ sortSubcommands: false });

  const withConfig = (command: Command): Command =>
    command.option('-c, --config <file>', 'config file', process.env['TRIBUTARY_CONFIG'] ?? DEFAULT_CONFIG);
  const command = (usage: string, summary: string): Command =>
    withConfig(program.command(usage).description(summary));

  command('worker', 'runs a worker until it is told to stop (SIGTERM, SIGINT)').action(
    async (options: { config: string }) => (await import('./commands/worker.js')).worker(options),
  );
  command('validate', 'checks the config and reports every mistake')
    .option('--json', 'print JSON')
    .action(async (options: { config: string; json?: boolean }) =>
      (await import('./commands/validate.js')).validate(options),
    );
  command('discover [topic]', 'looks at a topic and proposes the config of a table; lists topics without one')
    .option('--kafka <name>', 'cluster of the config')
    .option('--records <n>', 'records to look at, per partition', positive, 200)
    .option('--json', 'print JSON')
    .action(
      async (
        topic: string | undefined,
        options: { config: string; kafka?: string; records: number; json?: boolean },
      ) => (await import('./commands/discover.js')).discover(topic, options),
    );
  command('start [tables...]', 'starts tables, or applies a changed config to those that run')
    .option('--dry-run', 'show what would change and change nothing')
    .option(
      '--rebootstrap',
      'read the sources of these mirrors once more, and make the next snapshots from that',
    )
    .option('--json', 'print JSON')
    .action(
      async (
        tables: string[],
        options: { config: string; json?: boolean; dryRun?: boolean; rebootstrap?: boolean },
      ) => (await import('./commands/start.js')).start(tables, options),
    );
  command('stop <tables...>', 'stops tables; positions and data stay')
    .option('--json', 'print JSON')
    .action(async (tables: string[], options: { config: string; json?: boolean }) =>
      (await import('./commands/signal.js')).stop(tables, options),
    );
  command('status [table]', 'shows all tables, or the whole story of one')
    .option('--watch', 'show it again every two seconds')
    .option('--json', 'print JSON')
    .action(async (table: string | undefined, options: { config: string; json?: boolean; watch?: boolean }) =>
      (await import('./commands/status.js')).status(table, options),
    );
  command('pause <tables...>', 'holds tables; the others of their topic go on')
    .option('--reason <text>', 'why, for the history')
    .option('--json', 'print JSON')
    .action(async (tables: string[], options: { config: string; json?: boolean; reason?: string }) =>
      (await import('./commands/signal.js')).pause(tables, options),
    );
  command('resume <tables...>', 'lets tables go on where they stopped')
    .option('--accept-loss', 'go on at what Kafka still has, and record what it has lost')
    .option('--json', 'print JSON')
    .action(async (tables: string[], options: { config: string; json?: boolean; acceptLoss?: boolean }) =>
      (await import('./commands/signal.js')).resume(tables, options),
    );
  command('snapshot <table>', "makes a mirror's newest snapshot anew, or all that show instants after --from")
    .option('--from <instant>', 'snapshots of boundaries after this instant, e.g. 2026-03-01')
    .option('--plan', 'say what would be made and make nothing')
    .option('--json', 'print JSON')
    .action(
      async (table: string, options: { config: string; json?: boolean; from?: string; plan?: boolean }) =>
        (await import('./commands/snapshot.js')).snapshot(table, options),
    );
  command('backfill <table>', 'rebuilds partitions of landed rows from Kafka, while ingestion goes on')
    .option('--from <time>', 'first instant of event time: yyyy-mm-dd[Thh[:mm]] in the zone of the table')
    .option('--to <time>', 'the instant after the last: 2026-03-11 takes all of the 10th')
    .option('--plan', 'show what would be rebuilt and what cannot be, and do nothing')
    .option('--id <id>', 'name of the backfill: the same again is answered with what became of the first')
    .option('--accept-missing', 'also rebuild partitions of which Kafka has deleted a part; those rows stay')
    .option('--detach', DETACH)
    .addOption(noWait())
    .option('--cancel', 'cancel the backfill of --id; each partition is then old or new')
    .option('--json', 'print JSON')
    .action(async (table: string, options: BackfillOptions) =>
      (await import('./commands/backfill.js')).backfill(table, detached(options)),
    );
  command('verify <table>', 'compares a snapshot with its source, or what has landed with what Kafka has')
    .option('--at <instant>', 'the snapshot of the last boundary at or before it; else the newest')
    .option('--repair', 'put differing rows of the snapshot right, as a new revision (TiDB)')
    .option('--log', 'compare what has landed with Kafka, offset by offset; always so without a bootstrap')
    .option('--id <id>', 'name of the verification: the same again is answered with what the first found')
    .option('--detach', DETACH)
    .addOption(noWait())
    .option('--json', 'print JSON')
    .action(async (table: string, options: VerifyOptions) =>
      (await import('./commands/verify.js')).verify(table, detached(options)),
    );
  addQuarantine(program, withConfig);
  return program;
}

/** Runs the program; the exit code is 0 only when the command did what it says. */
export async function main(argv: string[]): Promise<void> {
  try {
    await createProgram().parseAsync(argv);
  } catch (error) {
    report(error, argv.includes('--json'));
    process.exitCode = 1;
  }
}

function report(error: unknown, json: boolean): void {
  if (error instanceof ConfigError) {
    if (json) printJson({ error: error.code, problems: error.problems });
    else note(formatProblems(error.problems, { color: pc.isColorSupported }));
    return;
  }
  const message = redact(errorMessage(error));
  if (error instanceof TributaryError) {
    if (json) printJson({ error: error.code, message, ...error.attributes });
    else note(`${pc.red(error.code)}: ${message}`);
    return;
  }
  const stack = error instanceof Error && error.stack ? redactForeign(error.stack) : message;
  note(`${pc.red('Unexpected error')}: ${stack}`);
}
