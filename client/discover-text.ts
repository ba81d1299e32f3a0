import pc from 'picocolors';
import type { FormatGuess } from '../changelog/decoders/sniff.js';
import type { SourceName } from '../changelog/source-names.js';
import { count, counted } from './output.js';

const OTHERS = 2;
/** Tables of one topic that are named. */
const NAMED = 10;

/** What `discover` says of a topic beside the proposal, for a person to judge. */
export function discoverLines(
  topic: string,
  records: number,
  guesses: FormatGuess[],
  readers: string[],
  sources: SourceName[] = [],
): string[] {
  const [best, ...others] = guesses;
  const sure = ({ confidence }: FormatGuess): string => `${Math.round(confidence * 100)} % sure`;
  return [
    `${pc.bold(topic)}: ${counted(records, 'record')} looked at`,
    `  format ${pc.bold(best!.format)}, ${sure(best!)}: ${best!.why}`,
    ...others.slice(0, OTHERS).map((guess) => pc.dim(`  or ${guess.format}, ${sure(guess)}: ${guess.why}`)),
    pc.dim(
      '  (how sure: the share of the records that look like it, counted less where that look is common to several formats)',
    ),
    ...(sources.length < 2 ? [] : [severalTables(sources)]),
    ...(readers.length === 0 ? [] : [readBy(readers)]),
  ];
}

/** A topic of several tables needs an entry for each: the proposal has the first one. */
function severalTables(sources: SourceName[]): string {
  const named = sources
    .slice(0, NAMED)
    .map((each) => `${each.database}.${each.table} (${count(each.records)})`);
  const more = sources.length > NAMED ? ` and ${count(sources.length - NAMED)} more` : '';
  return `  its records are of ${counted(sources.length, 'table')}: ${named.join(', ')}${more}. Each needs an entry of its own; the proposal is for the first`;
}

function readBy(readers: string[]): string {
  const names = readers.join(', ');
  return (
    `  ${pc.yellow('read already')} by ${names} (${readers.map((name) => `tributary status ${name}`).join(', ')}). ` +
    'Another table of this topic needs another name; the topic is still read once.'
  );
}
