import { TributaryError } from '../common/errors.js';
import { suggest } from '../config/suggest.js';
import { count, counted } from './output.js';
import type { QuarantineCount } from './quarantine-files.js';

export interface QuarantineChoice {
  reason?: string;
  day?: string;
}

/** Counts that fit what a person asked for. */
export function chosen(counts: QuarantineCount[], { reason, day }: QuarantineChoice): QuarantineCount[] {
  return counts.filter(
    (each) => (day === undefined || each.day === day) && (reason === undefined || each.reason === reason),
  );
}

/**
 * What stands below records of which there may be more; undefined if all are shown.
 * @param total null: too many to count
 */
export function cutText(shown: number, total: number | null): string | undefined {
  if (total !== null && total <= shown) return undefined;
  const of = total === null ? 'of more that were not counted' : `of ${counted(total, 'record')}`;
  return `the newest ${count(shown)} ${of}; --limit shows more, tributary quarantine list counts them by reason`;
}

export function byReason(counts: QuarantineCount[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { reason, records } of counts) sums[reason ?? ''] = (sums[reason ?? ''] ?? 0) + records;
  return sums;
}

/**
 * What to tell a person whose choice has no record: what there is instead, by reason, with the days.
 * @throws TributaryError ReasonUnknown if the reason is like one that is there: a mistype, after which nothing was done
 */
export function nothingChosen(table: string, choice: QuarantineChoice, counts: QuarantineCount[]): string {
  if (counts.length === 0) return `Nothing is in quarantine for ${table}.`;
  const { reason, day } = choice;
  const reasons = Object.entries(byReason(counts)).sort(([, a], [, b]) => b - a);
  const names = reasons.map(([name]) => name);
  const meant = reason === undefined || names.includes(reason) ? undefined : suggest(reason, names);
  const asked = [
    ...(reason === undefined ? [] : [`reason ${reason}`]),
    ...(day === undefined ? [] : [`day ${day}`]),
  ].join(' and ');
  const message = [
    `Nothing in the quarantine of ${table} has ${asked}${meant === undefined ? '.' : `; did you mean ${meant}?`} It holds:`,
    ...reasons.map(([name, records]) => `  ${count(records)} ${name || 'records'}  ${daysOf(counts, name)}`),
  ].join('\n');
  if (meant === undefined) return message;
  throw new TributaryError({ code: 'ReasonUnknown', message, attributes: { table, meant } });
}

function daysOf(counts: QuarantineCount[], name: string): string {
  const days = counts.filter(({ reason }) => (reason ?? '') === name).map(({ day }) => day);
  const [first, last] = [days.sort()[0]!, days.at(-1)!];
  return first === last ? `on ${first}` : `from ${first} to ${last}`;
}

/** The choice as a request has it: absent fields are not there at all. */
export function filterOf({ reason, day }: QuarantineChoice): QuarantineChoice {
  return { ...(reason !== undefined && { reason }), ...(day !== undefined && { day }) };
}
