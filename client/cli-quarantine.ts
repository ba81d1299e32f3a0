import type { Command } from 'commander';
import { day, DETACH, detached, noWait, positive } from './arguments.js';

interface Common {
  config: string;
  json?: boolean;
}

/** `tributary quarantine list | show | replay`. */
export function addQuarantine(program: Command, withConfig: (command: Command) => Command): void {
  const quarantine = program
    .command('quarantine')
    .description('records that could not become rows: counts, bytes, landing them again');
  const command = (usage: string, summary: string): Command =>
    withConfig(quarantine.command(usage).description(summary)).option('--json', 'print JSON');

  command('list [table]', 'counts by table, day and reason').action(
    async (table: string | undefined, options: Common) =>
      (await import('./commands/quarantine.js')).list(table, options),
  );
  command('show <table>', 'the newest records with their bytes, and why they are there')
    .option('--limit <n>', 'records to show', positive, 10)
    .option('--reason <code>', 'only records with this reason')
    .option('--day <yyyy-mm-dd>', 'only records of this day', day)
    .option('--full', 'do not cut long values')
    .action(
      async (
        table: string,
        options: Common & { limit: number; reason?: string; day?: string; full?: boolean },
      ) => (await import('./commands/quarantine.js')).show(table, options),
    );
  command('replay <table>', 'lands records again by the config that the table runs; what lands leaves')
    .option('--reason <code>', 'only records with this reason')
    .option('--day <yyyy-mm-dd>', 'only records of this day', day)
    .option('--dry-run', 'say what would be tried and change nothing')
    .option('--id <id>', 'name of the request: sent twice, it is done once')
    .option('--detach', DETACH)
    .addOption(noWait())
    .action(
      async (
        table: string,
        options: Common & { reason?: string; day?: string; id?: string; dryRun?: boolean; detach?: boolean },
      ) => (await import('./commands/quarantine-replay.js')).replay(table, detached(options)),
    );
}
