import { isInteger, isLosslessNumber, parse } from 'lossless-json';
import { formatJsonPath } from '../config/json-path.js';
import { RECORD_COLUMNS } from '../config/spec.js';

/** A column as a config would declare it. */
export interface InferredColumn {
  name: string;
  type: string;
  path: string;
}

export interface Inferred {
  columns: InferredColumn[];
  /** Path of a field that holds the event time in every sample, the likeliest first. */
  timePath: string | undefined;
}

/** Objects are opened this deep; what lies deeper becomes one column of JSON text. */
const MAX_DEPTH = 2;
const MAX_COLUMNS = 80;
const LIKELY_TIME = /^(@timestamp|event_?time|time|timestamp|ts|created_?at|log_?time|date)$/i;
const TAKEN = new Set<string>([...RECORD_COLUMNS.map(({ name }) => name), 'dt', 'hh', 'raw']);

type Kind = 'integer' | 'number' | 'boolean' | 'string' | 'json';

/** Proposes columns for a log from some of its records. Pure; samples that are not JSON objects are passed over. */
export function inferColumns(samples: string[]): Inferred {
  const kinds = new Map<string, Set<Kind>>();
  const times = new Map<string, number>();
  let objects = 0;
  for (const sample of samples) {
    const value = parseObject(sample);
    if (!value) continue;
    objects += 1;
    visit(value, [], (path, kind, text) => {
      (kinds.get(path) ?? kinds.set(path, new Set()).get(path)!).add(kind);
      if (looksLikeTime(path, kind, text)) times.set(path, (times.get(path) ?? 0) + 1);
    });
  }
  const always = [...times].filter(([, count]) => count === objects).map(([path]) => path);
  const timePath = always.find((path) => LIKELY_TIME.test(lastKey(path))) ?? always[0];
  const names = new Set<string>();
  const columns = [...kinds]
    .filter(([path]) => path !== timePath)
    .slice(0, MAX_COLUMNS)
    .map(([path, seen]) => ({ name: columnName(path, names), type: typeOf(seen), path }));
  return { columns, timePath };
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value = parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isLosslessNumber(value);
}

function visit(
  value: Record<string, unknown>,
  keys: string[],
  found: (path: string, kind: Kind, text: string) => void,
): void {
  for (const [key, member] of Object.entries(value)) {
    const path = [...keys, key];
    if (member === null) continue;
    if (isObject(member) && path.length < MAX_DEPTH) visit(member, path, found);
    else found(formatJsonPath(path), kindOf(member), scalarText(member));
  }
}

function scalarText(value: unknown): string {
  if (isLosslessNumber(value)) return value.value;
  return typeof value === 'string' ? value : '';
}

function kindOf(value: unknown): Kind {
  if (isLosslessNumber(value)) return isInteger(value.value) ? 'integer' : 'number';
  if (typeof value === 'boolean') return 'boolean';
  return typeof value === 'string' ? 'string' : 'json';
}

function typeOf(kinds: Set<Kind>): string {
  if (kinds.size === 1 && kinds.has('integer')) return 'bigint';
  if (kinds.size === 1 && kinds.has('boolean')) return 'boolean';
  if ([...kinds].every((kind) => kind === 'integer' || kind === 'number')) return 'double';
  return 'string';
}

function looksLikeTime(path: string, kind: Kind, text: string): boolean {
  if (kind === 'string') return /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d/.test(text);
  return kind === 'integer' && LIKELY_TIME.test(lastKey(path)) && /^1\d{9}(\d{3}){0,3}$/.test(text);
}

function lastKey(path: string): string {
  return /([A-Za-z0-9_@]+)"?$/.exec(path)?.[1] ?? '';
}

function columnName(path: string, names: Set<string>): string {
  const words = path
    .replace(/^\$\.?/, '')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
    .toLowerCase();
  const base = /^[a-z]/.test(words) ? words : `c_${words}`;
  let name = TAKEN.has(base) ? `${base}_` : base;
  for (let n = 2; names.has(name); n++) name = `${base}_${n}`;
  names.add(name);
  return name;
}
