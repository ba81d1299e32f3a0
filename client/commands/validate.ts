import pc from 'picocolors';
import { formatProblems } from '../../config/problems.js';
import { counted, note, print, printJson } from '../output.js';
import { openSession } from '../session.js';

/** Checks a config file; every mistake is reported at once, with its line and column. */
export async function validate(options: { config: string; json?: boolean }): Promise<void> {
  const { loaded, specs } = await openSession(options.config);
  if (options.json) {
    printJson({
      valid: true,
      file: loaded.file,
      tables: specs.map(({ name }) => name),
      warnings: loaded.warnings,
    });
    return;
  }
  if (loaded.warnings.length > 0) note(formatProblems(loaded.warnings, { color: pc.isColorSupported }));
  const tables = counted(specs.length, 'table');
  const warnings = loaded.warnings.length === 0 ? '' : `, ${counted(loaded.warnings.length, 'warning')}`;
  print(`${pc.green('valid')}  ${loaded.file}: ${tables}${warnings}`);
}
