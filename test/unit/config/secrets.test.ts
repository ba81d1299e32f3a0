import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { errorMessage, TributaryError } from '../../../common/errors.js';
import { formatProblems } from '../../../config/problems.js';
import { maskSecrets, redact, Secret } from '../../../config/secret.js';
import { APPEND, BASE, load, problemsOf, told } from './helpers.js';

const sasl = (password: string): string =>
  BASE.replace(
    '[127.0.0.1:9092]',
    `[127.0.0.1:9092], ssl: true, sasl: { mechanism: plain, username: u, password: ${password} }`,
  ) + APPEND;

const tidb = (url: string): string =>
  `${BASE}tables:\n  - name: orders\n    mode: mirror
    from: { topic: t, format: drainer, match: { database: shop, table: orders } }
    bootstrap: { kind: tidb, url: ${url} }\n    snapshot: { every: day }\n`;

describe('references', () => {
  it('fill texts, numbers and booleans from the environment, with defaults', () => {
    const { config } = load(
      `temporal: { address: '\${HOST:-localhost}:7233', tls: '\${TLS}' }\nworker: { activities: '\${ACTS}' }\n${BASE}${APPEND}`,
      { env: { TLS: 'true', ACTS: '3', HOST: '' } },
    );
    expect(config.temporal).toMatchObject({ address: 'localhost:7233', tls: true });
    expect(config.worker.activities).toBe(3);
  });

  it('that are not set are named, with the place of the reference itself', () => {
    expect(told(`temporal: { address: '\${HOST}:7233' }\n${BASE}${APPEND}`)).toEqual([
      '1:23 temporal.address: the environment variable HOST is not set; set it, or write a default: ${HOST:-...}',
    ]);
  });

  it('keep $${ as a literal ${, and refuse what cannot be read', () => {
    expect(load(`temporal: { namespace: 'a$\${b}' }\n${BASE}${APPEND}`).config.temporal.namespace).toBe(
      'a${b}',
    );
    expect(told(`temporal: { namespace: '\${not a name}' }\n${BASE}${APPEND}`)[0]).toMatch(/cannot be read/);
  });
});

describe('secrets', () => {
  it('come from the environment or a file, without the line break at the end of the file', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'tributary-')), 'password');
    writeFileSync(file, 'from-a-file\n');
    const env = { PASSWORD: '12345678' };
    for (const [written, value] of [
      ["'${PASSWORD}'", '12345678'],
      [`'\${file:${file}}'`, 'from-a-file'],
      [`{ file: ${file} }`, 'from-a-file'],
    ] as const) {
      expect(load(sasl(written), { env }).config.kafka.main?.sasl?.password.reveal()).toBe(value);
    }
    expect(told(sasl('{ file: /nowhere }'))[0]).toMatch(/the secret file \/nowhere cannot be read: ENOENT/);
  });

  it('are refused in the file, and never shown, not even in the error about them', () => {
    for (const text of [
      sasl('hunter2hunter2'),
      sasl("'${NOPE:-hunter2hunter2}'"),
      tidb('mysql://root:hunter2hunter2@tidb:4000/'),
      tidb("'${NOPE:-mysql://root:hunter2hunter2@tidb:4000/}'"),
      tidb("'mysql://tidb:4000/?password=hunter2hunter2'"),
      BASE.replace('kind: none', "kind: hive, host: h, settings: { 'x.Password': hunter2hunter2 }") + APPEND,
      `temporal: { ui: 'http://me:hunter2hunter2@ui:8233' }\n${BASE}${APPEND}`,
    ]) {
      const problems = problemsOf(text);
      expect(problems.map((problem) => problem.message).join('\n')).toMatch(
        /a secret does not belong in this file/,
      );
      expect(formatProblems(problems) + JSON.stringify(problems)).not.toContain('hunter2');
    }
  });

  it('may be part of a URL whose rest is in the file, and a URL without a password may be all there', () => {
    const loaded = load(tidb("'mysql://root:${PW}@tidb:4000/'"), { env: { PW: 'p@ss' } });
    expect(loaded.config.tables[0]?.bootstrap?.url.reveal()).toBe('mysql://root:p@ss@tidb:4000/');
    expect(told(tidb('mysql://root@tidb:4000/'))).toEqual([]);
  });

  it('that are not set stop a worker, but not a command that never uses them', () => {
    expect(told(sasl("'${PW}'"))[0]).toMatch(/the environment variable PW is not set/);
    const password = load(sasl("'${PW}'"), { secrets: 'optional' }).config.kafka.main?.sasl?.password;
    expect(() => password?.reveal()).toThrow(/secret from \$\{PW\} is needed/);
  });

  // A worker that is deployed with a config that "validate" found right must not stop at its first line.
  it('that are not set are a warning where they are optional, with the place of the reference', () => {
    const { warnings } = load(sasl("'${PW}'"), { secrets: 'optional', env: {} });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatchObject({ severity: 'warning', path: 'kafka.main.sasl.password', line: 2 });
    expect(warnings[0]?.message).toMatch(/environment variable PW is not set.*Workers need it/);
    expect(load(sasl("'${PW}'"), { secrets: 'optional', env: { PW: '' } }).warnings[0]?.message).toMatch(
      /secret from \$\{PW\} is empty/,
    );
    const file = load(sasl('{ file: /nowhere }'), { secrets: 'optional' }).warnings;
    expect(file[0]?.message).toMatch(/secret file \/nowhere cannot be read/);
  });

  it('do not print, whatever way a program prints things', () => {
    const secret = Secret.of('a-very-secret-value');
    const shown = [String(secret), `${JSON.stringify({ secret })}`, inspect({ secret }), inspect(secret)];
    for (const text of shown) {
      expect(text).toContain('[redacted]');
      expect(text).not.toContain('very');
    }
  });
});

