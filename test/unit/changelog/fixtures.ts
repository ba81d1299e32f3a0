import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import type { TestRecord } from './landing.js';

export const FIXTURE_ROOT = fileURLToPath(new URL('../../fixtures', import.meta.url));

export interface FixtureExpectation {
  op: string;
  table?: string | null;
  order?: string | null;
  key?: Record<string, string | null>;
  after?: Record<string, unknown> | null;
  before?: Record<string, unknown> | null;
  [more: string]: unknown;
}

export interface Fixture {
  format: string;
  case: string;
  table: { table: string; columns: { name: string; type: string }[]; key: string[] }[];
  records: TestRecord[];
  expected: FixtureExpectation[];
  final_rows?: Record<string, Record<string, string | null>[]>;
}

/** A golden case: bytes from the real encoder and what they mean. */
export function fixture(format: string, name: string): Fixture {
  const parsed = JSON.parse(readFileSync(`${FIXTURE_ROOT}/${format}/${name}.json`, 'utf8')) as Omit<
    Fixture,
    'records'
  > & {
    messages: { partition: number; key_b64: string | null; value_b64: string | null }[];
  };
  const decode = (text: string | null) => (text === null ? null : Buffer.from(text, 'base64'));
  const records = parsed.messages.map((message) => ({
    partition: message.partition,
    key: decode(message.key_b64),
    value: decode(message.value_b64),
  }));
  return { ...parsed, records };
}
