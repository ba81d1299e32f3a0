const REDACTED = '[redacted]';
/** Shorter values protect nothing, and hiding them would only make texts unreadable. */
const TOO_SHORT = 3;
/** Values shorter than this are hidden only where they stand alone, whatever they are made of. */
const SHORT = 5;
/** The same of values of letters and digits: `click` is part of many names. */
const SHORT_WORD = 8;
/** Values of letters alone that are shorter than this may be words of our own sentences. */
const LONG_WORD = 12;

interface Hidden {
  pattern: RegExp;
  /** It looks like a word of a sentence. */
  word: boolean;
}

const known = new Set<string>();
let hidden: Hidden[] | undefined;

/** Makes `redact` know a value that must not be printed, also as a URL or JSON would write it. */
export function hideValue(value: string): void {
  if (value.length < TOO_SHORT || value === REDACTED) return;
  known.add(value);
  known.add(encodeURIComponent(value));
  known.add(JSON.stringify(value).slice(1, -1));
  hidden = undefined;
}

/**
 * A text of ours with every known secret replaced by `[redacted]`. Somebody's password may be a word of which our sentences are made
 * ("secret"): it stays in a sentence, where it tells nothing, and goes wherever a value can stand (quoted, after `=` or `:`, in a URL).
 * Words of others are cleaned by `redactForeign` before they come into a text of ours; `errorMessage` does that.
 */
export function redact(text: string): string {
  return replaceSecrets(text, () => REDACTED, isSentence);
}

/** A text that others have written (drivers, servers), without any known secret: nobody knows where they put it. */
export function redactForeign(text: string): string {
  return replaceSecrets(
    text,
    () => REDACTED,
    () => false,
  );
}

/** A line of YAML with stars of the same length for its secrets: positions in the text stay what they were. */
export function maskSecrets(text: string): string {
  return replaceSecrets(text, (value) => '*'.repeat(value.length), isKey);
}

/** @param harmless whether a word that stands there tells nothing */
function replaceSecrets(
  text: string,
  replacement: (value: string) => string,
  harmless: (text: string, start: number, end: number) => boolean,
): string {
  hidden ??= [...known].sort((a, b) => b.length - a.length).map(hiddenOf);
  return hidden.reduce(
    (result, { pattern, word }) =>
      result.replace(pattern, (value: string, offset: number) =>
        word && harmless(result, offset, offset + value.length) ? value : replacement(value),
      ),
    text,
  );
}

function hiddenOf(value: string): Hidden {
  const literal = value.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const word = /^\p{L}+$/u.test(value) && value.length < LONG_WORD;
  const alone =
    word || value.length < SHORT || (/^[\p{L}\p{N}_]+$/u.test(value) && value.length < SHORT_WORD);
  if (!alone) return { pattern: new RegExp(literal, 'gu'), word };
  // What is escaped ends in a letter too: `%3A` before it in a URL, `\n` before it in JSON.
  const before = '(?:(?<![\\p{L}\\p{N}_])|(?<=%[0-9A-Fa-f]{2}|\\\\[bfnrt]))';
  return { pattern: new RegExp(`${before}${literal}(?![\\p{L}\\p{N}_])`, 'gu'), word };
}

/** Whether what stands there is a word between words, or the name of a field or an option, and not a value. */
function isSentence(text: string, start: number, end: number): boolean {
  const before = text.slice(Math.max(0, start - 1), start);
  const after = text.slice(end, end + 2);
  if (before === '"' && after === '":') return true;
  return /^[\s(.]?$/.test(before) && /^(?:$|[\s)]|[.,;:!?](?:\s|$))/.test(after);
}

/** Whether what stands there is the name of an option in YAML. */
function isKey(text: string, start: number, end: number): boolean {
  return /(?:^|[\s{,])$/.test(text.slice(0, start)) && /^:(?:\s|$)/.test(text.slice(end, end + 2));
}
