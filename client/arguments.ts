import { InvalidArgumentError, Option } from 'commander';

/** A whole number above zero, for commander. @throws InvalidArgumentError, which names the option */
export function positive(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text.trim()) || !Number.isSafeInteger(number) || number === 0) {
    throw new InvalidArgumentError('It must be a whole number above 0.');
  }
  return number;
}

/** A day as partitions are named, for commander. @throws InvalidArgumentError, which names the option */
export function day(text: string): string {
  const time = Date.parse(`${text}T00:00:00Z`);
  // JavaScript takes 31 February for a day in March.
  const same = !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || !same) {
    throw new InvalidArgumentError('It must be a day as yyyy-mm-dd, e.g. 2026-03-01.');
  }
  return text;
}

/** What `--detach` does, wherever a command waits for something long. */
export const DETACH = 'do not wait for the end';

/** An older name of `--detach`. */
export function noWait(): Option {
  return new Option('--no-wait', DETACH).hideHelp();
}

/** Options in which either name means the same. */
export function detached<T extends { detach?: boolean }>(options: T): T {
  const { wait = true } = options as { wait?: boolean };
  return wait ? options : { ...options, detach: true };
}
