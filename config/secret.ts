import { inspect } from 'node:util';
import { TributaryError } from '../common/errors.js';
import { hideValue } from '../common/redact.js';

export { maskSecrets, redact } from '../common/redact.js';

const REDACTED = '[redacted]';
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
  for (const part of secretParts(value)) hideValue(part);
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
