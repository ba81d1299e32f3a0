import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { errorMessage } from '../common/errors.js';
import { interpolate, REFERENCE, type Interpolated, type Reference, type Sources } from './interpolate.js';
import { isFilePath, isSecretPath } from './schema-json.js';
import { registerSecret, Secret } from './secret.js';
import type { Path, Source, Span } from './source.js';

export interface ScalarOptions {
  /** Directory that relative file names start from. */
  directory: string;
  env: Record<string, string | undefined>;
  /** `optional`: a secret that is not set becomes one that fails when it is revealed. */
  secrets: 'required' | 'optional';
}

export interface Read {
  value: unknown;
  /** The text came from references. */
  interpolated?: boolean;
  /** A reference could not be filled. */
  faulty?: boolean;
}

const SECRET_NAME = /passw(or)?d|secret|token|api[_.-]?key/i;
const ADVICE = "take it from the environment, '${NAME}', or from a file, '${file:/path}'";

/** Reads the scalars of the document: fills references, makes secrets, and refuses secrets written in the file. */
export class ScalarReader {
  readonly #sources: Sources;

  constructor(
    readonly source: Source,
    readonly options: ScalarOptions,
  ) {
    this.#sources = { env: options.env, readFile: (path) => this.#read(path) };
  }

  scalar(raw: unknown, path: Path, span: Span): Read {
    const secret = isSecretPath(path);
    if (typeof raw !== 'string') {
      if (!secret || typeof raw === 'boolean') return { value: raw };
      raw = String(raw);
    }
    const text = raw as string;
    const filled = interpolate(text, this.#sources);
    const literal = literalSecret(filled, path, secret);
    if (literal !== undefined) {
      registerSecret(literal);
      this.source.report(span, { path, message: `a secret does not belong in this file; ${ADVICE}` });
    }
    if (secret) return { value: this.#secret(filled, path, span) };
    this.#reportFaults(filled, path, span);
    if (namesSecret(path)) registerSecret(filled.value);
    if (isFilePath(path)) return { value: this.#file(filled.value, path, span) };
    return {
      value: filled.value,
      interpolated: filled.references.length > 0,
      faulty: filled.faults.length > 0,
    };
  }

  /** A map, or the secret that `{ file: /path }` stands for. */
  map(fields: Record<string, unknown>, path: Path, span: Span): unknown {
    const { file } = fields;
    if (!isSecretPath(path) || typeof file !== 'string' || Object.keys(fields).length !== 1) return fields;
    try {
      return Secret.of(this.#read(file), file);
    } catch (error) {
      this.#secretMissing(span, path, errorMessage(error));
      return Secret.missing(file);
    }
  }

  #secret(filled: Interpolated, path: Path, span: Span): Secret {
    const origin = filled.references.map((reference) => reference.text).join('') || 'the file';
    const missing = filled.faults.filter((fault) => fault.missing);
    this.#reportFaults({ ...filled, faults: filled.faults.filter((fault) => !fault.missing) }, path, span);
    for (const fault of missing) this.#secretMissing(this.#spanOf(fault, span), path, fault.message);
    if (missing.length > 0) return Secret.missing(origin);
    if (filled.value === '') this.#secretMissing(span, path, `the secret from ${origin} is empty`);
    return Secret.of(filled.value, origin);
  }

  /** Not everyone who has the file has its secrets: where they are optional it is a doubt, for `validate` to tell. */
  #secretMissing(span: Span, path: Path, message: string): void {
    if (this.options.secrets === 'required') this.source.report(span, { path, message });
    else {
      const doubt = `${message}. Workers need it; commands that only talk to Temporal do not`;
      this.source.report(span, { path, message: doubt, severity: 'warning' });
    }
  }

  #reportFaults(filled: Interpolated, path: Path, span: Span): void {
    for (const fault of filled.faults) {
      this.source.report(this.#spanOf(fault, span), { path, message: fault.message });
    }
  }

  /** Where a reference stands; the whole value if it cannot be told. */
  #spanOf({ text }: Reference, span: Span): Span {
    const at = this.source.text.indexOf(text, span[0]);
    return at >= 0 && at < span[1] ? [at, at + text.length] : span;
  }

  #file(name: string, path: Path, span: Span): string {
    const file = resolve(this.options.directory, name);
    try {
      readFileSync(file);
    } catch (error) {
      this.source.report(span, { path, message: `the file ${file} cannot be read: ${errorMessage(error)}` });
    }
    return file;
  }

  #read(name: string): string {
    const file = resolve(this.options.directory, name);
    try {
      // Editors and `echo` end a file with a line break that is no part of the secret.
      return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
    } catch (error) {
      throw new Error(`the secret file ${file} cannot be read: ${errorMessage(error)}`, { cause: error });
    }
  }
}

/** True for free settings such as `javax.jdo.option.ConnectionPassword`. */
function namesSecret(path: Path): boolean {
  return path.at(-2) === 'settings' && SECRET_NAME.test(String(path.at(-1)));
}

/** The part of a text that is a secret in plain sight, or undefined. */
function literalSecret(filled: Interpolated, path: Path, secret: boolean): string | undefined {
  const isUrl = path.at(-1) === 'url';
  if ((secret && !isUrl) || namesSecret(path)) {
    const literal = filled.literal.replaceAll(REFERENCE, '');
    return literal === '' ? undefined : literal;
  }
  const userInfo =
    /^[a-z][a-z0-9+.-]*:\/\/([^/?#\s]*)@/i.exec(filled.literal.replace(/^\uE000+/, ''))?.[1] ?? '';
  const password = userInfo.includes(':') ? userInfo.slice(userInfo.indexOf(':') + 1) : '';
  const query = /[?&](?:password|passwd|pwd|token|secret)=([^&#\s]*)/i.exec(filled.literal)?.[1] ?? '';
  const found = [password, query].map((text) => text.replaceAll(REFERENCE, '')).find((text) => text !== '');
  return found;
}
