import { inspect } from 'node:util';
import { TributaryError } from '../common/errors.js';

const REDACTED = '[redacted]';
/** Shorter secrets are hidden only where they stand alone, or `redact` would eat ordinary words. */
const SHORT = 5;
/** Still shorter ones protect nothing, and hiding them would only make texts unreadable. */
const TOO_SHORT = 3;

const known = new Set<string>();
let patterns: RegExp[] | undefined;

/** A value that must not be printed. `reveal()` is the only way to it. */
export class Secret {
  readonly #value: string | undefined;
  readonly #origin: string;

  private constructor(value: string | undefined, origin: string) {
    this.#value = value;
    this.#origin = origin;
  }

  /** Wraps a value and makes `redact` know it. `origin` says where it came from: `$TIDB_URL`, `/run/secrets/x`. */
  static of(value: string, origin = 'a secret'): Secret {
    registerSecret(value);
    return new Secret(value, origin);
  }

  /** A secret whose source is not there; `reveal` fails. For commands that never need it. */
  static missing(origin: string): Secret {
    return new Secret(undefined, origin);
  }

  reveal(): string {
    if (this.#value === undefined) {
      throw new TributaryError({
        code: 'SecretMissing',
        message: `The secret from ${this.#origin} is needed here but is not set; set it and start again.`,
      });
    }
    return this.#value;
  }

  get origin(): string {
    return this.#origin;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [inspect.custom](): string {
    return REDACTED;
  }
}

/** Makes `redact` hide a value. Of a URL only the password is secret, so that errors can still name the host. */
export function registerSecret(value: string): void {
  for (const part of secretParts(value)) {
    if (part.length < TOO_SHORT || part === REDACTED) continue;
    known.add(part);
    known.add(encodeURIComponent(part));
    known.add(JSON.stringify(part).slice(1, -1));
    patterns = undefined;
  }
}

/** The text with every known secret value replaced by `[redacted]`. */
export function redact(text: string): string {
  return replaceSecrets(text, () => REDACTED);
}

/** Like `redact`, but with stars of the same length: positions in the text stay what they were. */
export function maskSecrets(text: string): string {
  return replaceSecrets(text, (value) => '*'.repeat(value.length));
}

function replaceSecrets(text: string, replacement: (value: string) => string): string {
  patterns ??= [...known].sort((a, b) => b.length - a.length).map(patternOf);
  return patterns.reduce((result, pattern) => result.replace(pattern, replacement), text);
}

const URL_PASSWORD = /^([a-z][a-z0-9+.-]*:\/\/)([^/?#\s]*)@/i;
const QUERY_SECRET = /[?&](?:password|passwd|pwd|token|secret|api_?key)=([^&#\s]+)/gi;

function secretParts(value: string): string[] {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(value)) return [value];
  const parts = [...value.matchAll(QUERY_SECRET)].map((match) => match[1] ?? '');
  const userInfo = URL_PASSWORD.exec(value)?.[2] ?? '';
  const colon = userInfo.indexOf(':');
  if (colon >= 0) parts.push(userInfo.slice(colon + 1));
  return parts.flatMap((part) => [part, decoded(part)]);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function patternOf(value: string): RegExp {
  const literal = value.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(
    value.length < SHORT ? `(?<![\\p{L}\\p{N}_])${literal}(?![\\p{L}\\p{N}_])` : literal,
    'gu',
  );
}
