import type { z } from 'zod';
import { alternatives, knownKeys, schemaAt, type JsonNode } from './schema-json.js';
import type { Path } from './source.js';
import { suggest } from './suggest.js';

/** Stands for zod's own texts, which this file words anew; texts from the schema are kept. */
export const OWN_TEXT = '\0';

export type Issue = z.core.$ZodIssue;

export interface Told {
  path: Path;
  message: string;
  suggestion?: string;
  /** Where to point: at the name of an option or at its value. */
  at: 'key' | 'value';
  /** An option that the schema does not know. */
  unknownKey?: boolean;
  /** There is nothing at the path. */
  missing?: boolean;
  /** A text stands where only these are right. */
  wants?: ('number' | 'boolean')[];
}

/** Puts an issue of the schema into words that name the option, the value and the way out. */
export function tell(issue: Issue, document: unknown, base: Path = []): Told[] {
  const path = [...base, ...issue.path.filter((step) => typeof step !== 'symbol')];
  const value = valueAt(document, path);
  const custom = issue.message === OWN_TEXT ? undefined : issue.message;
  const told = (message: string, more: Partial<Told> = {}): Told[] => [
    { path, message, at: 'value', ...more },
  ];
  if (value === undefined && issue.code !== 'unrecognized_keys')
    return told(required(path, document), { at: 'key', missing: true });
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownOption([...path, key], document));
    case 'invalid_type':
      return told(custom ?? `expected ${kindName(issue.expected)}, found ${describe(value)}`, {
        wants: wanted(issue),
      });
    case 'invalid_value':
      return told(custom ?? notOneOf(value, issue.values), { suggestion: nearest(value, issue.values) });
    case 'invalid_union':
      return custom === undefined ? tellUnion(issue, document, path, value) : told(custom);
    case 'too_small':
      return told(custom ?? tooSmall(issue));
    case 'too_big':
      return told(custom ?? `must be at most ${String(issue.maximum)}, found ${describe(value)}`);
    case 'invalid_key': {
      const inner = issue.issues[0]?.message;
      return told(inner === undefined || inner === OWN_TEXT ? 'is not a valid name' : inner, { at: 'key' });
    }
    case 'custom': {
      const suggestion: unknown = issue.params?.suggestion;
      return told(custom ?? 'is not valid', typeof suggestion === 'string' ? { suggestion } : {});
    }
    default:
      return told(
        custom === undefined ? `${describe(value)} is not valid` : `${custom}; found ${describe(value)}`,
      );
  }
}

/** The value at a path of plain data, or undefined. */
export function valueAt(document: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (at, step) => (at as Record<string | number, unknown> | null | undefined)?.[step],
    document,
  );
}

function unknownOption(path: Path, document: unknown): Told {
  const key = String(path.at(-1));
  const known = knownKeys(path.slice(0, -1), document);
  const suggestion = suggest(key, known);
  const listed = suggestion === undefined ? `; known here: ${known.join(', ')}` : '';
  return { path, message: `unknown option "${key}"${listed}`, suggestion, at: 'key', unknownKey: true };
}

function required(path: Path, document: unknown): string {
  const name = typeof path.at(-1) === 'number' ? 'a value' : `"${String(path.at(-1))}"`;
  const node = schemaAt(path, document);
  const values = node ? alternatives(node).flatMap(valuesOf) : [];
  const what = values.length > 0 ? `one of ${values.join(', ')}` : firstSentence(node?.description);
  return `${name} is missing${what === '' ? '' : `: ${what}`}`;
}

function valuesOf(node: JsonNode): string[] {
  if (node.const !== undefined) return [text(node.const)];
  return (node.enum ?? []).map(text);
}

const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

const firstSentence = (description = ''): string => description.replace(/\.(\s.*)?$/s, '');

function tellUnion(
  issue: Extract<Issue, { code: 'invalid_union' }>,
  document: unknown,
  path: Path,
  value: unknown,
): Told[] {
  if (issue.errors.length === 0) {
    const node = schemaAt(path, document);
    const parent = schemaAt(path.slice(0, -1), document);
    const options = (parent ? alternatives(parent) : node ? [node] : [])
      .map((member) => member.properties?.[String(path.at(-1))]?.const)
      .filter((option) => option !== undefined);
    return [{ path, message: notOneOf(value, options), suggestion: nearest(value, options), at: 'value' }];
  }
  // The alternative that was meant is the one whose faults lie deeper than "this is no map".
  const meant = issue.errors.filter(
    (errors) => !errors.some((error) => error.path.length === 0 && isKind(error)),
  );
  const best = meant.sort((a, b) => a.length - b.length)[0];
  if (best) return best.flatMap((error) => tell(error, document, path));
  const node = schemaAt(path, document);
  const kinds = new Set(issue.errors.flatMap((errors) => errors.filter(isKind).map(expectation)));
  const names = node?.writeOnly ? ['a secret'] : [...kinds];
  const wants = issue.errors.flat().flatMap(wanted);
  return [{ path, message: `expected ${names.join(' or ')}, found ${describe(value)}`, at: 'value', wants }];
}

/** What a text from a reference may be read as. */
function wanted(issue: Issue): ('number' | 'boolean')[] {
  if (issue.code === 'invalid_value') {
    return issue.values.some((value) => typeof value === 'boolean') ? ['boolean'] : [];
  }
  if (issue.code !== 'invalid_type') return [];
  if (issue.expected === 'boolean') return ['boolean'];
  return issue.expected === 'number' || issue.expected === 'int' ? ['number'] : [];
}

const isKind = (issue: Issue): boolean => issue.code === 'invalid_type' || issue.code === 'invalid_value';

function expectation(issue: Issue): string {
  if (issue.code === 'invalid_value') return issue.values.map(String).join(' or ');
  return issue.code === 'invalid_type' ? kindName(issue.expected) : 'something else';
}

function notOneOf(value: unknown, values: readonly unknown[]): string {
  return `${describe(value)} is not one of ${values.map(text).join(', ')}`;
}

function nearest(value: unknown, values: readonly unknown[]): string | undefined {
  return typeof value === 'string' ? suggest(value, values.map(text)) : undefined;
}

function tooSmall(issue: Extract<Issue, { code: 'too_small' }>): string {
  if (issue.origin === 'string') return 'must not be empty';
  if (issue.origin === 'array') return `needs at least ${String(issue.minimum)} of them`;
  return `must be at least ${String(issue.minimum)}`;
}

function kindName(expected: string): string {
  const names: Record<string, string> = {
    string: 'a text',
    number: 'a number',
    int: 'a whole number',
    boolean: 'true or false',
    object: 'a map of options',
    record: 'a map',
    array: 'a list',
    tuple: 'a list',
  };
  return names[expected] ?? expected;
}

/** A value as a person would name it, short and on one line. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : typeof value;
}
