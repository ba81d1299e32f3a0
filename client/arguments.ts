import { InvalidArgumentError } from 'commander';

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