describe('redact', () => {
  it('hides a secret in any text, also as a URL or JSON would write it', () => {
    Secret.of('p"w/ $1&x');
    expect(redact('a p"w/ $1&x b')).toBe('a [redacted] b');
    expect(redact(`mysql://u:${encodeURIComponent('p"w/ $1&x')}@h`)).toBe('mysql://u:[redacted]@h');
    expect(redact(JSON.stringify({ password: 'p"w/ $1&x' }))).toBe('{"password":"[redacted]"}');
  });

  it('hides only the password of a URL, so that an error still names the host', () => {
    Secret.of('mongodb://reader:s3cr%40t-one@mongo:27017/?authSource=admin');
    expect(redact('cannot connect to mongodb://reader:s3cr%40t-one@mongo:27017/')).toBe(
      'cannot connect to mongodb://reader:[redacted]@mongo:27017/',
    );
    expect(redact('Authentication failed: s3cr@t-one')).toBe('Authentication failed: [redacted]');
  });

  it('does not eat words that contain a short password', () => {
    Secret.of('abc');
    expect(redact('abcdef abc:abc@h "abc"')).toBe('abcdef [redacted]:[redacted]@h "[redacted]"');
    Secret.of('click7');
    expect(redact('stat_click7s, click7')).toBe('stat_click7s, [redacted]');
    // Escaped, something else than a word stands before it.
    expect(redact('mysql%3A%2F%2Froot%3Aclick7%40h {"a":"b\\nclick7"}')).toBe(
      'mysql%3A%2F%2Froot%3A[redacted]%40h {"a":"b\\n[redacted]"}',
    );
  });

  // With the password "secret" every message about secrets became unreadable.
  it('leaves a password that is a word of our sentences in them, and hides it wherever a value stands', () => {
    Secret.of('secret');
    Secret.of('password');
    for (const text of [
      'a secret does not belong in this file; take it from the environment',
      'The secret from ${PW} is needed (see kafka.main.sasl.password).',
      'secrets, passwords, secret_file',
      '{"password":1}',
    ]) {
      expect(redact(text)).toBe(text);
    }
    expect(redact('u:secret@h pw=secret "secret" \'secret\' ?pw=secret&x secret@h')).toBe(
      'u:[redacted]@h pw=[redacted] "[redacted]" \'[redacted]\' ?pw=[redacted]&x [redacted]@h',
    );
    expect(maskSecrets('sasl: { password: password, token: secret }')).toBe(
      'sasl: { password: ********, token: ****** }',
    );
    expect(redact('{"pw":"secret"}')).toBe('{"pw":"[redacted]"}');
  });

  it('hides such a password everywhere in the words of others, also inside a message of ours', () => {
    Secret.of('secret');
    expect(errorMessage(new Error('access denied, secret is wrong'))).toBe(
      'access denied, [redacted] is wrong',
    );
    const ours = new TributaryError({ code: 'X', message: 'The secret is not set' });
    expect(errorMessage(ours)).toBe('The secret is not set');
  });
});
