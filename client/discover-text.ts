import pc from 'picocolors';
import type { FormatGuess } from '../changelog/decoders/sniff.js';
import { count } from './output.js';

const OTHERS = 2;

/** What `discover` says of a topic beside the proposal, for a person to judge. */
export function discoverLines(
  topic: string,
  records: number,
  guesses: FormatGuess[],
  readers: string[],
): string[] {
  const [best, ...others] = guesses;
  const sure = ({ confidence }: FormatGuess): string => `${Math.round(confidence * 100)} % sure`;
  return [
    `${pc.bold(topic)}: ${count(records)} records looked at`,
    `  format ${pc.bold(best!.format)}, ${sure(best!)}: ${best!.why}`,
    ...others.slice(0, OTHERS).map((guess) => pc.dim(`  or ${guess.format}, ${sure(guess)}: ${guess.why}`)),
    pc.dim(
      '  (how sure: the share of the records that look like it, counted less where that look is common to several formats)',
    ),
    ...(readers.length === 0 ? [] : [readBy(readers)]),
  ];
}

function readBy(readers: string[]): string {
  const names = readers.join(', ');
  return (
    `  ${pc.yellow('read already')} by ${names} (${readers.map((name) => `tributary status ${name}`).join(', ')}). ` +
    'Another table of this topic needs another name; the topic is still read once.'
  );
}
